"""Making, revoking and reading API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from openai_api.models import ApiKey
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
    user_id: int
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether the key's time is over."""
        return self.expires_at is not None and self.expires_at <= now


def create_key(name: str, user: User, *, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
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
    """Every key that is not revoked and whose user may log in, by the hash of its secret."""
    rows = ApiKey.objects.filter(revoked_at=None, user__is_active=True)
    return {
        secret_hash: KeyFacts(key_id, name, user_id, expires_at)
        for secret_hash, key_id, name, user_id, expires_at in rows.values_list(
            "secret_hash", "id", "name", "user_id", "expires_at"
        )
    }


def mark_used(key_ids: Iterable[int]) -> None:
    """Note on these keys that they were used just now."""
    ApiKey.objects.filter(pk__in=list(key_ids)).update(last_used_at=Now())
