"""Routes and keys in memory: what a web process needs to answer, so that no request waits for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.postgres.aggregates import ArrayAgg

from openai_api.caller import Caller, Person
from openai_api.keys import KeyFacts, hash_secret, read_keys
from openai_api.limits.facts import LimitBook, LimitFacts, read_limits
from openai_api.routing.lookup import by_public_name
from registry.catalog import Catalog, CatalogModel, read_catalog


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the rows say: models, keys by the hash of their secret, who may log in, and how much may be asked."""

    catalog: Catalog = field(default_factory=Catalog)
    keys: Mapping[str, KeyFacts] = field(default_factory=dict)
    people: Mapping[int, Person] = field(default_factory=dict)
    limits: LimitBook = field(default_factory=LimitBook)


def read_snapshot() -> Snapshot:
    """The rows as they are now, in a constant number of queries."""
    return Snapshot(read_catalog(), read_keys(), read_people(), read_limits())


def read_people() -> Mapping[int, Person]:
    """Everybody who may log in."""
    users = get_user_model().objects.filter(is_active=True).annotate(their_groups=ArrayAgg("groups", default=[]))
    rows = users.values_list("pk", "username", "their_groups")
    return {pk: Person(pk, name, tuple(sorted(group for group in groups if group))) for pk, name, groups in rows}


class Board:
    """The newest snapshot. Lives in one event loop.

    `changed` is set when the models are no longer what they were when it was taken from here: take it first, look
    at the models, then wait for it, and no change is missed.
    """

    def __init__(self) -> None:
        self.loaded = asyncio.Event()
        self.models: Mapping[str, CatalogModel] = {}
        self._snapshot = Snapshot()
        self.changed = asyncio.Event()

    @property
    def catalog(self) -> Catalog:
        """All models."""
        return self._snapshot.catalog

    def update(self, snapshot: Snapshot) -> None:
        """Take a newer snapshot."""
        changed = snapshot.catalog != self._snapshot.catalog
        self._snapshot = snapshot
        self.loaded.set()
        if changed:
            self.models = by_public_name(snapshot.catalog)
            self.changed.set()
            self.changed = asyncio.Event()

    def key(self, secret: str) -> KeyFacts | None:
        """The key with this secret, expired or not."""
        return self._snapshot.keys.get(hash_secret(secret))

    def person(self, user_id: int | None) -> Person | None:
        """The user with this id, if there is one who may log in."""
        return None if user_id is None else self._snapshot.people.get(user_id)

    def limits(self, caller: Caller, model: str) -> tuple[LimitFacts, ...]:
        """The limits that hold for this caller's request to this model."""
        return self._snapshot.limits.applying(caller, model)

    def launch_ids(self) -> set[UUID]:
        """The launch ids of all replicas."""
        return {replica.launch_id for model in self.catalog.models for replica in model.replicas}
