"""Several models are asked the same, side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from chat_page import Page, page
from django.contrib.auth.models import User
from django.test import Client
from echo_worker import EchoWorker
from gateway_rig import model
from races import at_once

from pages.chat import store
from pages.compare import voting
from pages.compare.consumer import CompareConsumer
from pages.errors import Refused
from pages.models import Battle, Conversation, Kind, Message

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.usefixtures("anna")]


async def finished(opened: Page, lanes: int) -> list[dict[str, Any]]:
    """What comes until so many answers are over."""
    heard: list[dict[str, Any]] = []
    while sum(message["type"] == "done" for message in heard) < lanes:
        heard.append(await opened.socket.receive_json_from(timeout=10))
    return heard


async def test_all_models_answer_and_go_on_together(worker: EchoWorker, rival: EchoWorker) -> None:
    models = model("echo", worker.replica), model("rival", rival.replica)
    async with page(*models, consumer=CompareConsumer) as opened:
        await opened.say(type="compare", text="a b c d e", models=["echo", "rival"])
        lanes = await opened.hear("lanes")
        assert [lane["name"] for lane in lanes["lanes"]] == ["echo", "rival"]
        kinds = [message["type"] for message in await finished(opened, 2)]
        assert kinds.index("done") > max(at for at, kind in enumerate(kinds) if kind == "begun")
        await opened.say(type="compare", text="more", comparison=lanes["number"])
        await finished(opened, 2)
        await opened.say(type="compare_again", comparison=lanes["number"])
        await finished(opened, 2)
    assert await counted(role="user") == 4
    assert await counted(role="assistant", state="done") == 6


async def counted(**which: str) -> int:
    found: int = await database_sync_to_async(Message.objects.filter(**which).count)()
    return found


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"models": ["one", "one"]}, "two models"),
        ({"models": list("abcdefg")}, "models"),
        ({"comparison": "00000000-0000-0000-0000-000000000000"}, "no such comparison"),
    ],
)
async def test_what_cannot_be_compared_is_said(worker: EchoWorker, wish: dict[str, Any], complaint: str) -> None:
    async with page(model("one", worker.replica), consumer=CompareConsumer) as opened:
        await opened.say(type="compare", text="hello", **wish)
        assert complaint in (await opened.hear("error"))["text"]


@pytest.fixture
def lanes(anna: User) -> list[Conversation]:
    """Three models answered a question."""
    shared = "6b0f4bd6-3f0b-4dd0-9a1e-0f2f6d2f5d11"
    made = []
    for name in ("one", "two", "three"):
        lane = Conversation.objects.create(owner=anna, kind=Kind.LANE, comparison=shared, model=name, title="Why?")
        asked = Message.objects.create(conversation=lane, role="user", text="Why is the sky blue?")
        lane.leaf = Message.objects.create(conversation=lane, parent=asked, role="assistant", text="So.", model=name)
        lane.save()
        made.append(lane)
    return made


@pytest.fixture
def client(anna: User) -> Client:
    logged_in = Client()
    logged_in.force_login(anna)
    return logged_in


def test_the_best_one_won_against_each_other_one_and_only_once(client: Client, lanes: list[Conversation]) -> None:
    path = f"/compare/{lanes[0].comparison}/vote"
    assert client.post(path, {"best": str(lanes[1].id)}).json() == {"why": ""}
    assert {(battle.model_a, battle.model_b, battle.vote) for battle in Battle.objects.all()} == {
        ("two", "one", "a"),
        ("two", "three", "a"),
    }
    assert not Battle.objects.filter(blind=True).exists()
    assert Battle.objects.filter(language="en", rounds=1).count() == 2
    again = client.post(path, {"verdict": "tie"})
    assert (again.status_code, again.json()["error"]) == (409, "You have voted on this comparison.")


def test_of_two_votes_at_once_one_counts(anna: User, lanes: list[Conversation]) -> None:
    shared = lanes[0].comparison
    with at_once(lambda: [*Conversation.objects.select_for_update(no_key=True)]) as race:
        said = [race(voting.vote, anna.pk, shared, best=lane.id) for lane in lanes[:2]]
    assert sorted(isinstance(one.exception(), Refused) for one in said) == [False, True]
    assert Battle.objects.values_list("model_a").distinct().count() == 1
    assert Battle.objects.count() == 2


def test_a_verdict_on_all_of_them_is_one_on_each_pair(client: Client, lanes: list[Conversation]) -> None:
    assert client.post(f"/compare/{lanes[0].comparison}/vote", {"verdict": "bad"}).status_code == 200
    assert list(Battle.objects.values_list("vote", flat=True)) == ["bad"] * 3


@pytest.mark.parametrize("given", [{}, {"best": "me"}, {"verdict": "a"}])
def test_other_votes_are_refused(client: Client, lanes: list[Conversation], given: dict[str, str]) -> None:
    assert client.post(f"/compare/{lanes[0].comparison}/vote", given).status_code == 409
    assert not Battle.objects.exists()


def test_a_chat_goes_on_from_a_lane_and_the_comparison_stays(client: Client, lanes: list[Conversation]) -> None:
    assert client.get(f"/chat/{lanes[0].id}/").status_code == 404
    kept = json.loads(client.post(f"/compare/keep/{lanes[0].id}").content)
    chat = Conversation.objects.get(kind=Kind.CHAT)
    assert kept["url"] == f"/chat/{chat.id}/"
    told = [(message.role, message.text) for message in store.path_of(chat, chat.leaf_id)]
    assert told == [("user", "Why is the sky blue?"), ("assistant", "So.")]
    assert client.get(f"/compare/{lanes[1].comparison}/").content.count(b"data-lane=") == 4  # one is the pattern
    assert Message.objects.count() == 8


def test_a_lane_that_is_being_answered_is_no_chat_yet(client: Client, lanes: list[Conversation]) -> None:
    Message.objects.filter(id=lanes[0].leaf_id).update(state="running")
    assert client.post(f"/compare/keep/{lanes[0].id}").status_code == 409


def test_a_comparison_of_somebody_else_does_not_exist(client: Client, lanes: list[Conversation], ben: User) -> None:
    client.force_login(ben)
    assert client.get(f"/compare/{lanes[0].comparison}/").status_code == 404
    assert client.post(f"/compare/{lanes[0].comparison}/vote", {"verdict": "tie"}).status_code == 404
    assert client.post(f"/compare/keep/{lanes[0].id}").status_code == 404


def test_a_deleted_comparison_is_gone(client: Client, lanes: list[Conversation]) -> None:
    assert client.post(f"/compare/{lanes[0].comparison}/delete").json() == {"url": "/compare/"}
    assert not Message.objects.exists()
