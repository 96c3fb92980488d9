"""Who asks: a program with a key, a person on a page, or anybody where that is allowed."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from inference.protocol.errors import Forbidden, Unauthorized
from openai_api.keys import KeyFacts
from openai_api.models import Scope

CLIENT_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Person:
    """A user who may log in, and the groups that the user is in."""

    id: int
    username: str
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is. Neither key nor person: anonymous. `client` is a keyed hash of the network address."""

    key: KeyFacts | None = None
    person: Person | None = None
    client: str = ""

    @property
    def scopes(self) -> frozenset[str]:
        """What the caller is let in for; people and anonymous callers only ask models here."""
        return self.key.scopes if self.key is not None else frozenset({Scope.INFERENCE})

    def require(self, scope: Scope) -> None:
        """Raises 403 for a key that is for something else."""
        if scope not in self.scopes:
            have = " and ".join(sorted(self.scopes)) or "nothing"
            raise Forbidden(f"This API key is for {have}; what you ask needs the scope '{scope}'.")

    def may_ask(self, model: str) -> bool:
        """Whether the key is for this model, by its own name."""
        return self.key is None or self.key.may_ask(model)

    @property
    def share(self) -> str:
        """Whose share of a busy model the request takes: each key's with those that it made, each person's, each
        anonymous address's."""
        if self.key is not None:
            return f"key {self.key.family[-1]}"
        return f"user {self.person.id}" if self.person is not None else f"client {self.client}"

    @property
    def groups(self) -> tuple[int, ...]:
        """The groups whose limits hold: the one that owns the key, else those of the person."""
        if self.key is not None and self.key.group_id is not None:
            return (self.key.group_id,)
        return self.person.groups if self.person is not None else ()


def bearer(authorization: str) -> str:
    """The secret in an Authorization header; empty when there is none."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def admitted(key: KeyFacts | None, *, now: datetime, given: bool) -> KeyFacts:
    """The key, if who comes with it is let in. Raises 401; `given`: whether the client sent anything at all."""
    if not given:
        raise Unauthorized("No API key was given: send it as 'Authorization: Bearer my-…'.")
    if key is None:
        raise Unauthorized("This API key is not known here. Ask an administrator for another.")
    if key.revoked:
        raise Unauthorized("This API key was revoked. Ask an administrator for another.")
    if key.expired(now):
        raise Unauthorized("This API key has expired. Ask an administrator for another.")
    return key


@lru_cache(maxsize=4096)  # asked for with every request
def client_hash(address: str, *, secret: str) -> str:
    """A network address as it may be kept: equal ones are equal, and nobody without the secret finds which it was."""
    return hmac.new(secret.encode(), f"client {address}".encode(), hashlib.sha256).hexdigest()[:CLIENT_DIGITS]
