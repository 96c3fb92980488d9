"""An answer that goes on when it is asked to, in the same message, or that nobody gives any more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from chat_page import page, row
from django.utils import timezone
from echo_worker import EchoWorker
from gateway_rig import model

from pages.models import Message

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.usefixtures("anna")]

LONG = "word " * 300


async def test_an_answer_that_was_cut_goes_on_in_the_same_message(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask("one *two* three four", parameters={"max_tokens": 2})
        cut = await opened.hear_done()
        before = await row(begun["message"])
        await opened.say(type="continue", message=begun["message"], parameters={"max_tokens": 9})
        again = await opened.hear("begun")
        done = await opened.hear_done()
        kept = await row(begun["message"])
        await opened.say(type="continue", message=begun["message"])
        assert "cannot be continued" in (await opened.hear("error"))["text"]
    assert (before.text, before.finish_reason) == ("one *two*", "length")
    assert ("data-continue" in cut["turn"], "data-continue" in done["turn"]) == (True, False)
    assert (again["message"], again["after"]) == (begun["message"], begun["after"])
    assert "<em>two</em>" in opened.text
    assert (kept.text, kept.state, kept.finish_reason) == ("one *two* three four", "done", "stop")
    # Two words, then two more and the stop token; the second prompt has the first part too.
    assert (kept.completion_tokens, kept.prompt_tokens) == (5, 5 + 8)
    assert kept.ttft_ms == before.ttft_ms


async def test_of_two_pages_that_continue_an_answer_one_does(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as first, page(gateway=first.gateway) as second:
        begun = await first.ask(LONG, parameters={"max_tokens": 2})
        await first.hear_done()
        more = {"type": "continue", "message": begun["message"], "parameters": {"max_tokens": 2}}
        await asyncio.gather(first.say(**more), second.say(**more))
        heard = [await opened.socket.receive_json_from(timeout=5) for opened in (first, second)]
        assert sorted(each["type"] for each in heard) == ["begun", "error"]
        await (first if heard[0]["type"] == "begun" else second).hear_done()
        assert (await row(begun["message"])).text.count("word") == 4


async def test_a_continuation_that_fails_or_is_stopped_loses_nothing(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask(LONG, parameters={"max_tokens": 2})
        await opened.hear_done()
        more = {"type": "continue", "message": begun["message"]}
        await opened.say(**more, parameters={"temperature": 9})
        await opened.hear("begun")
        assert "temperature" in (await opened.hear_done())["turn"]
        failed = await row(begun["message"])
        await opened.say(**more, parameters={})
        await opened.hear("begun")
        while (await opened.socket.receive_json_from(timeout=5))["type"] != "text":
            pass
        await opened.say(type="stop", message=begun["message"])
        done = await opened.hear_done()
        stopped = await row(begun["message"])
        await opened.ask("one", conversation=begun["conversation"], parent=begun["message"])
        await opened.hear_done()
        await opened.say(**more)
        assert "followed by a question" in (await opened.hear("error"))["text"]
    assert (failed.text, failed.state, failed.completion_tokens) == ("word word", "failed", 2)
    assert (stopped.state, stopped.error) == ("stopped", "")
    # The two of the first part, and of the second as many as came, and maybe one on its way.
    assert 300 > (stopped.completion_tokens or 0) >= stopped.text.count("word") > 2
    assert "tokens" in done["turn"]


async def test_an_answer_that_nobody_gives_any_more_can_be_stopped(worker: EchoWorker) -> None:
    async with page(model("echo", worker.replica)) as opened:
        begun = await opened.ask()
        await opened.hear_done()
    silent = {"state": "running", "kept_at": timezone.now() - timedelta(seconds=7)}
    await database_sync_to_async(Message.objects.filter(id=begun["message"]).update)(**silent)
    async with page(model("echo", worker.replica)) as later:
        await later.say(type="follow", message=begun["message"])
        await later.say(type="stop", message=begun["message"])
        assert (await later.hear_done())["state"] == "stopped"
