"""`modelyard up`: everything on this machine, in the foreground or detached."""

from __future__ import annotations

import sys
from argparse import SUPPRESS
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from modelyard.embedded import holds
from modelyard.embedded.console import Console
from modelyard.embedded.detach import BACKGROUND, start_detached
from modelyard.embedded.launch import Launch, Plan
from modelyard.embedded.preparation import add_address_arguments
from modelyard.embedded.run_state import RunState, running_sentence
from modelyard.embedded.services import reachable_host
from modelyard.errors import AlreadyRunning, ModelyardError
from modelyard.installation import Installation
from registry.management.command import YardCommand


class Command(YardCommand):
    """Asked again while it runs, it says so: exit code 0 when what was asked for is what runs, else 1."""

    help = "Start the platform: database, pages, API, models. Ctrl-C stops all of it."
    expected_errors = (*YardCommand.expected_errors, ModelyardError)

    def add_arguments(self, parser: CommandParser) -> None:
        add_address_arguments(parser)
        parser.add_argument("--no-demo", action="store_false", dest="demo", help="Do not deploy the demo models.")
        parser.add_argument(
            "--detach", action="store_true", help="Return when everything is ready, and leave it running."
        )

        parser.add_argument(BACKGROUND, action="store_true", dest="background", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        installation: Installation = settings.INSTALLATION
        plan = _plan(demo=options["demo"], background=options["background"])
        console = Console(sys.stdout)
        try:
            if options["detach"]:
                _refuse_second(installation)
                start_detached(installation, _arguments(plan), console)
            else:
                Launch(installation, plan, console).run()
        except AlreadyRunning as error:
            running = RunState.read(installation)
            if running is None or running.url != plan.url:
                raise
            console.say(str(error))
            if held := holds.release(installation):
                console.say(f"Starts again: {', '.join(sorted(held))}.")


def _plan(*, demo: bool, background: bool) -> Plan:
    env = settings.ENV
    scheme = "https" if env.tls_cert else "http"
    url = env.base_url.rstrip("/") or f"{scheme}://{reachable_host(env.host)}:{env.port}"
    return Plan(
        host=env.host,
        port=env.port,
        url=url,
        demo=demo,
        external_database=bool(env.database_url),
        pgbin=env.postgres_bin,
        background=background,
    )


def _refuse_second(installation: Installation) -> None:
    running = RunState.read(installation)
    if running and running.alive:
        raise AlreadyRunning(running_sentence(installation))


def _arguments(plan: Plan) -> list[str]:
    return ["--host", plan.host, "--port", str(plan.port), *([] if plan.demo else ["--no-demo"])]
