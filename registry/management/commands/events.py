"""`modelyard events`: the timeline."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from registry import desired
from registry.management.command import YardCommand
from registry.models import Event

POLL_S = 0.5


class Command(YardCommand):
    """Oldest first, so that the newest line is the last one on the screen."""

    help = "Show what happened: who or what changed which state, and why."
    examples = ("", "--deployment smollm2 -n 20", "-f")
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--deployment", metavar="NAME", help="Only what is about this deployment.")
        parser.add_argument("-n", type=int, default=50, dest="count", metavar="N", help="So many (default: 50).")
        parser.add_argument("-f", "--follow", action="store_true", help="Go on with what happens from now on.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["follow"] and options["as_json"]:
            raise CommandError("-f and --json do not go together: JSON ends with the newest event.")
        if options["count"] < 1:
            raise CommandError("-n needs a number above 0.")
        events = Event.objects.order_by("-id")
        if options["deployment"]:
            events = events.filter(deployment=desired.find(options["deployment"]))
        newest = list(events[: options["count"]])[::-1]
        if options["as_json"]:
            self.print_json([_facts(event) for event in newest])
            return
        self._print(newest)
        if options["follow"]:
            self._follow(events, max((event.pk for event in newest), default=0))
        elif not newest:
            self.stdout.write("Nothing has happened yet.")

    def _follow(self, events: QuerySet[Event], seen: int) -> None:
        while True:
            time.sleep(POLL_S)
            new = list(events.filter(pk__gt=seen).order_by("id"))
            self._print(new)
            seen = max((event.pk for event in new), default=seen)

    def _print(self, events: list[Event]) -> None:
        for event in events:
            self.stdout.write(_line(event))
        self.stdout.flush()


def _facts(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at,
        "actor": event.actor,
        "subject": event.subject,
        "from": event.from_state,
        "to": event.to_state,
        "reason": event.reason,
        "revision": event.revision,
    }


def _line(event: Event) -> str:
    change = f"{event.from_state} → {event.to_state}" if event.to_state else ""
    reason = " ".join(event.reason.split())
    parts = (f"{event.at:%Y-%m-%d %H:%M:%S}", f"{event.subject} ({event.actor})", change, reason)
    return "  ".join(part for part in parts if part)
