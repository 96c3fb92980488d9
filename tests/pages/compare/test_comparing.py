"""Several models are asked the same, side by side."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

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
from pages.lanes.past import PAGE
from pages.models import Battle, Conversation, Kind, Message

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.usefixtures("anna")]


async def finished(opened: Page, lanes: int) -> list[dict[str, Any]]:
    """What comes until so many answers are over."""
    heard: list[dict[str, Any]] = []
    while sum(message["type"] == "done" for message in heard) < lanes:
        heard.append(await opened.socket.receive_json_from(timeout=10))
    return heard


async def test_all_models_answer_and_go_on_together_on_all_pages(worker: EchoWorker, rival: EchoWorker) -> None:
    models = model("echo", worker.replica), model("rival", rival.replica)
    async with page(*models, consumer=CompareConsumer) as opened:
        await opened.say(type="compare", text="a b c d e", models=["echo", "rival"])
        lanes = await opened.hear("lanes")
        assert [lane["name"] for lane in lanes["lanes"]] == ["echo", "rival"]
        kinds = [message["type"] for message in await finished(opened, 2)]
        assert kinds.index("done") > max(at for at, kind in enumerate(kinds) if kind == "begun")
        async with page(gateway=opened.gateway, consumer=CompareConsumer) as second:
            for lane in lanes["lanes"]:
                await second.say(type="watch", conversation=lane["conversation"])
            assert {(await second.hear("moved"))["conversation"] for _ in lanes["lanes"]} == {
                lane["conversation"] for lane in lanes["lanes"]
            }
            await opened.say(type="compare", text="more", comparison=lanes["number"])
            await finished(opened, 2)
            told = await finished(second, 2)
        assert [message["elsewhere"] for message in told if message["type"] == "begun"] == [True, True]
        await opened.say(type="compare_again", comparison=lanes["number"])
        await finished(opened, 2)
    assert await counted(role="user") == 4
    assert await counted(role="assistant", state="done") == 6


async def counted(**which: Any) -> int:
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


async def test_nonsense_is_answered_with_a_sentence_and_the_page_stays(worker: EchoWorker) -> None:
    async with page(model("one", worker.replica), consumer=CompareConsumer) as opened:
        for raw in ("[]", "{", '{"type": "compare", "text": "\\ud800"}', f'"{"x" * 10_000_001}"'):
            await opened.socket.send_to(text_data=raw)
            assert (await opened.hear("error"))["text"]
        await opened.socket.send_to(bytes_data=b"\xff")
        assert "JSON" in (await opened.hear("error"))["text"]
        await opened.say(type="compare", text="", models=["one", "two"])
        assert "attach" in (await opened.hear("error"))["text"]


async def test_all_are_asked_with_the_same_files_and_parameters(worker: EchoWorker, rival: EchoWorker) -> None:
    file, image = {"kind": "file", "name": "a.txt", "text": "in the file"}, {"kind": "image", "name": "i", "url": PIXEL}
    models = model("echo", worker.replica), model("rival", rival.replica)
    asked = {"models": ["echo", "rival"], "system": "Be brief.", "parameters": {"max_tokens": 4}}
    async with page(*models, consumer=CompareConsumer) as opened:
        await opened.say(type="compare", text="", attachments=[file], **asked)
        number = (await finished(opened, 2))[0]["number"]
        await opened.say(type="compare_again", comparison=number, parameters={"max_tokens": 2})
        await finished(opened, 2)
        await opened.say(type="compare", comparison=number, text="see", attachments=[image])
        assert sum("reads text only" in message.get("turn", "") for message in await finished(opened, 2)) == 2
    assert await counted(role="user", attachments=[file]) == 2
    assert await counted(text__contains="a.txt", completion_tokens=4, finish_reason="length") == 2
    assert await counted(completion_tokens=2, parameters={"max_tokens": 2}) == 2
    assert await database_sync_to_async(Conversation.objects.filter(title="a.txt", kind=Kind.LANE).count)() == 2


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
    assert (again.status_code, again.json()) == (409, {"error": "You have voted on this comparison.", "outdated": True})


def test_a_vote_counts_against_those_that_answered(client: Client, lanes: list[Conversation]) -> None:
    Message.objects.filter(id=lanes[2].leaf_id).update(state="failed")
    path = f"/compare/{lanes[0].comparison}/"
    assert client.post(f"{path}vote", {"best": str(lanes[1].id)}).json() == {"why": ""}
    assert Battle.objects.filter(set_aside="").count() == 1
    for shown in (client.get(path), client.get("/compare/past/")):
        assert b"no answer" not in shown.content


def test_answers_are_reported_before_the_vote_and_after(client: Client, lanes: list[Conversation]) -> None:
    path = f"/compare/{lanes[0].comparison}/"
    assert client.post(f"{path}flag", {"reason": " "}).status_code == 409
    assert client.post(f"{path}flag", {"reason": "Rude."}).status_code == 200
    assert list(Battle.objects.values_list("vote", "flagged", "rounds", "blind")) == [("", "Rude.", 1, False)] * 2
    shown = client.get(path)
    assert b"Rude." in shown.content
    assert not shown.context["voted"]
    assert client.post(f"{path}vote", {"verdict": "bad"}).json() == {"why": ""}
    assert client.post(f"{path}flag", {"reason": "Wrong."}).status_code == 200
    assert list(Battle.objects.values_list("vote", "flagged")) == [("bad", "Wrong.")] * 3


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
    Message.objects.filter(id=lanes[0].leaf_id).update(state="running")
    assert client.post(f"/compare/keep/{lanes[0].id}").status_code == 409


def test_a_comparison_of_somebody_else_does_not_exist(client: Client, lanes: list[Conversation], ben: User) -> None:
    client.force_login(ben)
    assert client.get(f"/compare/{lanes[0].comparison}/").status_code == 404
    assert client.post(f"/compare/{lanes[0].comparison}/vote", {"verdict": "tie"}).status_code == 404
    assert client.post(f"/compare/keep/{lanes[0].id}").status_code == 404
    gone = client.post(f"/compare/{lanes[0].comparison}/delete")
    assert (gone.status_code, "deleted" in gone.json()["error"]) == (404, True)


def test_earlier_comparisons_are_listed_with_their_votes(client: Client, lanes: list[Conversation], ben: User) -> None:
    blind = Conversation.objects.create(owner_id=lanes[0].owner_id, kind=Kind.LANE, comparison=uuid4(), title="Hidden")
    Battle.objects.create(id=blind.comparison, owner_id=lanes[0].owner_id, lane_a=blind, model_a="x", model_b="y")
    client.post(f"/compare/{lanes[0].comparison}/vote", {"best": str(lanes[1].id)})
    shown = client.get("/compare/past/").content.decode()
    assert f'href="/compare/{lanes[0].comparison}/">Why?<' in shown
    assert shown.count("data-entry=") == 1
    assert "one, two, three" in shown
    assert "two is best" in shown
    client.force_login(ben)
    assert b"Nothing compared yet" in client.get("/compare/past/").content


def test_the_list_goes_on_where_a_page_of_it_ends(client: Client, lanes: list[Conversation], anna: User) -> None:
    lane = {"owner": anna, "kind": Kind.LANE, "title": "Older", "model": "one"}
    hour = timedelta(hours=1)
    for number in range(PAGE + 1):
        Conversation.objects.create(**lane, comparison=uuid4(), created_at=lanes[0].created_at - hour * (number + 1))
    first = client.get("/compare/past/")
    assert first.content.count(b"data-entry=") == PAGE
    second = client.get("/compare/past/", {"before": first.context["part"].more}).content
    assert (second.count(b"data-entry="), b"Older ones" in second) == (2, False)
    for nonsense in ("x", "2026-11-21", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\0"):
        assert client.get("/compare/past/", {"before": nonsense}).content.count(b"data-entry=") == PAGE


def test_a_deleted_comparison_is_gone(client: Client, lanes: list[Conversation]) -> None:
    assert client.post(f"/compare/{lanes[0].comparison}/delete").json() == {"url": "/compare/"}
    assert not Message.objects.exists()
