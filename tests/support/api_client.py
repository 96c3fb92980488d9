"""Clients of the management API: a person's session, or a key."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from openai_api.keys import create_key
from tests.registry import factories


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
