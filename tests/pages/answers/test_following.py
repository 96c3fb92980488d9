"""How often an answer's followers are told."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from pages.answers.answer import SEND_EVERY_S, GrowingAnswer
from pages.answers.pace import Pace
from pages.models.message import State


async def told(answer: GrowingAnswer) -> list[dict[str, Any]]:
    return [message async for message in answer.follow()]


async def test_words_that_come_fast_are_told_together_and_none_is_lost() -> None:
    answer, clock = GrowingAnswer(uuid4(), Pace(0.0)), asyncio.get_running_loop().time
    following, begun = asyncio.create_task(told(answer)), clock()
    for number in range(200):
        answer.append(f"{number} ")
        await asyncio.sleep(0)
    while clock() - begun < 3 * SEND_EVERY_S:
        answer.append(".")
        await asyncio.sleep(0.001)
    took = clock() - begun
    answer.end(State.DONE)
    messages = await following
    texts = [message["text"] for message in messages if message["type"] == "text"]
    assert 2 <= len(texts) <= took / SEND_EVERY_S + 2
    assert messages[-1]["open"].startswith("<p>0 1 2")


async def test_what_was_drawn_keeps_no_words_waiting() -> None:
    answer, clock = GrowingAnswer(uuid4(), Pace(0.0)), asyncio.get_running_loop().time
    told = answer.follow()
    assert (await anext(told))["type"] == "blocks"  # nothing, but so the page knows
    answer.append("one")
    answer.draw(answer.prose.update())
    assert (await anext(told))["open"] == "<p>one</p>\n"
    more = asyncio.ensure_future(anext(told))
    await asyncio.sleep(0)
    answer.append(" two")
    begun, turns = clock(), 0
    while not more.done():
        await asyncio.sleep(0)
        turns += 1
    assert more.result()["text"] == " two"
    assert turns < 10, f"it waited {clock() - begun} s"
    await told.aclose()
