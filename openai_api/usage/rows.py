"""A call and its outcome as a row, and a row as a line of the spool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from openai_api.call import Call, Outcome
from openai_api.models import Usage

# The columns of the table, with what a line of an older version leaves out.
_COLUMNS = {field.attname: field.get_default() for field in Usage._meta.concrete_fields}
COLUMNS = tuple(_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """The fields of a `Usage` row."""

    id: UUID
    began_at: datetime
    request_id: str
    endpoint: str
    model: str
    launch_id: UUID | None
    key_id: int | None
    key_name: str
    user_id: int | None
    username: str
    group_id: int | None
    group_name: str
    client: str
    streamed: bool
    status: int
    finish: str
    error: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    exact: bool
    queued_ms: float
    ttft_ms: float | None
    duration_ms: float

    def as_json(self) -> bytes:
        """One line, with its end."""
        return orjson.dumps(self, option=orjson.OPT_APPEND_NEWLINE)


def line_of(call: Call, outcome: Outcome) -> UsageLine:
    """What is kept of a call that is over."""
    key, person = call.caller.key, call.caller.person
    ended_at = outcome.ended_at if outcome.ended_at is not None else outcome.asked_at
    return UsageLine(
        id=outcome.id,
        began_at=outcome.began_at,
        request_id=_text(call.request_id, 128),
        endpoint=_text(call.capability, 20),
        model=_text(call.model.name, 100),
        launch_id=outcome.launch_id,
        key_id=key.id if key else None,
        key_name=_text(key.name if key else "", 100),
        user_id=person.id if person else None,
        username=_text(person.username if person else "", 150),
        group_id=key.group_id if key else None,
        group_name=_text(key.group_name if key else "", 150),
        client=_text(call.caller.client, 32),
        streamed=outcome.streamed,
        status=outcome.status,
        finish=_text(outcome.finish, 20),
        error=_text(outcome.error, 50),
        prompt_tokens=outcome.prompt_tokens,
        completion_tokens=outcome.completion_tokens,
        cached_tokens=outcome.cached_tokens,
        exact=outcome.exact,
        queued_ms=_ms(outcome.asked_at, outcome.seated_at) or 0.0,
        ttft_ms=_ms(outcome.asked_at, outcome.first_at),
        duration_ms=(ended_at - outcome.asked_at) * 1000,
    )


def facts_of(line: bytes) -> dict[str, Any] | None:
    """The columns of a line; None for one that was only half written when its process was killed.

    The line may be of another version of the program: what the table does not have any more is left out.
    """
    try:
        fields = orjson.loads(line)
        UUID(fields["id"]), datetime.fromisoformat(fields["began_at"])
        return {name: fields.get(name, default) for name, default in _COLUMNS.items()}
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _ms(start: float, end: float | None) -> float | None:
    return None if end is None else (end - start) * 1000


def _text(text: str, longest: int) -> str:
    # Postgres has no NUL in texts.
    return text.replace("\x00", "")[:longest]
