"""`modelyard web`: pages and API."""

from __future__ import annotations

import sys
from argparse import SUPPRESS
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from modelyard.errors import ModelyardError, StartFailed
from registry.management.command import YardCommand


class Command(YardCommand):
    """Told to end (SIGTERM), it lets streams end; told a second time by SIGINT, it does not."""

    help = "Serve the pages and the API at MODELYARD_HOST and MODELYARD_PORT."
    expected_errors = (*YardCommand.expected_errors, ModelyardError)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fd", type=int, action="append", default=[], help=SUPPRESS)  # sockets of the supervisor
        parser.add_argument("--told", type=int, help=SUPPRESS)  # where a successor says that it serves

    def handle(self, *args: Any, **options: Any) -> None:
        # Only here: uvicorn and the gateway are half a second of imports.
        from modelyard import serving
        from modelyard.embedded.listener import listening

        here = settings.ENV
        try:
            sockets = serving.inherited(options["fd"]) or listening(here.host, here.port)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StartFailed(f"Nothing can listen on {here.host}:{here.port} ({reason}).") from error
        server = serving.WebServer(serving.config(here), told=options["told"])
        server.run(sockets)
        if not server.started:
            sys.exit(1)
