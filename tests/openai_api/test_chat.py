"""The chat page's websocket, with real workers behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from echo_worker import EchoWorker, echo_worker
from gateway_rig import ANNA, QUESTION, eventually, model, snapshot

from openai_api import lifespan
from openai_api.chat import LOGGED_OUT, ChatConsumer, Pace
from openai_api.gateway import Gateway
from registry.catalog import CatalogModel, ServingState, Status

pytestmark = pytest.mark.processes

LONG: list[Any] = [{"role": "user", "content": "word " * 300}]
STRANGER = 99


class Page:
    """A chat page, without its looks."""

    def __init__(self, gateway: Gateway, socket: WebsocketCommunicator) -> None:
        self.gateway = gateway
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send_json_to(message)

    async def ask(self, messages: list[Any] = QUESTION, *, number: int = 1, **more: Any) -> None:
        await self.say(**{"type": "ask", "id": number, "model": "echo", "messages": messages} | more)

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next message, which has to be of this kind."""
        message: dict[str, Any] = await self.socket.receive_json_from(timeout=5)
        assert message["type"] == kind, message
        return message

    async def hear_answer(self) -> tuple[str, dict[str, Any]]:
        """The whole text, and the message after it."""
        text = ""
        while (message := await self.socket.receive_json_from(timeout=5))["type"] == "delta":
            text += message["text"]
        return text, message


@asynccontextmanager
async def page(*models: CatalogModel, user: int = ANNA, **headers: str) -> AsyncIterator[Page]:
    """An open page, whose user has been shown the models."""
    gateway = lifespan.start(refreshed=False)
    gateway.update(snapshot(*models))
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat")
    socket.scope["user"] = SimpleNamespace(is_authenticated=True, pk=user)
    socket.scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert (await socket.connect())[0]
    opened = Page(gateway, socket)
    try:
        await opened.hear("models")
        yield opened
    finally:
        await socket.disconnect()
        await lifespan.stop()


