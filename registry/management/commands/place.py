"""`modelyard place`: where a deployment would go, without storing anything."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import desired
from registry.fit import Answer, would_fit
from registry.management.command import YardCommand
from registry.management.placing import add_deployment_arguments, wish_of
from registry.measures import format_bytes
from registry.wishes import check_wishes


class Command(YardCommand):
    """Asks the control plane's own decision. Exit code 1 when a replica finds no place."""

    help = "Say where the replicas of a deployment would go, and why each other device is refused."
    examples = (
        "smollm2 --replicas 3 --dry-run",
        "--path ~/models/big --gpus 2 --label zone=a --dry-run",
        "big --memory 60GiB --devices node-a:2,3 --dry-run --json",
    )
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", default="", metavar="NAME", help="A deployment; not needed with --path.")
        add_deployment_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Only ask, which is all that this command does.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            raise CommandError("`modelyard place` only asks: say --dry-run, or run it with `modelyard deploy`.")
        if not options["name"] and not options["path"]:
            raise CommandError("Name a deployment, or say --path with the folder of the weights.")
        answer = self._answer(options)
        if options["as_json"]:
            self.print_json(answer.as_json())
        else:
            self._print(answer)
        if not answer.fits:
            sys.exit(1)

    def _answer(self, options: dict[str, Any]) -> Answer:
        draft = wish_of(options, name=options["name"]).draft()
        desired.check_options(draft.options)
        check_wishes(draft)
        return would_fit(draft)

    def _print(self, answer: Answer) -> None:
        self.stdout.write(answer.brief)
        self.stdout.write("")
        estimate = answer.estimate
        self.stdout.write(f"Each replica claims {format_bytes(estimate.total)} ({estimate.source}):")
        self.stdout.write("\n".join(f"  {note}" for note in estimate.notes))
        seats = [
            {
                "replica": seat.replica,
                "place": seat.place,
                "claims": _claims(seat.claims),
                "now": "runs there" if seat.stays else "",
            }
            for seat in answer.seats
            if seat.fits
        ]
        if seats:
            self.stdout.write("")
            self.print_rows(seats, columns=("replica", "place", "claims", "now"), as_json=False)
        if answer.refusals:
            self.stdout.write("")
            rows = [{"device": each.device, "refused": each.reason} for each in answer.refusals]
            self.print_rows(rows, columns=("device", "refused"), as_json=False)


def _claims(claims: tuple[tuple[str, int], ...]) -> str:
    return " + ".join(format_bytes(size) for _, size in claims)
