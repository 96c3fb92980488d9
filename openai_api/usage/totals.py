"""Sums of usage: who used what, and how fast it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDay
from django.utils.translation import gettext

from openai_api.models import Usage

# What may be summed over, and the fields that make a line; of several keys of one name each has its own.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "model": ("model",),
    "key": ("key_name", "key_id"),
    "user": ("username", "user_id"),
    "group": ("group_name", "group_id"),
    "day": ("day",),
}
ANSWERED, CLIENT_LEFT = 200, 499
_TIMED = Q(status=ANSWERED, ttft_ms__isnull=False)
_SUMS: Mapping[str, Any] = {
    "requests": Count("*"),
    "failed": Count("pk", filter=Q(status__gte=400) & ~Q(status=CLIENT_LEFT)),
    "aborted": Count("pk", filter=Q(status=CLIENT_LEFT)),
    "tokens_in": Sum("prompt_tokens", default=0),
    "tokens_out": Sum("completion_tokens", default=0),
    "cached": Sum("cached_tokens", default=0),
    "inexact": Count("pk", filter=Q(exact=False)),
    "timed": Count("pk", filter=_TIMED),
    "timed_tokens": Sum("completion_tokens", filter=_TIMED, default=0),
    "waited_ms": Sum("ttft_ms", filter=_TIMED, default=0.0),
    "spoken_ms": Sum(F("duration_ms") - F("ttft_ms"), filter=_TIMED, default=0.0),
}


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of some rows. `timed` and what follows are of streams that came to their end, in milliseconds."""

    requests: int = 0
    failed: int = 0
    aborted: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    inexact: int = 0
    timed: int = 0
    timed_tokens: int = 0
    waited_ms: float = 0.0
    spoken_ms: float = 0.0

    def __add__(self, other: Total) -> Total:
        return Total(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Total)))

    @property
    def ttft_s(self) -> float | None:
        """Seconds to the first token, on average; None without streams."""
        return self.waited_ms / self.timed / 1000 if self.timed else None

    @property
    def tokens_per_second(self) -> float | None:
        """Of one stream, once it speaks, on average; None without streams."""
        return self.timed_tokens / self.spoken_ms * 1000 if self.spoken_ms > 0 else None


@dataclass(frozen=True, slots=True)
class Line:
    """What one model, key, user, group or day used."""

    name: str
    total: Total


def totals(rows: QuerySet[Usage], by: str) -> list[Line]:
    """A line each, in one query: days by time, all else by its tokens."""
    names = GROUPS[by]
    dated = rows.annotate(day=TruncDay("began_at")) if by == "day" else rows
    found = dated.order_by().values(*names).annotate(**_SUMS)
    lines = [Line(_name(by, row), Total(**{name: row[name] for name in _SUMS})) for row in found]
    if by == "day":
        return sorted(lines, key=lambda line: line.name, reverse=True)
    return sorted(lines, key=lambda line: (-line.total.tokens_in - line.total.tokens_out, line.name))


def altogether(lines: Iterable[Line]) -> Total:
    """The sum of the lines."""
    return sum((line.total for line in lines), Total())


def since_when(rows: QuerySet[Usage]) -> Any:
    """The moment of the oldest row; None: there is none."""
    return rows.aggregate(oldest=Min("began_at"))["oldest"]


def _name(by: str, row: Mapping[str, Any]) -> str:
    if by == "day":
        return f"{row['day']:%Y-%m-%d}"
    return str(row[GROUPS[by][0]]) or _nameless(by)


def _nameless(by: str) -> str:
    return {"key": gettext("(no key)"), "user": gettext("(nobody)"), "group": gettext("(no group)")}.get(by, "")
