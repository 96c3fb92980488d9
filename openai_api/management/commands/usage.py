"""`modelyard usage`: who used what, and how fast it came."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from openai_api import keys
from openai_api.management.moments import parse_past
from openai_api.models import Usage
from openai_api.usage.narrowing import of_key, of_user
from openai_api.usage.pruning import prune
from openai_api.usage.totals import GROUPS, Line, Total, altogether, totals
from registry.management.command import YardCommand
from registry.management.operator import actor

DEFAULT_SINCE = "30d"
FIGURES = ("requests", "failed", "aborted", "tokens_in", "tokens_out", "cached", "ttft_ms", "tokens_per_s")
SELECTS = ("by", "since", "until", "model", "key", "user")


class Command(YardCommand):
    """Of requests that began within a time."""

    help = "Show who used what: requests, tokens, and how fast they came."
    examples = (
        "",
        "--by user --since 7d",
        "--by day --model smollm2-135m-instruct --since 2026-11-01 --until 2026-12-01",
        "--key nightly --json",
        "--prune-before 365d",
    )
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", choices=tuple(GROUPS), help="A line for each of these (default: model).")
        when = "90m, 24h or 7d ago, or a date such as 2026-11-01"
        parser.add_argument(
            "--since", type=parse_past, metavar="WHEN", help=f"From then on: {when} (default: {DEFAULT_SINCE})."
        )
        parser.add_argument("--until", type=parse_past, metavar="WHEN", help="Before that moment (default: now).")
        parser.add_argument("--model", metavar="NAME", help="Only requests to this model, by its own name.")
        parser.add_argument("--key", metavar="KEY", help="Only this key's: its name, first characters or id.")
        parser.add_argument("--user", metavar="NAME", help="Only this person's, with all keys of the person.")
        parser.add_argument(
            "--prune-before", type=parse_past, metavar="WHEN", help="Delete all rows from before that moment instead."
        )
        parser.add_argument("--yes", action="store_true", help="With --prune-before: do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["prune_before"] is not None:
            self._prune(options)
            return
        if options["yes"]:
            raise CommandError("--yes is for --prune-before.")
        by = options["by"] or "model"
        found = totals(_selected(options), by)
        rows = [_row(by, line) for line in found]
        if len(found) > 1 and not options["as_json"]:
            rows.append(_row(by, Line("all together", altogether(found))))
        self.print_rows(rows, columns=(by, *FIGURES), as_json=options["as_json"], nothing=_nothing(options))

    def _prune(self, options: Mapping[str, Any]) -> None:
        strange = next((name for name in SELECTS if options[name] is not None), None)
        if strange is not None:
            raise CommandError(f"--prune-before deletes the rows of everybody: it does not go with --{strange}.")
        before = options["prune_before"]
        count = Usage.objects.filter(began_at__lt=before).count()
        if count and not options["yes"]:
            _ask(f"{count} rows from before {before:%Y-%m-%d %H:%M %Z}")
        deleted = prune(before, actor=actor()) if count else 0
        if options["as_json"]:
            self.print_json({"deleted": deleted})
        else:
            self.stdout.write(f"{deleted} rows are deleted." if deleted else "There is no usage from before that.")


def _selected(options: Mapping[str, Any]) -> QuerySet[Usage]:
    since = parse_past(DEFAULT_SINCE) if options["since"] is None else options["since"]
    until = timezone.now() if options["until"] is None else options["until"]
    if since >= until:
        raise CommandError("Nothing lies between --since and --until: the first one has to be earlier.")
    rows = Usage.objects.filter(began_at__gte=since, began_at__lt=until)
    if (model := options["model"]) is not None:
        rows = rows.filter(model=model)
    if (key := options["key"]) is not None:
        rows = of_key(rows, _public(key))
    if (user := options["user"]) is not None:
        rows = of_user(rows, user)
    return rows


def _public(key: str) -> str:
    written = key.rstrip("…")
    if written.startswith(keys.MARK) and len(written) > keys.PREFIX_LENGTH:
        raise CommandError(
            f"That is a whole key: name it by its first {keys.PREFIX_LENGTH} characters, its name or id."
        )
    return written


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(f"Deleting {what} cannot be taken back: say --yes.")
    if input(f"Delete {what}? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was deleted.")


def _row(by: str, line: Line) -> dict[str, object]:
    sums: Total = line.total
    named: dict[str, object] = {name: getattr(sums, name, None) for name in FIGURES}
    ttft_ms = None if sums.ttft_s is None else round(sums.ttft_s * 1000, 1)
    speed = None if sums.tokens_per_second is None else round(sums.tokens_per_second, 1)
    return {by: line.name, **named, "ttft_ms": ttft_ms, "tokens_per_s": speed}


def _nothing(options: Mapping[str, Any]) -> str:
    chosen = [f"{name} {options[name]}" for name in ("model", "key", "user") if options[name] is not None]
    since = "in the last 30 days" if options["since"] is None else f"since {options['since']:%Y-%m-%d %H:%M %Z}"
    what = f" of {' and '.join(chosen)}" if chosen else ""
    return f"No requests{what} {since}. `modelyard usage --since 365d` looks further back."
