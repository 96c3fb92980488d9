"""The pages' websocket, with real workers and rows behind it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from chat_page import page, row
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from echo_worker import EchoWorker, echo_worker
from gateway_rig import ANNA, eventually, model, snapshot

from pages.chat.consumer import FOREIGN_ORIGIN, LOGGED_OUT, ChatConsumer
from pages.chat.states import described
from pages.models import Conversation, Message
from registry.catalog import ServingState, Status

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.usefixtures("anna")]

LONG = "word " * 300


async def test_an_answer_grows_on_the_page_and_is_kept_with_its_figures(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask("one **two** three")
        done = await opened.hear_done()
        kept = await row(begun["message"])
    assert "<strong>two</strong>" in opened.text
    assert "<strong>two</strong>" in done["turn"]
    assert (kept.text, kept.state, kept.finish_reason, kept.model) == ("one **two** three", "done", "stop", "echo")
    assert all([kept.completion_tokens, kept.ttft_ms, kept.tokens_per_second])


async def test_the_conversation_goes_on_with_what_was_said(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        first = await opened.ask()
        await opened.hear_done()
        second = await opened.ask("four", conversation=first["conversation"], parent=first["message"])
        await opened.hear_done()
    assert second["conversation"] == first["conversation"]
    assert second["after"] == first["message"]
    kept = await database_sync_to_async(Conversation.objects.get)(id=UUID(first["conversation"]))
    assert (kept.title, str(kept.leaf_id)) == ("one two three", second["message"])


async def test_parameters_that_cannot_be_are_explained_under_the_question(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask(parameters={"temperature": 9})
        done = await opened.hear_done()
    assert done["state"] == "failed"
    assert "temperature" in (await row(begun["message"])).error


async def test_stop_ends_the_answer_and_the_engine_with_it(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask(LONG)
        await opened.until_growing()
        await opened.say(type="stop", message=begun["message"])
        done = await opened.hear_done()
        await eventually(lambda: worker.running == 0, within=1)
        kept = await row(begun["message"])
    assert done["state"] == kept.state == "stopped"
    assert 0 < kept.text.count("word") < 300


async def test_another_version_is_made_and_the_first_is_kept(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        first = await opened.ask()
        await opened.hear_done()
        await opened.say(type="again", message=first["message"])
        second = await opened.hear("begun")
        done = await opened.hear_done()
    assert second["message"] != first["message"]
    assert "2 / 2" in done["turn"]


async def test_an_answer_goes_on_without_a_page_and_is_taken_up_where_it_is(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as first:
        async with page(gateway=first.gateway) as lost:
            begun = await lost.ask(LONG[:400])
            await lost.until_growing()
        async with page(gateway=first.gateway) as back:
            await back.say(type="follow", message=begun["message"])
            done = await back.hear_done()
    assert done["state"] == "done"
    assert back.text.count("word") == 80


async def test_what_is_asked_on_one_page_shows_on_the_others_of_the_same_person(worker: EchoWorker, ben: User) -> None:
    async with page(model("echo", worker.replica)) as first:
        begun = await first.ask()
        await first.hear_done()
        here, there = page(gateway=first.gateway), page(gateway=first.gateway, user=ben.pk)
        async with here as second, there as foreign:
            watched = {"type": "watch", "conversation": begun["conversation"]}
            await second.say(**watched, leaf=begun["message"])
            await foreign.say(**watched)
            assert "There is no such" in (await foreign.hear("error"))["text"]
            asked = await first.ask("four five", conversation=begun["conversation"], parent=begun["message"])
            told = await second.hear("begun")
            await asyncio.gather(first.hear_done(), second.hear_done())
            assert await foreign.socket.receive_nothing()
    assert (told.pop("elsewhere"), told) == (True, asked)
    assert "four five" in second.text


async def test_a_page_that_was_away_is_told_where_the_conversation_is_now(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask()
        await opened.hear_done()
        for leaf in (None, str(uuid4())):
            await opened.say(type="watch", conversation=begun["conversation"], leaf=leaf)
            assert (await opened.hear("moved"))["message"] == begun["message"]
        await opened.say(type="watch", conversation=begun["conversation"], leaf=begun["message"])
        assert await opened.socket.receive_nothing()


async def test_an_answer_of_before_is_shown_from_its_row(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask()
        await opened.hear_done()
    async with page(model("echo", worker.replica)) as later:
        await later.say(type="follow", message=begun["message"])
        done = await later.hear_done()
    assert "one two three" in later.text
    assert done["state"] == "done"


async def test_a_model_that_is_not_ready_is_explained(worker: EchoWorker) -> None:
    async with page(model("echo", status=Status(ServingState.LOADING, 40))) as opened:
        begun = await opened.ask()
        await opened.hear_done()
        assert (await row(begun["message"])).error == "The model 'echo' is loading 40 %."


async def test_a_worker_that_dies_is_explained_and_what_it_said_is_kept(worker: EchoWorker) -> None:
    with echo_worker(token_delay_ms=20) as dying:
        async with page(model("echo", dying.replica)) as opened:
            begun = await opened.ask(LONG)
            await opened.until_growing()
            dying.kill()
            assert (await opened.hear_done())["state"] == "failed"
            kept = await row(begun["message"])
    assert "went away" in kept.error
    assert "word" in kept.text


async def test_what_belongs_to_somebody_else_does_not_exist(worker: EchoWorker, ben: User) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask()
        await opened.hear_done()
        async with page(gateway=opened.gateway, user=ben.pk) as foreign:
            for words in (
                {"type": "stop", "message": begun["message"]},
                {"type": "again", "message": begun["message"]},
                {"type": "continue", "message": begun["message"]},
                {"type": "ask", "text": "x", "model": "echo", "conversation": begun["conversation"]},
            ):
                await foreign.say(**words)
                assert "There is no such" in (await foreign.hear("error"))["text"]
            await foreign.say(type="follow", message=begun["message"])
            assert "There is no such" in (await foreign.hear("gone"))["text"]


@pytest.mark.parametrize(
    "text", [" ", "{", "[]", '{"type":"dance"}', '{"type":"ask"}', '{"type":"ask","text":7,"model":"m"}']
)
async def test_nonsense_is_answered_with_a_sentence(text: str) -> None:
    async with page(model("echo")) as opened:
        await opened.socket.send_to(text_data=text)
        assert (await opened.hear("error"))["text"].endswith((".", ")"))


async def test_a_message_over_the_limit_is_refused(settings: Any) -> None:
    settings.MODELYARD_MAX_BODY_BYTES = 1000
    async with page(model("echo")) as opened:
        await opened.say(type="ask", model="echo", text="x" * 1000)
        assert "1000 bytes" in (await opened.hear("error"))["text"]


async def test_the_models_are_told_again_when_they_change() -> None:
    async with page(model("echo", status=Status(ServingState.LOADING, 40))) as opened:
        opened.gateway.update(snapshot(model("echo", status=Status(ServingState.LOADING, 50))))
        [told] = (await opened.hear("models"))["models"]
        assert (told["name"], told["state"], told["word"]) == ("echo", "loading", "loading 50 %")
        opened.gateway.update(snapshot(model("echo", status=Status(ServingState.LOADING, 50))))
        assert await opened.socket.receive_nothing()


@pytest.mark.parametrize(
    ("progress", "passed_s", "sentence"),
    [
        (0, 9, "echo: loading 0 % (loading weights)."),
        (40, 11, "echo: loading 40 %, ready in about 20 s (loading weights)."),
        (10, 61, "echo: loading 10 %, ready in about 10 min (loading weights)."),
    ],
)
def test_a_model_that_loads_says_when_it_will_be_ready(progress: int, passed_s: int, sentence: str) -> None:
    since = timezone.now() - timedelta(seconds=passed_s)
    loading = Status(ServingState.LOADING, progress, "loading weights", since)
    assert described(model("echo", status=loading))["sentence"] == sentence


async def test_models_that_cannot_chat_are_not_offered(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        embeds = worker.replica.__class__(worker.launch_id, worker.address, ("embeddings",))
        opened.gateway.update(snapshot(model("echo", worker.replica), model("embed", embeds)))
        assert [told["name"] for told in (await opened.hear("models"))["models"]] == ["echo"]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://here:9", "null"])
async def test_pages_of_others_are_shut_out(origin: str) -> None:
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat")
    socket.scope["user"] = SimpleNamespace(is_authenticated=True, pk=ANNA)
    socket.scope["headers"] = [(b"origin", origin.encode()), (b"host", b"here:8000")]
    await socket.connect()
    assert (await socket.receive_output())["code"] == FOREIGN_ORIGIN


async def test_who_is_logged_out_is_told_so() -> None:
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat")
    socket.scope |= {"user": SimpleNamespace(is_authenticated=False), "headers": []}
    await socket.connect()
    assert (await socket.receive_output())["code"] == LOGGED_OUT


async def test_who_logs_out_in_another_tab_asks_no_more(worker: EchoWorker) -> None:
    session = SessionStore()
    await database_sync_to_async(session.create)()
    async with page(model("echo", worker.replica)) as opened:
        opened.socket.scope["session"] = session
        await opened.ask()
        await opened.hear_done()
        await database_sync_to_async(session.delete)()
        await opened.say(type="ask", model="echo", text="I am gone.")
        assert (await opened.socket.receive_output())["type"] == "websocket.close"
    assert not await database_sync_to_async(Message.objects.filter(text="I am gone.").exists)()


async def test_many_pages_do_not_disturb_each_other(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as first, page(gateway=first.gateway) as second:
        await asyncio.gather(first.ask("one"), second.ask("two"))
        await asyncio.gather(first.hear_done(), second.hear_done())
    assert ("one" in first.text, "two" in second.text) == (True, True)


async def test_a_message_that_is_gone_is_said() -> None:
    async with page(model("echo")) as opened:
        await opened.say(type="follow", message=str(uuid4()))
        assert "There is no such answer" in (await opened.hear("gone"))["text"]


async def test_deleting_a_conversation_ends_its_answer_and_says_so(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask(LONG)
        await opened.until_growing()
        await database_sync_to_async(Conversation.objects.filter(id=begun["conversation"]).delete)()
        while (heard := await opened.socket.receive_json_from(timeout=5))["type"] != "gone":
            pass
        await eventually(lambda: worker.running == 0, within=1)
    assert "deleted" in heard["text"]


async def test_who_follows_twice_hears_nothing_twice(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask(LONG[:200])
        await opened.until_growing()
        await opened.say(type="follow", message=begun["message"])
        await opened.hear_done()
        assert await opened.socket.receive_nothing()
    assert opened.text.count("word") == 40


async def test_an_edited_question_keeps_the_files_that_it_does_not_leave_out(worker: EchoWorker) -> None:
    files = [{"kind": "file", "name": f"{name}.txt", "text": f"from file {name}"} for name in "ab"]
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask("one", attachments=files)
        await opened.hear_done()
        before = (await row(begun["message"])).parent_id
        edit = {"conversation": begun["conversation"], "edited": str(before)}
        again = await opened.ask("two", **edit, without=[0])
        await opened.hear_done()
    said = (await row(again["message"])).text
    assert ("from file a" in said, "from file b" in said) == (False, True)
