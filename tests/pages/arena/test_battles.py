"""Blind battles: two models without names, one vote, and then the names."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from chat_page import Page, page
from django.contrib.auth.models import User
from django.test import Client
from echo_worker import EchoWorker
from gateway_rig import model
from races import at_once

from pages.arena import battles, voting
from pages.arena.consumer import NO_ANSWER, ArenaConsumer
from pages.arena.judging import LEAKED, TOO_MANY
from pages.arena.judging import NO_ANSWER as NOTHING_SAID
from pages.errors import Refused
from pages.models import Battle, Contestant, Conversation, Message

pytestmark = [pytest.mark.database, pytest.mark.processes]

NAMES = "echo", "rival"


@pytest.fixture
def client(anna: User) -> Client:
    logged_in = Client()
    logged_in.force_login(anna)
    return logged_in


@pytest.fixture
async def arena(anna: User, worker: EchoWorker, rival: EchoWorker) -> AsyncIterator[Page]:
    models = model("echo", worker.replica), model("rival", rival.replica)
    async with page(*models, consumer=ArenaConsumer) as opened:
        yield opened


async def finished(opened: Page) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    while sum(message["type"] == "done" for message in heard) < 2:
        heard.append(await opened.socket.receive_json_from(timeout=10))
    return heard


async def test_no_name_leaves_the_server_before_the_vote(arena: Page, client: Client) -> None:
    await arena.say(type="battle", text="a b c")
    heard = await finished(arena)
    number = heard[0]["number"]
    await arena.say(type="battle", battle=number, text="d")
    heard += await finished(arena)
    await arena.say(type="battle_again", battle=number)
    heard += await finished(arena)
    battle = await database_sync_to_async(Battle.objects.get)()
    assert ({battle.model_a, battle.model_b}, battle.rounds, battle.vote) == ({*NAMES}, 2, "")
    shown = (await database_sync_to_async(client.get)(f"/arena/{number}/")).content.decode()
    told = json.dumps(heard) + shown
    assert "Model A" in shown
    assert [name for name in NAMES if name in told] == []


async def test_after_the_vote_the_names_are_everywhere(arena: Page, client: Client) -> None:
    await arena.say(type="battle", text="a b c")
    number = (await finished(arena))[0]["number"]
    answer = await database_sync_to_async(client.post)(f"/arena/{number}/vote", {"vote": "b"})
    assert {lane["name"] for lane in answer.json()["lanes"]} == {*NAMES}
    assert answer.json()["why"] == ""
    again = await database_sync_to_async(client.post)(f"/arena/{number}/vote", {"vote": "a"})
    assert (again.status_code, again.json()["error"]) == (409, "You have voted on this battle.")
    shown = (await database_sync_to_async(client.get)(f"/arena/{number}/")).content.decode()
    assert all(name in shown for name in NAMES)
    await arena.say(type="battle", battle=number, text="more")
    assert "new round" in (await arena.hear("error"))["text"]


async def test_what_went_wrong_names_nobody(anna: User, worker: EchoWorker) -> None:
    models = model("echo", worker.replica), model("absent", worker.replica)
    async with page(*models, consumer=ArenaConsumer) as opened:
        await opened.say(type="battle", text="a b c")
        heard = await finished(opened)
    assert "absent" not in json.dumps(heard)
    assert await database_sync_to_async(Message.objects.get)(state="failed", error=NO_ANSWER)


async def test_who_asked_too_much_is_told(anna: User, arena: Page) -> None:
    await arena.say(type="battle", text="word " * 5_000)
    heard = await finished(arena)
    assert sum("too long for this model" in message.get("turn", "") for message in heard) == 2
    assert "4096" not in json.dumps(heard)


async def test_one_ready_model_is_no_battle(anna: User, worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica), model("later"), consumer=ArenaConsumer) as opened:
        await opened.say(type="battle", text="a b c")
        assert "two models" in (await opened.hear("error"))["text"]


def fought(person: User, *answers: str, asked: str = "Why is the sky blue?") -> Battle:
    """A battle whose answers are there."""
    begun = battles.begin(person.pk, asked, ["big-a", "big-b"])
    for lane, answer in zip(begun, answers, strict=True):
        Message.objects.filter(id=lane.answer.id).update(text=answer, state="done")
    return Battle.objects.get(lane_a=begun[0].conversation)


def test_a_vote_counts_with_its_language(anna: User) -> None:
    kept = voting.vote(anna.pk, fought(anna, "So.", "Thus.").id, "tie")
    assert (kept.vote, kept.set_aside, kept.language, kept.voted_at is None) == ("tie", "", "en", False)


@pytest.mark.parametrize(("answer", "why"), [("I am big-a.", LEAKED), ("  ", NOTHING_SAID)])
def test_a_vote_that_says_nothing_is_set_aside(anna: User, answer: str, why: str) -> None:
    assert voting.vote(anna.pk, fought(anna, answer, "Thus.").id, "a").set_aside == why


def test_names_count_as_told_when_no_question_had_them(anna: User) -> None:
    names = "big-a or big-b"
    assert voting.vote(anna.pk, fought(anna, names, "So.", asked=f"Choose {names}.").id, "a").set_aside == ""
    assert voting.vote(anna.pk, fought(anna, names, "So.").id, "a").set_aside == LEAKED


def test_so_many_votes_count_within_an_hour(anna: User, settings: Any) -> None:
    settings.MODELYARD_ARENA_VOTES_PER_HOUR = 2
    kept = [voting.vote(anna.pk, fought(anna, "So.", "Thus.").id, "a").set_aside for _ in range(3)]
    assert kept == ["", "", TOO_MANY]


def test_a_battle_takes_no_vote_while_it_is_answered_or_of_another_word(anna: User, ben: User) -> None:
    battle = fought(anna, "So.", "Thus.")
    with pytest.raises(Refused):
        voting.vote(anna.pk, battle.id, "c")
    with pytest.raises(battles.NothingHere):
        voting.vote(ben.pk, battle.id, "a")
    Message.objects.filter(text="So.").update(state="running")
    with pytest.raises(Refused, match="still"):
        voting.vote(anna.pk, battle.id, "a")


def test_of_two_votes_at_once_one_counts(anna: User) -> None:
    battle = fought(anna, "So.", "Thus.")
    with at_once(lambda: [*Conversation.objects.select_for_update(no_key=True)]) as race:
        said = [race(voting.vote, anna.pk, battle.id, vote) for vote in "ab"]
    assert sorted(isinstance(one.exception(), Refused) for one in said) == [False, True]
    [kept] = [one.result() for one in said if not one.exception()]
    assert Battle.objects.get().vote == kept.vote


def test_who_votes_late_finds_the_vote_given(anna: User) -> None:
    battle = fought(anna, "So.", "Thus.")
    voting.vote(anna.pk, battle.id, "a")
    with pytest.raises(Refused, match="have voted"):
        voting.vote(anna.pk, battle.id, "b")
    assert Battle.objects.get().vote == "a"


def test_the_doors_of_chat_are_closed_to_a_blind_lane(client: Client, anna: User) -> None:
    battle = fought(anna, "So.", "Thus.")
    for path in ("", "export.json", "export.md"):
        assert client.get(f"/chat/{battle.lane_a_id}/{path}").status_code == 404
    assert client.post(f"/compare/keep/{battle.lane_a_id}").status_code == 409
    assert client.get(f"/compare/{battle.id}/").headers["Location"] == f"/arena/{battle.id}/"
    assert client.post(f"/compare/{battle.id}/vote", {"verdict": "tie"}).status_code == 409


def test_one_s_own_battles_are_listed_and_named_after_the_vote(client: Client, anna: User, ben: User) -> None:
    hidden, voted = fought(anna, "So.", "Thus."), fought(anna, "So.", "Thus.")
    before = client.get("/arena/past/").content.decode()
    assert (before.count("data-entry="), "big-a" in before) == (2, False)
    winner = voting.vote(anna.pk, voted.id, "b").model_b
    after = client.get("/arena/past/").content.decode()
    assert f"{winner} is better" in after
    assert after.count("hidden until you vote") == 1
    assert after.index(str(voted.id)) < after.index(str(hidden.id))
    client.force_login(ben)
    assert b"No battle yet" in client.get("/arena/past/").content
    assert client.post(f"/arena/{voted.id}/delete").status_code == 404


def test_what_was_said_is_deleted_and_the_vote_stays(client: Client, anna: User) -> None:
    voted, reported, neither = (fought(anna, "So.", "Thus.") for _ in range(3))
    voting.vote(anna.pk, voted.id, "tie")
    battles.flag(anna.pk, reported.id, "Rude.")
    chat = client.post(f"/compare/keep/{voted.lane_a_id}").json()["url"]
    for battle in (voted, reported, neither):
        assert client.post(f"/arena/{battle.id}/delete").status_code == 200
        assert client.get(f"/arena/{battle.id}/").status_code == 404
    assert {*Battle.objects.values_list("vote", "flagged")} == {("tie", ""), ("", "Rude.")}
    assert b"No battle yet" in client.get("/arena/past/").content
    assert client.get(chat).status_code == 200
    assert Message.objects.count() == 2


def test_who_asks_while_another_page_votes_is_told(anna: User) -> None:
    battle = fought(anna, "So.", "Thus.")
    with at_once(lambda: [*Conversation.objects.select_for_update(no_key=True)]) as race:
        voted = race(voting.vote, anna.pk, battle.id, "a")
        asked = race(battles.go_on, anna.pk, battle.id, "More?")
    assert isinstance(asked.exception() or voted.exception(), Refused)
    assert (asked.exception() is None) != (voted.exception() is None)


def test_a_model_without_weight_does_not_fight(anna: User) -> None:
    Contestant.objects.create(model="big-a", weight=0)
    with pytest.raises(Refused):
        battles.begin(anna.pk, "Why?", ["big-a", "big-b"])


def test_answers_are_reported_with_a_reason(client: Client, anna: User) -> None:
    battle = fought(anna, "So.", "Thus.")
    assert client.post(f"/arena/{battle.id}/flag", {"reason": " "}).status_code == 409
    assert client.post(f"/arena/{battle.id}/flag", {"reason": "Rude."}).status_code == 200
    battle.refresh_from_db()
    assert battle.flagged == "Rude."
