"""The functions in the database count as the arithmetic in Python does."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from openai_api.limits.arithmetic import Count, Measure, Need, debited, granted, measures
from openai_api.limits.facts import LimitBook, LimitFacts, read_limits
from openai_api.models import Limit
from registry.models import Model

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ZONE = "Europe/Berlin"
BEFORE_MIDNIGHT = datetime(2026, 10, 31, 23, 50, tzinfo=ZoneInfo(ZONE))


def made_limit(**caps: int) -> LimitFacts:
    Limit.objects.create(model=Model.objects.create(name="limited"), **caps)
    [[facts]] = _all(read_limits())
    return facts


def _all(book: LimitBook) -> Sequence[tuple[LimitFacts, ...]]:
    return list(book.by_owner.values())


def reserve(call: uuid.UUID, limits: list[int], tokens: int, *, at: datetime | None = None) -> list[Measure]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM modelyard_reserve(%s, %s, %s, 45, %s, %s)", [call, limits, tokens, ZONE, at])
        return [Measure(*row) for row in cursor.fetchall()]


def settle(call: uuid.UUID, used: int, *, at: datetime | None = None) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT modelyard_settle(%s, %s, %s, %s)", [call, used, ZONE, at])
        return bool(cursor.fetchone()[0])


def alike(ours: list[Measure], theirs: list[Measure]) -> bool:
    def figures(side: list[Measure]) -> dict[str, Any]:
        return {m.kind: pytest.approx((m.cap, m.remaining, m.reset_s, m.wait_s)) for m in side}

    return figures(ours) == {m.kind: (m.cap, m.remaining, m.reset_s, m.wait_s) for m in theirs}


def test_a_month_of_requests_is_counted_alike_on_both_sides() -> None:
    chance = random.Random(7)
    caps = {"requests_per_minute": 3, "tokens_per_minute": 1_500, "tokens_per_day": 5_000, "tokens_per_month": 30_000}
    limit, count, now = made_limit(**caps, concurrent=2), Count(), BEFORE_MIDNIGHT
    running: dict[uuid.UUID, tuple[int, datetime]] = {}
    refusals = set()
    for _ in range(150):
        now += timedelta(seconds=chance.choice([0, 0.5, 3, 30, 44, 7_000]))
        running = {call: of for call, of in running.items() if (now - of[1]).total_seconds() < 45}
        call, tokens = uuid.uuid4(), chance.choice([10, 10, 400, 1_501])
        expected = measures(limit, count, Need(1, tokens), held=len(running), now=now)
        if granted(expected):
            count = debited(limit, count, Need(1, tokens), made=now, now=now)
            running[call] = tokens, now
            expected = measures(limit, count, Need(0, 0), held=len(running), now=now)
        refusals |= {measure.kind for measure in expected if measure.wait_s}
        assert alike(expected, reserve(call, [limit.id], tokens, at=now))
        if running and chance.random() < 0.7:
            call, (tokens, made) = running.popitem()
            used = chance.randrange(tokens + 1)
            now += timedelta(seconds=chance.choice([0, 5]))
            count = debited(limit, count, Need(0, used - tokens), made=made, now=now)
            assert settle(call, used, at=now)
    assert refusals >= {"requests", "tokens", "concurrent", "day"}


def test_settling_twice_gives_back_once() -> None:
    limit, call = made_limit(tokens_per_day=100), uuid.uuid4()
    reserve(call, [limit.id], 60)
    assert [settle(call, 20), settle(call, 20)] == [True, False]
    [left] = reserve(uuid.uuid4(), [limit.id], 80)
    assert (left.remaining, left.wait_s) == (0, 0)


def test_what_one_limit_refuses_is_taken_from_none() -> None:
    wide = made_limit(tokens_per_day=100)
    narrow = Limit.objects.create(model=Model.objects.create(name="other"), tokens_per_day=10)
    asked = [wide.id, narrow.pk]
    assert [m.wait_s > 0 for m in reserve(uuid.uuid4(), asked, 50)] == [False, True]
    assert [m.remaining for m in reserve(uuid.uuid4(), asked, 10)] == [90, 0]


def test_nobody_chooses_what_the_names_in_the_functions_mean_and_only_their_owner_calls_them() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proconfig, has_function_privilege('modelyard_worker', oid, 'EXECUTE') FROM pg_proc "
            "WHERE proname LIKE 'modelyard\\_%%' AND proname <> 'modelyard_beat' AND prorettype <> 'trigger'::regtype"
        )
        found = cursor.fetchall()
    assert found == 9 * [(["search_path=pg_catalog, public, pg_temp"], False)]
