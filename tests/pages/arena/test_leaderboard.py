"""The leaderboard's page, and the votes as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models.functions import Now
from django.test import AsyncClient, Client

from pages.arena.board import KINDS, Filters, Sum, board, made, summed
from pages.models import Battle

pytestmark = [pytest.mark.database]


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def client(anna: User) -> Client:
    logged_in = Client()
    logged_in.force_login(anna)
    return logged_in


def voted(count: int = 1, **more: Any) -> None:
    for _ in range(count):
        Battle.objects.create(**({"model_a": "one", "model_b": "two", "vote": "a", "voted_at": Now()} | more))


def test_before_the_first_vote_it_says_what_to_do(client: Client) -> None:
    shown = client.get("/arena/leaderboard/").content.decode()
    assert "No votes yet" in shown
    assert "votes-export" not in shown


def test_it_shows_ratings_intervals_and_who_beats_whom(client: Client, anna: User) -> None:
    voted(30, owner=anna)
    voted(10, vote="b")
    shown = client.get("/arena/leaderboard/").content.decode()
    assert "40 votes" in shown
    assert shown.index("one") < shown.index("two")
    assert 'class="h8">75%<small>40</small>' in shown
    assert "style=" not in shown


def test_few_votes_have_no_interval_and_no_rank(client: Client) -> None:
    voted()
    shown = client.get("/arena/leaderboard/").content.decode()
    assert "few votes" in shown
    assert '<td class="rank">–</td>' in shown


@pytest.mark.parametrize(
    ("query", "votes"),
    [("", 2), ("?language=zh", 1), ("?period=7d", 1), ("?votes=named", 1), ("?votes=all", 3), ("?period=x&votes=y", 2)],
)
def test_only_votes_that_count_are_counted(client: Client, query: str, votes: int) -> None:
    voted(language="en", voted_at="2026-01-01T00:00Z")
    voted(language="zh")
    voted(blind=False, voted_at="2026-01-01T00:00Z")
    voted(5, set_aside="an answer said who gave it")
    voted(vote="", voted_at=None)
    assert client.get(f"/arena/leaderboard/{query}").context["board"].votes == votes


def test_it_is_computed_once_a_minute(django_assert_num_queries: Any, anna: User) -> None:
    voted()
    with django_assert_num_queries(1):
        assert board(Filters()) == board(Filters())


@pytest.mark.django_db
def test_what_is_kept_of_all_votes_is_what_going_through_them_finds() -> None:
    for number in range(40):
        names = {"model_a": "ab"[number % 2], "model_b": "bac"[number % 2 + number // 20]}
        voted(
            vote=["a", "b", "tie", "bad", ""][number % 5], blind=number % 7 > 1, language="en" * (number % 3), **names
        )
    Battle.objects.filter(vote="b", blind=True).update(set_aside="a reason")
    Battle.objects.filter(vote="a").first().delete()  # type: ignore[union-attr]
    Battle.objects.filter(vote="").update(vote="b", language="zh")
    for kind in KINDS:
        kept, found = (made(summed(Filters(period=period, kind=kind)), "") for period in ("", "7d"))
        assert kept.votes > 5
        assert (kept.standings, kept.heat, set(kept.languages)) == (found.standings, found.heat, set(found.languages))


def test_languages_are_listed_with_their_votes_whatever_is_chosen() -> None:
    sums = [Sum("one", "two", 1.0, language, count) for language, count in (("en", 5), ("zh", 3), ("", 1))]
    found = made(sums, "zh")
    assert (found.votes, found.languages) == (3, [("en", 5), ("zh", 3)])
    assert made(sums, "fr").languages == [("en", 5), ("zh", 3), ("fr", 0)]


async def lines(client: AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/arena/votes.jsonl")
    content = b"".join([part async for part in answer.streaming_content])
    return [json.loads(line) for line in content.splitlines()]


async def test_who_may_see_battles_gets_all_votes_in_parts(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from asgiref.sync import sync_to_async

    monkeypatch.setattr("pages.arena.leaderboard.AT_ONCE", 2)
    await sync_to_async(voted)(5, vote="bad", voted_at="2026-01-01T00:00Z", owner=anna)
    operator = await sync_to_async(User.objects.create_superuser)("operator")
    logged_in = AsyncClient()
    await logged_in.aforce_login(operator)
    found = await lines(logged_in)
    assert len({line["question_id"] for line in found}) == 5
    assert {line["winner"] for line in found} == {"tie (bothbad)"}
    assert found[0]["judge"] == f"user_{anna.pk}"


def test_others_do_not(client: Client) -> None:
    assert client.get("/arena/votes.jsonl").status_code == 403
