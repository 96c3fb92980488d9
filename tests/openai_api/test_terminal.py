"""A chat in a terminal, against a real gateway and a real worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from echo_worker import EchoWorker
from gateway_rig import SECRET, eventually, model, rig, snapshot

from openai_api.errors import NoSuchCommand, RequestRefused, ServerUnreachable
from openai_api.terminal.conversation import Conversation
from openai_api.terminal.server import Server
from openai_api.terminal.session import Session
from registry.catalog import ServingState, Status

pytestmark = pytest.mark.processes

LOADING = Status(ServingState.LOADING, 40, "loading weights")


class Paper:
    """A screen that keeps what was written on it."""

    def __init__(self, *lines: str, interactive: bool = False) -> None:
        self.interactive = interactive
        self.typed = lines
        self.answers = ""
        self.remarks: list[str] = []
        self.progressed: list[str] = []
        self.on_progress: Callable[[], object] = lambda: None

    def lines(self) -> Iterator[str]:
        yield from self.typed

    def write(self, text: str) -> None:
        self.answers += text

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def progress(self, text: str) -> None:
        if text:
            self.progressed.append(text)
            self.on_progress()


async def chat(url: str, paper: Paper, *, name: str = "echo", key: str = SECRET, **sampling: Any) -> Conversation:
    """The conversation as it is at the end."""
    session = Session(Server.at(url, key), Conversation(name), paper, sampling)
    await asyncio.to_thread(session.run)
    return session.conversation


async def test_each_line_is_a_turn_and_the_model_hears_all_of_them(worker: EchoWorker) -> None:
    paper = Paper("/system Be brief.", "one two", "", "three", "//slash")
    async with rig(model("echo", worker.replica)) as here:
        done = await chat(here.url, paper, max_tokens=50)
    assert paper.answers == "one two\nthree\n/slash\n"
    assert [message["role"] for message in done.messages] == ["system", *["user", "assistant"] * 3]
    assert done.turns[1]["content"] == "one two"


async def test_reset_retry_and_exit(worker: EchoWorker) -> None:
    paper = Paper("one", "/retry", "/reset", "two", "/exit", "three")
    async with rig(model("echo", worker.replica)) as here:
        done = await chat(here.url, paper)
    assert paper.answers == "one\none\ntwo\n"
    assert [turn["content"] for turn in done.turns] == ["two", "two"]


async def test_a_conversation_goes_on_from_its_file(worker: EchoWorker, tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    async with rig(model("echo", worker.replica)) as here:
        await chat(here.url, Paper("one", f"/save {path}", "two", f"/save {path}"))
        done = await chat(here.url, Paper(f"/load {path}", "three"))
    assert [turn["content"] for turn in done.turns] == ["one", "one", "two", "two", "three", "three"]


async def test_a_file_that_was_there_before_is_not_written_over(worker: EchoWorker, tmp_path: Path) -> None:
    path = tmp_path / "diary.md"
    path.write_text("dear diary")
    paper = Paper("one", f"/save {path}", interactive=True)
    async with rig(model("echo", worker.replica)) as here:
        await chat(here.url, paper)
    assert paper.remarks[-1] == f"{path} is there already: choose another name."
    assert path.read_text() == "dear diary"


async def test_sampling_goes_into_the_request(worker: EchoWorker) -> None:
    paper = Paper("one two three")
    async with rig(model("echo", worker.replica)) as here:
        await chat(here.url, paper, max_tokens=2, temperature=0.5, seed=1)
        with pytest.raises(RequestRefused, match="temperature"):
            await chat(here.url, Paper("one"), temperature=9.0)
    assert paper.answers == "one two\n"


async def test_an_unknown_model_and_an_unknown_key_are_the_servers_own_sentences(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        with pytest.raises(RequestRefused, match=r"'nobody' does not exist\. This server has: echo\."):
            await chat(here.url, Paper("one"), name="nobody")
        with pytest.raises(RequestRefused, match="This API key is not known here"):
            await chat(here.url, Paper("one"), key="my-other")
    with pytest.raises(ServerUnreachable, match="does not answer as an API does"):
        await chat("http://127.0.0.1:9", Paper("one"))


async def test_an_address_that_is_something_else_is_a_sentence(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        with pytest.raises(RequestRefused, match=r"The server answered 404 Not Found\."):
            await chat(f"{here.url}/login/v1", Paper("one"))


async def test_a_model_that_loads_is_waited_for_and_told_how_far_it_is(worker: EchoWorker) -> None:
    paper = Paper("one two")
    async with rig(model("echo", status=LOADING)) as here:
        loop = asyncio.get_running_loop()
        ready = snapshot(model("echo", worker.replica))
        paper.on_progress = lambda: loop.call_soon_threadsafe(here.gateway.update, ready)
        await chat(here.url, paper)
    assert paper.progressed == ["The model 'echo' is loading 40 %: loading weights."]
    assert paper.answers == "one two\n"


async def test_a_model_that_failed_is_not_waited_for() -> None:
    failed = Status(ServingState.FAILED, reason="no such folder")
    async with rig(model("echo", status=failed)) as here:
        with pytest.raises(RequestRefused, match="echo' failed: no such folder"):
            await chat(here.url, Paper("one"))


async def test_on_a_terminal_an_error_is_a_remark_and_the_question_can_be_asked_again(worker: EchoWorker) -> None:
    paper = Paper("one", "/retry", "/dance", interactive=True)
    async with rig() as here:
        done = await chat(here.url, paper)
    assert ["does not exist" in remark for remark in paper.remarks] == [False, True, True, False]
    assert paper.remarks[-1].startswith("There is no command /dance: /help lists")
    assert done.turns == []


async def test_in_a_pipe_the_first_error_is_the_end() -> None:
    with pytest.raises(NoSuchCommand):
        await chat("http://127.0.0.1:9", Paper("/retry", "/exit"))


async def test_a_model_cannot_write_what_a_terminal_obeys(worker: EchoWorker) -> None:
    escape = "\x1b[2Jgone \x07bell \x9bcsi tab\tend"
    shown, piped = Paper(escape, interactive=True), Paper(escape)
    async with rig(model("echo", worker.replica)) as here:
        await chat(here.url, shown)
        await chat(here.url, piped)
    assert shown.answers == "[2Jgone bell csi tab\tend\n"
    assert piped.answers == f"{escape}\n"


class Impatient(Paper):
    """Presses Ctrl-C when it has seen enough of an answer."""

    def write(self, text: str) -> None:
        super().write(text)
        if len(self.answers) > 20 and not self.answers.endswith("\n"):
            raise KeyboardInterrupt


async def test_a_stopped_answer_stops_the_engine_and_what_was_said_stays(worker: EchoWorker) -> None:
    paper = Impatient("one two three", interactive=True)
    async with rig(model("echo", worker.replica)) as here:
        done = await chat(here.url, paper, ignore_eos=True)
        await eventually(lambda: worker.running == 0, within=1)
    assert paper.remarks[-1] == "(stopped)"
    assert done.turns[-1]["content"].startswith("one two three")
