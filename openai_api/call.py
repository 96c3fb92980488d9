"""One request on its way: what was asked by whom, and what becomes of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from inference.protocol.requests import ApiRequest
from openai_api.caller import Caller
from registry.catalog import CatalogModel


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was checked: what to ask of which model, for whom.

    `body` is what the client sent, with the name that the client used; `changes` are fields that we set for the
    engine, such as a smaller `max_tokens`; `priority` is the highest that a limit gives, higher is sooner. By its
    `id` workers and the books know it: a request id is the client's to choose. `on_end` hears what it took, which may
    be a moment after its end.
    """

    model: CatalogModel
    capability: str
    body: dict[str, Any]
    request: ApiRequest
    caller: Caller
    request_id: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    id: UUID = field(default_factory=uuid.uuid4)
    on_end: Callable[[Outcome], None] | None = None

    def encoded(self) -> bytes:
        """The body for a replica, which knows the model by its own name only."""
        return orjson.dumps({**self.body, **self.changes, "model": self.model.name})


@dataclass(slots=True)
class Outcome:
    """What becomes of a call; complete once `ended_at` is set. Times are seconds of a monotonic clock.

    `id` is the idempotency key of its usage row. `status` is HTTP's, 499 when the client left. Tokens are the
    engine's own counts when `exact`, else what came through here.
    """

    began_at: datetime
    asked_at: float
    id: UUID = field(default_factory=uuid.uuid4)
    seated_at: float | None = None
    first_at: float | None = None
    ended_at: float | None = None
    launch_id: UUID | None = None
    streamed: bool = False
    status: int = 0
    finish: str = ""
    error: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    exact: bool = False

    @property
    def used(self) -> int | None:
        """Tokens that limits count; None: the client left an answer that an engine was at, and nobody counted it."""
        tokens = self.prompt_tokens + self.completion_tokens
        uncounted = self.finish == "aborted" and self.launch_id is not None and not self.exact
        return None if uncounted and not tokens else tokens
