"""`modelyard limits`: how much may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management.base import CommandError, CommandParser
from django.db.models import Q, QuerySet

from openai_api.limits import desired
from openai_api.models import ApiKey, Limit
from openai_api.models.limit import WHOSE
from registry.management.command import YardCommand
from registry.management.operator import actor
from registry.models import Model

COLUMNS = ("id", *WHOSE, *desired.CAPS)


class Command(YardCommand):
    """The web processes follow within a second."""

    help = "List, set and remove limits of keys, users, groups and models."
    examples = (
        "",
        "set --user anna --requests-per-minute 60 --tokens-per-day 200000",
        "set --group lab --model smollm2-135m-instruct --concurrent 4",
        "set --key nightly --tokens-per-day none",
        "remove --user anna",
    )
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", nargs="?", default="list", choices=("list", "set", "remove"), help="What to do.")
        parser.add_argument("--key", metavar="KEY", help="A key's name, beginning or id.")
        parser.add_argument("--user", metavar="NAME", help="A person, with all keys of the person together.")
        parser.add_argument("--group", metavar="NAME", help="A group: its keys and its people together.")
        parser.add_argument("--model", metavar="NAME", help="Requests to this model only; alone: everybody's.")
        for name in desired.CAPS:
            parser.add_argument(
                f"--{name.replace('_', '-')}", type=_cap, metavar="N", help="A number, or none to take it away."
            )

    def handle(self, *args: Any, **options: Any) -> None:
        whose = {name: _found(name, options[name]) for name in WHOSE if options[name]}
        caps = {name: _number(options[name]) for name in desired.CAPS if options[name] is not None}
        if caps and options["order"] != "set":
            raise CommandError("Numbers are for `modelyard limits set`.")
        if options["order"] == "list":
            self._list(Limit.objects.filter(**whose), as_json=options["as_json"])
        elif not whose:
            raise CommandError("Say whose: --key, --user, --group or --model.")
        elif options["order"] == "set":
            limit = desired.set_limit(whose, caps, actor=actor())
            self._list(Limit.objects.filter(pk=limit.pk), as_json=options["as_json"])
        else:
            self._remove(whose)

    def _list(self, limits: QuerySet[Limit], *, as_json: bool) -> None:
        rows = [_row(limit) for limit in limits.select_related(*WHOSE)]
        if not as_json:
            rows = [{name: "" if value is None else value for name, value in row.items()} for row in rows]
        self.print_rows(rows, columns=COLUMNS, as_json=as_json, nothing="No limits: everybody may ask as much as fits.")

    def _remove(self, whose: Mapping[str, Any]) -> None:
        limits = list(Limit.objects.filter(**{name: whose.get(name) for name in WHOSE}))
        if not limits:
            raise CommandError("There is no such limit: `modelyard limits` lists them.")
        desired.remove(limits, actor=actor())
        self.stdout.write(f"The limit of {limits[0]} is removed.")


def _cap(written: str) -> str:
    if written != "none" and not written.lstrip("-").isdecimal():
        raise CommandError(f"'{written}' is no number: write one, or none.")
    return written


def _number(written: str) -> int | None:
    return None if written == "none" else int(written)


def _found(kind: str, name: str) -> Any:
    by_id = Q(pk=int(name)) if name.isdecimal() else Q(pk=None)
    look: Mapping[str, QuerySet[Any]] = {
        "key": ApiKey.objects.filter(Q(name=name) | Q(prefix__startswith=name) | by_id, revoked_at=None),
        "user": User.objects.filter(username=name),
        "group": Group.objects.filter(name=name),
        "model": Model.objects.filter(name=name),
    }
    found = list(look[kind][:2])
    if len(found) != 1:
        raise CommandError(f"{'Several keys are' if found else f'No {kind} is'} called '{name}'.")
    return found[0]


def _row(limit: Limit) -> dict[str, Any]:
    names = {
        "key": limit.key and limit.key.name,
        "user": limit.user and limit.user.get_username(),
        "group": limit.group and limit.group.name,
        "model": limit.model and limit.model.name,
    }
    return {"id": limit.pk, **names, **{name: getattr(limit, name) for name in desired.CAPS}}
