"""The three groups that an installation begins with, and what each of them may do."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

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


def ensure() -> list[str]:
    """Make those that are missing, and say which; one that is there stays as people made it."""
    known = set(Group.objects.filter(name__in=GROUPS).values_list("name", flat=True))
    missing = [name for name in GROUPS if name not in known]
    for name in missing:
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(permissions_of(name))
    return missing


def permissions_of(name: str) -> list[Permission]:
    """The rows of what one of our groups may do."""
    wanted = [
        Q(content_type__app_label=app, codename=f"{verb}_{noun}")
        for grants in GROUPS[name]
        for app, nouns in grants.items()
        for noun, verbs in nouns.items()
        for verb in verbs
    ]
    return list(Permission.objects.filter(Q(*wanted, _connector=Q.OR)))
