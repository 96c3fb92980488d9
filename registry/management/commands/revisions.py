"""`modelyard revisions`: what a deployment was told to be, and when."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django.core.management.base import CommandParser

from registry import desired
from registry.errors import NotFound
from registry.management.operator import OrderCommand
from registry.models import Deployment, Revision
from registry.revisions import Change, diff, summary


class Command(OrderCommand):
    """Newest first. A worker names the revision that it runs: `modelyard ps --json`."""

    help = "List the revisions of a deployment, or what differs between two."
    examples = ("smollm2", "smollm2 --diff 1 3", "smollm2 --json")
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--diff",
            nargs=2,
            type=int,
            metavar=("A", "B"),
            help="Each option that differs between two revisions, and what the change takes.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        deployment = desired.find(options["name"])
        if options["diff"]:
            self._print_diff(deployment, *options["diff"], as_json=options["as_json"])
            return
        self.print_rows(_rows(deployment), columns=("number", "when", "who", "changed"), as_json=options["as_json"])

    def _print_diff(self, deployment: Deployment, before: int, after: int, *, as_json: bool) -> None:
        changes = diff(_snapshot(deployment, before), _snapshot(deployment, after))
        if as_json:
            self.print_json([_facts(change) for change in changes])
            return
        rows = [
            {"option": c.label, "before": c.before_words, "after": c.after_words, "takes": c.effect} for c in changes
        ]
        nothing = f"Revisions {before} and {after} of {deployment} are the same."
        self.print_rows(rows, columns=("option", "before", "after", "takes"), as_json=False, nothing=nothing)


def _rows(deployment: Deployment) -> list[dict[str, Any]]:
    revisions: list[Revision | None] = [*deployment.revisions.order_by("-number"), None]
    return [
        {
            "number": revision.number,
            "when": f"{revision.created_at:%Y-%m-%d %H:%M:%S}",
            "who": revision.created_by,
            "changed": summary(before.snapshot if before else None, revision.snapshot),
        }
        for revision, before in pairwise(revisions)
        if revision is not None
    ]


def _snapshot(deployment: Deployment, number: int) -> dict[str, Any]:
    revision = deployment.revisions.filter(number=number).first()
    if revision is None:
        newest = deployment.revisions.order_by("-number").first()
        raise NotFound(f"{deployment} has no revision {number}: its newest is {newest.number if newest else 'none'}.")
    snapshot: dict[str, Any] = revision.snapshot
    return snapshot


def _facts(change: Change) -> dict[str, Any]:
    return {
        "option": change.name,
        "label": change.label,
        "before": change.before,
        "after": change.after,
        "hot": change.hot,
    }
