"""The three groups that an installation begins with, and what each of them may do."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from modelyard.models import StandardGroup

Grants = Mapping[str, Mapping[str, tuple[str, ...]]]  # app, noun, verbs

ALL = ("view", "add", "change", "delete")
SEEN = ("alias", "deployment", "device", "event", "model", "node", "revision", "worker")
SEE: Grants = {
    "registry": dict.fromkeys(SEEN, ("view",)),
}
# What runs, and nothing about people: no users, no keys, no limits, no usage by name.
ORDER: Grants = {
    "registry": {
        "alias": ("add", "change", "delete"),
        "deployment": ("add", "change", "delete"),
        "model": ("add", "change", "delete"),
        "node": ("change", "delete"),
    }
}
RULE: Grants = {
    "auth": {"group": ALL, "user": ALL},
    "openai_api": {
        "apikey": ALL,
        "limit": ALL,
        "usage": ("view",),
    },
    "pages": dict.fromkeys(("contestant", "pairing", "preset"), ALL) | {"battle": ("view",)},
}
GROUPS: Mapping[str, tuple[Grants, ...]] = {
    "viewer": (SEE,),
    "operator": (SEE, ORDER),
    "admin": (SEE, ORDER, RULE),
}


# Came after the first version, which did not write down yet what it gave.
UNRECORDED: Mapping[str, frozenset[str]] = {"admin": frozenset({"pages.view_battle"})}


def ensure() -> list[str]:
    """Make those that are missing, give the others what a later version brings, and say which got something.

    Nothing is taken away, and nothing given twice: what people changed stays as they made it.
    """
    return [name for name in GROUPS if _brought_up_to_date(name)]


@transaction.atomic
def _brought_up_to_date(name: str) -> bool:
    known = StandardGroup.objects.select_for_update().select_related("group").filter(kind=name).first()
    standard = known or _adopted(name)
    fresh = {_code(permission): permission for permission in permissions_of(name)}
    for code in standard.given:
        fresh.pop(code, None)
    standard.group.permissions.add(*fresh.values())
    standard.given = sorted({*standard.given, *fresh})
    standard.save(update_fields=["given"])
    return bool(fresh)


def _adopted(name: str) -> StandardGroup:
    group, made = Group.objects.get_or_create(name=name)
    given = set() if made else set(map(_code, permissions_of(name))) - UNRECORDED.get(name, frozenset())
    standard, _ = StandardGroup.objects.get_or_create(kind=name, defaults={"group": group, "given": sorted(given)})
    return standard


def _code(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def permissions_of(name: str) -> list[Permission]:
    """The rows of what one of our groups may do."""
    wanted = [
        Q(content_type__app_label=app, codename=f"{verb}_{noun}")
        for grants in GROUPS[name]
        for app, nouns in grants.items()
        for noun, verbs in nouns.items()
        for verb in verbs
    ]
    return list(Permission.objects.select_related("content_type").filter(Q(*wanted, _connector=Q.OR)))
