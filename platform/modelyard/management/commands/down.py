"""`modelyard down`: stop what `up` started, even when its supervisor is gone."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.conf import settings

from modelyard.embedded.run_state import RunState, end_recorded
from modelyard.errors import ModelyardError
from modelyard.installation import Installation
from registry.agent.leftovers import stop_leftovers
from registry.management.command import YardCommand

ORDERLY_S = 18.0  # an orderly stop takes 15 at most
AT_ONCE_S = 5.0


class Command(YardCommand):
    """Asks the supervisor, then asks harder; in the end looks for what is left."""

    help = "Stop the platform and all its models."
    expected_errors = (*YardCommand.expected_errors, ModelyardError)

    def handle(self, *args: Any, **options: Any) -> None:
        installation: Installation = settings.INSTALLATION
        state = RunState.read(installation)
        ran = state is not None and (state.alive or bool(state.living()))
        if state is not None and state.alive:
            _stop_supervisor(state)
        end_recorded(state, timeout_s=AT_ONCE_S)
        left = stop_leftovers(installation.data_dir)
        self.stdout.write("Everything is stopped." if ran or left else f"Nothing runs for {installation.data_dir}.")


def _stop_supervisor(state: RunState) -> None:
    for number, patience_s in ((signal.SIGTERM, ORDERLY_S), (signal.SIGTERM, AT_ONCE_S), (signal.SIGKILL, AT_ONCE_S)):
        state.supervisor.send(number)
        deadline = time.monotonic() + patience_s
        while state.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        if not state.alive:
            return
