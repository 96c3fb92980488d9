"""Making, revoking and reading API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from openai_api.models import ApiKey, Scope
from registry.lifecycle import notify

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MARK = "my-"  # how every key begins, so that scanners for leaked secrets can know them
SECRET_BYTES = 32
PREFIX_LENGTH = len(MARK) + 6


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the gateway knows of a key that works."""

    id: int
    name: str
    user_id: int | None = None
    group_id: int | None = None
    group_name: str = ""
    scopes: frozenset[str] = frozenset({Scope.INFERENCE})
    allowed_models: tuple[str, ...] = ()
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether the key's time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def may_ask(self, model: str) -> bool:
        """Whether the key is for this model, by its own name; `lab/*` allows every name that begins so."""
        return not self.allowed_models or any(_allows(pattern, model) for pattern in self.allowed_models)


def create_key(name: str, user: User | None, *, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A new key and its secret. The secret is in nobody's hands but the caller's: show it once."""
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            secret_hash=hash_secret(secret),
            user=user,
            expires_at=expires_at,
        )
        notify("key")
    return key, secret


def revoke(keys: Iterable[ApiKey]) -> int:
    """Make keys useless, everywhere within a second. Returns how many were still in use."""
    with transaction.atomic():
        ids = [key.pk for key in keys]
        revoked = ApiKey.objects.filter(pk__in=ids, revoked_at=None).update(revoked_at=Now())
        notify("key")
    return revoked


def hash_secret(secret: str) -> str:
    """What is stored and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_keys() -> Mapping[str, KeyFacts]:
    """Every key that is not revoked and whose owner may use it, by the hash of its secret."""
    rows = ApiKey.objects.filter(Q(user=None) | Q(user__is_active=True), revoked_at=None).select_related("group")
    return {key.secret_hash: _facts(key) for key in rows}


def _allows(pattern: str, model: str) -> bool:
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


def _facts(key: ApiKey) -> KeyFacts:
    return KeyFacts(
        id=key.pk,
        name=key.name,
        user_id=key.user_id,
        group_id=key.group_id,
        group_name=key.group.name if key.group else "",
        scopes=frozenset(key.scopes),
        allowed_models=tuple(key.allowed_models),
        expires_at=key.expires_at,
    )


def mark_used(key_ids: Iterable[int]) -> None:
    """Note on these keys that they were used just now."""
    ApiKey.objects.filter(pk__in=list(key_ids)).update(last_used_at=Now())
