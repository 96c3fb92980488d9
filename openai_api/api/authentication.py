"""An API key in place of a session, on the management API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from openai_api import keys
from openai_api.models import ApiKey
from registry.clock import database_now

NOTED_EVERY = timedelta(minutes=1)  # a program that polls must not write a row each time


@dataclass(frozen=True, slots=True)
class Grant:
    """What `request.auth` is when a key let the request in."""

    key: ApiKey = field(repr=False)

    @property
    def name(self) -> str:
        """For the timeline."""
        return self.key.name

    @property
    def scopes(self) -> frozenset[str]:
        """What the key is for."""
        return frozenset(self.key.scopes)


@dataclass(frozen=True, slots=True)
class GroupAsUser:
    """A group's key has the group's permissions, and nobody's but these."""

    group: Group
    pk: None = None
    is_active: bool = True
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_staff: bool = False
    is_superuser: bool = False

    def get_username(self) -> str:
        return f"group {self.group.name}"

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        app, codename = permission.split(".", 1)
        return Permission.objects.filter(group=self.group, content_type__app_label=app, codename=codename).exists()

    def has_perms(self, permissions: Sequence[str], obj: Any = None) -> bool:
        return all(self.has_perm(each, obj) for each in permissions)


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer my-…`. The row is found by the secret's hash, so time tells nothing about secrets."""

    def authenticate(self, request: Request) -> tuple[Any, Grant] | None:
        kind, _, secret = get_authorization_header(request).partition(b" ")
        if kind.lower() != b"bearer":
            return None
        key = self._find(secret.strip().decode("latin-1"))
        return (key.user or GroupAsUser(_group(key))), Grant(key)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _find(self, secret: str) -> ApiKey:
        rows = ApiKey.objects.select_related("user", "group")
        key = rows.filter(secret_hash=keys.hash_secret(secret)).first()
        if key is None:
            raise AuthenticationFailed("This API key is not known here.")
        now = database_now()
        state = key.state(now)
        if state != "active" or (key.user is not None and not key.user.is_active):
            raise AuthenticationFailed(f"This API key is {state if state != 'active' else 'of somebody who left'}.")
        if key.last_used_at is None or now - key.last_used_at > NOTED_EVERY:
            keys.mark_used([key.pk])
        return key


def _group(key: ApiKey) -> Group:
    assert key.group is not None  # a constraint of the table: a key has a user or a group
    return key.group


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # it registers itself
    """How the description of the API tells of keys."""

    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API key with the scope read or manage."}
