"""What limits count, as pure arithmetic: `sql/limits.sql` does the same on rows, and a test holds one to the other.

A bucket is full at first, gets its cap each minute, and never holds more. A window counts what a day or a month of
the installation's time zone took.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from openai_api.limits.facts import LimitFacts

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that a limit counts: what remains, and in how many seconds all of it is back.

    `wait_s` is 0 for what lets the request through, else after how long it may come again; infinity: never.
    """

    limit_id: int
    kind: str
    cap: int
    remaining: float
    reset_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Count:
    """How far a limit is used up: buckets hold what was left at `counted_at`, a local time with its zone."""

    counted_at: datetime | None = None
    requests_left: float | None = None
    tokens_left: float | None = None
    day_tokens: int = 0
    month_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """What a request takes of each limit."""

    requests: int
    tokens: int


def measures(limit: LimitFacts, count: Count, need: Need, *, held: int, now: datetime) -> list[Measure]:
    """All that this limit counts; `held` is how many of its requests run."""
    day_ends_s, month_ends_s = _until(now, _tomorrow(now)), _until(now, _next_month(now))
    gone = age_s(count, now)
    found = [
        _bucket("requests", limit.requests_per_minute, left=count.requests_left, gone=gone, need=need.requests),
        _bucket("tokens", limit.tokens_per_minute, left=count.tokens_left, gone=gone, need=need.tokens),
        _window("day", limit.tokens_per_day, used=_today(count, now), ends_s=day_ends_s, need=need.tokens),
        _window("month", limit.tokens_per_month, used=_month(count, now), ends_s=month_ends_s, need=need.tokens),
        _window("concurrent", limit.concurrent, used=held, ends_s=1.0, need=need.requests),
    ]
    return [replace(measure, limit_id=limit.id) for measure in found if measure is not None]


def debited(limit: LimitFacts, count: Count, need: Need, *, made: datetime, now: datetime) -> Count:
    """What is left after this; a negative need gives back. Windows count a request on the day on which it was made."""
    gone = age_s(count, now)
    same_day = made.date() == now.date()
    same_month = (made.year, made.month) == (now.year, now.month)
    return replace(
        count,
        counted_at=now,
        requests_left=_less(limit.requests_per_minute, count.requests_left, gone=gone, taken=need.requests),
        tokens_left=_less(limit.tokens_per_minute, count.tokens_left, gone=gone, taken=need.tokens),
        day_tokens=max(0, _today(count, now) + (need.tokens if same_day else 0)),
        month_tokens=max(0, _month(count, now) + (need.tokens if same_month else 0)),
    )


def granted(found: Iterable[Measure]) -> bool:
    """All must hold."""
    return all(measure.wait_s == 0 for measure in found)


def age_s(count: Count, now: datetime) -> float:
    """Seconds since it was counted; clocks may go back."""
    return 0.0 if count.counted_at is None else max(0.0, (now - count.counted_at).total_seconds())


def _refilled(cap: int, left: float | None, gone: float) -> float:
    return float(cap) if left is None else min(float(cap), left + gone * cap / MINUTE_S)


def _less(cap: int | None, left: float | None, *, gone: float, taken: int) -> float | None:
    return None if cap is None else min(float(cap), _refilled(cap, left, gone) - taken)


def _wait(cap: int, need: int, *, remaining: float, again_s: float) -> float:
    if need <= remaining or need == 0:
        return 0.0
    return math.inf if need > cap else again_s


def _bucket(kind: str, cap: int | None, *, left: float | None, gone: float, need: int) -> Measure | None:
    if cap is None:
        return None
    now = _refilled(cap, left, gone)
    seconds_each = MINUTE_S / cap if cap else 0.0
    wait_s = _wait(cap, need, remaining=now, again_s=(need - now) * seconds_each)
    return Measure(0, kind, cap, now, (cap - now) * seconds_each, wait_s)


def _window(kind: str, cap: int | None, *, used: int, ends_s: float, need: int) -> Measure | None:
    if cap is None:
        return None
    remaining = float(cap - used)
    return Measure(0, kind, cap, remaining, ends_s, _wait(cap, need, remaining=remaining, again_s=ends_s))


def _today(count: Count, now: datetime) -> int:
    return count.day_tokens if count.counted_at is not None and count.counted_at.date() == now.date() else 0


def _month(count: Count, now: datetime) -> int:
    then = count.counted_at
    return count.month_tokens if then is not None and (then.year, then.month) == (now.year, now.month) else 0


def _until(now: datetime, end: datetime) -> float:
    # Of two times of one zone Python subtracts what the clocks on the wall show; where these are set forward or back
    # a day has another length.
    return end.timestamp() - now.timestamp()


def _midnight(day: date, like: datetime) -> datetime:
    return datetime.combine(day, time(), tzinfo=like.tzinfo)


def _tomorrow(now: datetime) -> datetime:
    return _midnight(now.date() + timedelta(days=1), now)


def _next_month(now: datetime) -> datetime:
    return _midnight((now.date().replace(day=28) + timedelta(days=4)).replace(day=1), now)
