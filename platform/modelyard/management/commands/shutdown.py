"""`modelyard shutdown --down`: stop one part, and let it stay stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.db.models import Q
from django.db.utils import DatabaseError, InterfaceError

from modelyard.embedded import holds
from modelyard.errors import ModelyardError
from registry import desired
from registry.errors import NotFound
from registry.management.command import YardCommand, sentence
from registry.management.node_orders import workers
from registry.management.operator import LiveLine, actor
from registry.management.rows import LIVES
from registry.models import Deployment, Worker
from registry.states import WorkerState

TIMEOUT_S = 120.0  # longer than the usual time-out of a drain
POLL_S = 0.3

PARTS = ("agent", "web", "control")
MEANWHILE = {
    "agent": "What runs on this machine goes on running; nothing new is started on it.",
    "web": "There are no pages and no API meanwhile; models go on running.",
    "control": "What runs goes on running and is answered; nothing is placed, replaced or stopped meanwhile.",
}
# As FastChat's `shutdown_serve --down` calls them.
SYNONYMS = {"controller": "control", "model_worker": "models", "openai_api_server": "web"}


class Command(YardCommand):
    """Gracefully, and by identity: a process is known by boot id, pid and start time, never by its command line."""

    help = "Stop a part of the platform and let it stay stopped: models, one of them, agent, web, control, or all."
    examples = ("--down models", "--down smollm2", "--down web", "--down all --timeout 300")
    expected_errors = (*YardCommand.expected_errors, ModelyardError)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--down",
            required=True,
            metavar="all|models|agent|web|control|NAME",
            help="What to stop; NAME is a deployment, or a model with all its deployments.",
        )
        parser.add_argument(
            "--timeout", type=float, default=TIMEOUT_S, metavar="S", help="Seconds to wait (default: %(default)g)."
        )
        parser.add_argument("--no-wait", action="store_false", dest="wait", help="Only give the order.")

    def handle(self, *args: Any, **options: Any) -> None:
        target = SYNONYMS.get(options["down"], options["down"])
        timeout_s = options["timeout"] if options["wait"] else None
        if target in PARTS:
            self._stop_part(target, timeout_s)
        elif target == "all":
            self._stop_all(timeout_s)
        else:
            self._stop_models(_deployments(target), timeout_s)

    def _stop_all(self, timeout_s: float | None) -> None:
        try:
            self._stop_models(_deployments("models"), timeout_s)
        except (DatabaseError, InterfaceError, CommandError) as error:
            self.stderr.write(f"Not every model was stopped in order: {sentence(error)}")
        finally:
            connections.close_all()
        call_command("down", stdout=self.stdout, stderr=self.stderr)

    def _stop_part(self, part: str, timeout_s: float | None) -> None:
        if timeout_s is None:
            holds.tell(settings.INSTALLATION, [part])
            self.stdout.write(f"{part}: told to stop")
            return
        killed = holds.stop(settings.INSTALLATION, [part], timeout_s=timeout_s)
        rudely = f" ({', '.join(killed)} had to be killed)" if killed else ""
        self.stdout.write(f"{part} is stopped{rudely}. {MEANWHILE[part]} `modelyard up` starts it again.")

    def _stop_models(self, deployments: Sequence[Deployment], timeout_s: float | None) -> None:
        for deployment in deployments:
            if not deployment.paused:
                desired.stop(deployment, actor=actor())
                self.stdout.write(f"{deployment}: told to stop")
        if timeout_s is not None:
            self._wait(deployments, timeout_s)
            names = ", ".join(map(str, deployments)) or "models"
            self.stdout.write(f"No worker of {names} runs. `modelyard deploy NAME` lets one run again.")

    def _wait(self, deployments: Sequence[Deployment], timeout_s: float) -> None:
        line, give_up_at = LiveLine(self.stdout), time.monotonic() + timeout_s
        while count := _living(deployments):
            line.show(f"waiting for {workers(count)} to end")
            if time.monotonic() > give_up_at:
                line.clear()
                raise CommandError(
                    f"{workers(count)} did not end within {timeout_s:g} s; they are told to, and `modelyard ps` shows "
                    "how far they are."
                )
            time.sleep(POLL_S)
        line.clear()


def _deployments(target: str) -> list[Deployment]:
    """All, or those that a name stands for. Raises `NotFound`, which says what there is."""
    every = Deployment.objects.select_related("model").order_by("name")
    if target == "models":
        return list(every)
    found = every.filter(name=target) or every.filter(Q(model__name=target) | Q(model__aliases__name=target)).distinct()
    if not found:
        known = ", ".join([*every.values_list("name", flat=True)[:20]]) or "none yet"
        raise NotFound(
            f"There is nothing called {target!r}: say all, models, {', '.join(PARTS)}, or a deployment. "
            f"Deployments: {known}."
        )
    return list(found)


def _living(deployments: Sequence[Deployment]) -> int:
    # What became of a worker on a lost machine is unknown, and may stay so.
    return Worker.objects.filter(LIVES, deployment__in=deployments).exclude(state=WorkerState.LOST).count()
