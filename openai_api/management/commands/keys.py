"""`modelyard keys`: who may use the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from openai_api import keys
from openai_api.management.moments import parse_duration, parse_moment
from openai_api.models import ApiKey, Scope
from registry.clock import database_now
from registry.management.command import YardCommand
from registry.management.operator import actor

COLUMNS = ("id", "name", "key", "owner", "scopes", "models", "state", "last_used", "expires")
# What takes which options; the others are refused rather than ignored.
TAKES: Mapping[str, tuple[str, ...]] = {
    "list": (),
    "create": ("user", "group", "scope", "model", "expires"),
    "rotate": ("overlap",),
    "revoke": (),
}
OPTIONS = tuple(option for options in TAKES.values() for option in options)


class Command(YardCommand):
    """A new secret is the one line on stdout, so that a script can take it; nothing keeps it."""

    help = "List, make, rotate and revoke API keys. A new secret is printed once."
    examples = (
        "",
        "create nightly --user anna",
        "create lab-ci --group lab --scope inference --scope read --model 'lab/*' --expires 90d",
        "rotate nightly --overlap 2h",
        "revoke my-Q3x81c",
    )
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "order", nargs="?", default="list", choices=tuple(TAKES), help="What to do (default: list)."
        )
        parser.add_argument(
            "key", nargs="?", default="", metavar="KEY", help="A new key's name; else a key's name, beginning or id."
        )
        parser.add_argument("--user", metavar="NAME", help="create: the person whose key it is.")
        parser.add_argument("--group", metavar="NAME", help="create: or the group whose key it is.")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="create: what it is for; several (default: inference).",
        )
        parser.add_argument(
            "--model",
            action="append",
            metavar="NAME",
            help="create: a model it may ask, or lab/*; several (default: all).",
        )
        parser.add_argument(
            "--expires",
            type=parse_moment,
            metavar="WHEN",
            help="create: in 90d or 12h, or on 2030-01-31 (default: never).",
        )
        parser.add_argument(
            "--overlap",
            type=parse_duration,
            metavar="TIME",
            help="rotate: how long the old key works (default: 24h; 0: not).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        order, name = options["order"], options["key"].strip()
        strange = [option for option in OPTIONS if options[option] is not None and option not in TAKES[order]]
        if strange:
            raise CommandError(f"--{strange[0]} is not for `modelyard keys {order}`: see `modelyard keys --help`.")
        if bool(name) == (order == "list"):
            raise CommandError("`modelyard keys list` takes no name." if name else f"Say which key to {order}.")
        {"list": self._list, "create": self._create, "rotate": self._rotate, "revoke": self._revoke}[order](
            name, options
        )

    def _list(self, _: str, options: Mapping[str, Any]) -> None:
        now = database_now()
        rows = [_facts(key, now) for key in ApiKey.objects.select_related("user", "group", "replaces")]
        shown = rows if options["as_json"] else [row | _words(row) for row in rows]
        nothing = "No keys yet: `modelyard keys create NAME --user USER` makes one."
        self.print_rows(shown, columns=COLUMNS, as_json=options["as_json"], nothing=nothing)

    def _create(self, name: str, options: Mapping[str, Any]) -> None:
        rights: keys.Rights = {
            "group": _group(options["group"]),
            "scopes": options["scope"] or [Scope.INFERENCE],
            "allowed_models": options["model"] or [],
            "expires_at": options["expires"],
        }
        user = _user(options["user"])
        self._show(*keys.create_key(name, user, actor=actor(), **rights), options, story="is made")

    def _rotate(self, name: str, options: Mapping[str, Any]) -> None:
        overlap = keys.OVERLAP if options["overlap"] is None else options["overlap"]
        made, secret = keys.rotate(_find(name), overlap=overlap, actor=actor())
        ends = f"works until {keys.written(made.replaces.expires_at)}" if overlap and made.replaces else "is revoked"
        self._show(made, secret, options, story=f"is made; the old key {ends}")

    def _revoke(self, name: str, options: Mapping[str, Any]) -> None:
        key = _find(name)
        revoked = bool(keys.revoke([key], actor=actor()))
        key.refresh_from_db()
        if options["as_json"]:
            self.print_json(_facts(key, database_now()))
        else:
            self.stdout.write(f"{key} is revoked." if revoked else f"{key} was revoked before.")

    def _show(self, key: ApiKey, secret: str, options: Mapping[str, Any], *, story: str) -> None:
        if options["as_json"]:
            self.print_json({**_facts(key, database_now()), "secret": secret})
            return
        self.stderr.write(f"{key} of {keys.owner_of(key)} {story}. Its secret is shown this once:")
        self.stdout.write(secret)


def _find(given: str) -> ApiKey:
    """By name, beginning or id. Raises `CommandError`, which never repeats what may be a secret."""
    written = given.rstrip("…")
    if written.startswith(keys.MARK) and len(written) > keys.PREFIX_LENGTH:
        raise CommandError(
            f"That is a whole key: name it by its first {keys.PREFIX_LENGTH} characters, its name or id."
        )
    wanted = Q(name=given) | Q(prefix=written) | (Q(pk=int(given)) if given.isdecimal() else Q())
    found = list(ApiKey.objects.filter(wanted, revoked_at=None)[:10]) or list(ApiKey.objects.filter(wanted)[:10])
    if not found:
        raise CommandError(f"There is no key {given!r}: `modelyard keys` lists them.")
    if len(found) > 1:
        choices = ", ".join(f"{key.pk} ({key.prefix}…)" for key in found)
        raise CommandError(f"Several keys are called {given!r}: say the id of one of {choices}.")
    return found[0]


def _user(name: str | None) -> User | None:
    user = User.objects.filter(username=name).first() if name is not None else None
    if name is not None and user is None:
        raise CommandError(f"There is no user {name!r}: the admin's page of users lists them.")
    return user


def _group(name: str | None) -> Group | None:
    group = Group.objects.filter(name=name).first() if name is not None else None
    if name is not None and group is None:
        raise CommandError(f"There is no group {name!r}: the admin's page of groups lists them.")
    return group


def _facts(key: ApiKey, now: datetime) -> dict[str, Any]:
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "user": key.user.get_username() if key.user else None,
        "group": key.group.name if key.group else None,
        "scopes": key.scopes,
        "allowed_models": key.allowed_models,
        "state": key.state(now),
        "replaces": key.replaces_id,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": f"{row['prefix']}…",
        "owner": row["user"] or f"group {row['group']}",
        "models": row["allowed_models"] or "all",
        "last_used": keys.written(row["last_used_at"]) if row["last_used_at"] else "never",
        "expires": keys.written(row["expires_at"]) if row["expires_at"] else "never",
    }
