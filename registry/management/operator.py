"""What the operators' commands share: who acts, how a wait looks, and what a wish is written like."""

from __future__ import annotations

import getpass
import json
import shutil
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from registry import waiting
from registry.management.command import YardCommand
from registry.models import Deployment
from registry.status import Phase

TIMEOUT_S = 600.0
CLEAR_LINE = "\r\033[K"


def actor() -> str:
    """Who acts, for the timeline."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "cli"


def parse_option(written: str) -> tuple[str, Any]:
    """`KEY=JSON`; what is no JSON is text, so that `dtype=bfloat16` needs no quotes. Raises `CommandError`."""
    key, equals, value = written.partition("=")
    if not equals or not key.strip():
        raise CommandError(f"--option {written}: write it as KEY=VALUE, such as dtype=bfloat16.")
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value


class LiveLine:
    """One line that is written over on a terminal; elsewhere a line for each change."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._on_terminal = stream.isatty()
        self._shown = ""

    def show(self, text: str) -> None:
        if text != self._shown:
            columns = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be cleared
            self._stream.write(f"{CLEAR_LINE}{text[:columns]}" if self._on_terminal else f"{text}\n", ending="")
            self._stream.flush()
            self._shown = text

    def keep(self, text: str) -> None:
        """A line that stays, above the live one."""
        self.clear()
        self._stream.write(text)

    def clear(self) -> None:
        if self._on_terminal and self._shown:
            self._stream.write(CLEAR_LINE, ending="")
        self._shown = ""


class OrderCommand(YardCommand):
    """A command that asks for something, and may wait until it is so."""

    waits_for: Phase = Phase.READY

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="The deployment.")

    def add_wait_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wait", action="store_true", help=f"Wait until it is {self.waits_for.name.lower()}.")
        parser.add_argument(
            "--timeout", type=float, default=TIMEOUT_S, metavar="S", help="Seconds to wait (default: %(default)g)."
        )

    def settle(self, deployment: Deployment, *, since: int, timeout_s: float) -> None:
        """Show how it goes until it is done. Raises `CommandError` with the worker's own reason when it is not."""
        line = LiveLine(self.stdout)
        told: set[str] = set()
        for observation in waiting.watch(deployment, since=since, timeout_s=timeout_s):
            for reason in observation.failures:
                again = "again, for the same reason" if reason in told else f"({reason})"
                line.keep(f"{deployment}: a launch failed {again}")
                told.add(reason)
            status = observation.status
            if not status.phase.settled:
                line.show(f"{deployment}: {status.brief if status.reason in told else status.words}")
        line.clear()
        if observation.timed_out:
            raise CommandError(
                f"{deployment} is not {self.waits_for.name.lower()} after {timeout_s:g} s ({status.words}). "
                "It goes on trying; `modelyard ps` shows how far it is."
            )
        if status.phase is not self.waits_for:
            raise CommandError(f"{deployment}: {status.words}")
        self.stdout.write(f"{deployment}: {status.words}")
