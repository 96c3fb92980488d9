"""Clients of the management API, by a person's session or a key, and its routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver
from rest_framework.test import APIClient

from openai_api.keys import create_key
from tests.registry import factories

NO_UUID = "00000000-0000-0000-0000-000000000000"


def of_user(name: str, *permissions: str) -> APIClient:
    """The session of a new user with these permissions, who is no staff."""
    return of_person(factories.user(name, *permissions, is_staff=False))


def of_root() -> APIClient:
    """The session of a new superuser."""
    return of_person(factories.superuser())


def of_person(person: Any) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def of_key(*scopes: str, **owner: Any) -> APIClient:
    """A new key with these scopes, of whom is given or of a new superuser."""
    who = owner or {"user": factories.superuser(f"owner-of-{'-'.join(scopes)}")}
    _, secret = create_key("robot", scopes=scopes, **who)
    return of_secret(secret)


def of_secret(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def management_routes() -> Iterator[str]:
    """Every method of every route of the framework, such as `get models/{name}`."""
    resolver = get_resolver()
    for name in filter(lambda key: isinstance(key, str) and key.startswith("api-"), resolver.reverse_dict):
        for template, parameters in resolver.reverse_dict.getlist(name)[0][0]:
            route = template.removeprefix("api/v1/") % {each: f"{{{each}}}" for each in parameters}
            actions = getattr(resolver.resolve(nowhere(route)).func, "actions", None) or {"get": "schema"}
            yield from (f"{method} {route}" for method in actions if method != "head")  # the same as get


def nowhere(route: str) -> str:
    """An address of this route where there is nothing."""
    names = {"name": "none", "id": NO_UUID if "usage" in route else "999", "launch_id": NO_UUID}
    return "/api/v1/" + re.sub(r"\{(\w+)\}", lambda found: names[found[1]], route.rpartition(" ")[2])