async def test_an_answer_arrives_word_by_word_with_its_figures(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        await open_page.ask(number=5)
        words = [await open_page.hear("delta") for _ in range(3)]
        done = await open_page.hear("done")
    assert [(word["id"], word["text"]) for word in words] == [(5, "one"), (5, " two"), (5, " three")]
    assert (done["id"], done["stopped"], done["finish_reason"]) == (5, False, "stop")
    assert done["tokens"] >= 3
    assert done["ttft_ms"] > 0
    assert done["tokens_per_second"] > 0


async def test_the_settings_reach_the_engine(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        await open_page.ask(max_tokens=2, temperature=None)
        text, done = await open_page.hear_answer()
    assert (text, done["finish_reason"]) == ("one two", "length")


async def test_stop_ends_the_answer_and_the_engine_with_it(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        await open_page.ask(LONG)
        await open_page.hear("delta")
        await open_page.say(type="stop")
        text, done = await open_page.hear_answer()
        assert done["stopped"]
        assert text.count("word") < 300
        await eventually(lambda: worker.running == 0, within=1)
        assert await open_page.socket.receive_nothing()


async def test_stop_without_an_answer_is_harmless(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        await open_page.say(type="stop")
        await open_page.ask()
        assert (await open_page.hear_answer())[0] == "one two three"


async def test_a_new_question_ends_the_answer_before(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        await open_page.ask(LONG, number=1)
        await open_page.hear("delta")
        await open_page.ask(number=2)
        _, first = await open_page.hear_answer()
        text, second = await open_page.hear_answer()
    assert (first["id"], first["stopped"]) == (1, True)
    assert (second["id"], second["stopped"], text) == (2, False, "one two three")


async def test_a_page_that_is_closed_stops_its_engine(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        await open_page.ask(LONG)
        await open_page.hear("delta")
        assert worker.running == 1
    await eventually(lambda: worker.running == 0, within=1)


async def test_a_model_that_is_not_ready_is_explained_in_a_sentence() -> None:
    async with page(model("echo", status=Status(ServingState.LOADING, 40))) as open_page:
        await open_page.ask()
        assert (await open_page.hear("error"))["message"] == "The model 'echo' is loading 40 %."


async def test_a_worker_that_dies_is_explained_and_the_page_goes_on(worker: EchoWorker) -> None:
    with echo_worker(token_delay_ms=20) as dying:
        async with page(model("echo", dying.replica)) as open_page:
            await open_page.ask(LONG)
            await open_page.hear("delta")
            dying.kill()
            _, message = await open_page.hear_answer()
            assert "went away" in message["message"]
            open_page.gateway.update(snapshot(model("echo", worker.replica)))
            await open_page.hear("models")
            await open_page.ask()
            assert (await open_page.hear_answer())[0] == "one two three"


async def test_an_error_of_the_engine_is_told_in_its_own_words(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        await open_page.ask([{"role": "user", "content": "x " * 9000}])
        assert "context" in (await open_page.hear("error"))["message"]


async def test_somebody_who_may_not_log_in_any_more_gets_no_answers(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica), user=STRANGER) as open_page:
        await open_page.ask()
        assert "not active" in (await open_page.hear("error"))["message"]


@pytest.mark.parametrize("text", [" ", "{", "[]", '{"type":"dance"}', '{"type":"ask"}', '{"type":"ask","messages":7}'])
async def test_nonsense_is_answered_with_a_sentence(text: str) -> None:
    async with page(model("echo")) as open_page:
        await open_page.socket.send_to(text_data=text)
        assert (await open_page.hear("error"))["message"].endswith((".", ")"))


async def test_a_message_over_the_limit_is_refused(settings: Any) -> None:
    settings.MODELYARD_MAX_BODY_BYTES = 1000
    async with page(model("echo")) as open_page:
        await open_page.ask([{"role": "user", "content": "x" * 1000}])
        assert "1000 bytes" in (await open_page.hear("error"))["message"]


async def test_the_models_are_told_again_when_they_change() -> None:
    async with page(model("echo", status=Status(ServingState.LOADING, 40))) as open_page:
        for percent in (50, 60):
            open_page.gateway.update(snapshot(model("echo", status=Status(ServingState.LOADING, percent))))
            [told] = (await open_page.hear("models"))["models"]
            assert (told["name"], told["state"], told["word"]) == ("echo", "loading", f"loading {percent} %")
        open_page.gateway.update(snapshot(model("echo", status=Status(ServingState.LOADING, 60))))
        assert await open_page.socket.receive_nothing()


async def test_models_that_cannot_chat_are_not_offered(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as open_page:
        embeds = worker.replica.__class__(worker.launch_id, worker.address, ("embeddings",))
        open_page.gateway.update(snapshot(model("echo", worker.replica), model("embed", embeds)))
        assert [told["name"] for told in (await open_page.hear("models"))["models"]] == ["echo"]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://here:9", "null"])
async def test_pages_of_others_are_shut_out(origin: str) -> None:
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat")
    socket.scope["user"] = SimpleNamespace(is_authenticated=True, pk=ANNA)
    socket.scope["headers"] = [(b"origin", origin.encode()), (b"host", b"here:8000")]
    await socket.connect()
    assert (await socket.receive_output())["code"] == 4403


async def test_who_is_logged_out_is_told_so() -> None:
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat")
    socket.scope["user"] = SimpleNamespace(is_authenticated=False)
    socket.scope["headers"] = [(b"origin", b"http://here:8000"), (b"host", b"here:8000")]
    await socket.connect()
    assert (await socket.receive_output())["code"] == LOGGED_OUT


async def test_two_pages_of_one_person_do_not_disturb_each_other(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as first:
        second = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat")
        second.scope |= {"user": SimpleNamespace(is_authenticated=True, pk=ANNA), "headers": []}
        await second.connect()
        other = Page(first.gateway, second)
        await other.hear("models")
        await asyncio.gather(first.ask(LONG[:0] + QUESTION), other.ask(QUESTION))
        assert [(await opened.hear_answer())[0] for opened in (first, other)] == ["one two three"] * 2
        await second.disconnect()


def test_figures_need_two_tokens_for_a_pace() -> None:
    pace = Pace(asked_at=10.0)
    assert pace.figures() == {"ttft_ms": None, "tokens": 0, "tokens_per_second": None}
    pace.note(10.5)
    pace.note(12.5)
    pace.tokens = 21
    assert pace.figures() == {"ttft_ms": 500.0, "tokens": 21, "tokens_per_second": 10.0}
