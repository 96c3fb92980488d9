"""Somebody who asks, reads, and asks again, by the websocket that the chat page uses."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession, TCPConnector
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bench.chatting.shown import Shown, kept, moments, same

TOKENS = 100
PAUSE_S = 1.0, 5.0
CHAT_LENGTH = 5  # questions, then a new conversation
CLOCK_EVERY = 4  # of so many questions one goes to the model that tells the time
ECHO, CLOCK = "echo", "clock"
TIMEOUT_S = 60.0
ARRIVAL_S = 5.0
SHOWN = 10


@dataclass(slots=True)
class Heard:
    """What all of them saw; times in milliseconds. `ways`: from the engine to the websocket's client."""

    counts: Counter[str] = field(default_factory=Counter)
    firsts: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    ways: list[float] = field(default_factory=list)

    def complain(self, kind: str, why: object) -> None:
        """Something did not go as it should."""
        self.counts[kind] += 1
        if self.counts["complaints"] < SHOWN:
            print(f"  {kind}: {why}", flush=True)
        self.counts["complaints"] += 1


@dataclass(slots=True)
class Person:
    """One of them, with a page open. `before`: the conversation and its last answer."""

    number: int
    url: str
    headers: Mapping[str, str]
    heard: Heard
    http: ClientSession
    before: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    async def chat(self, until: float) -> None:
        """Open the page, and ask until then, in seconds of the loop's clock."""
        try:
            await self._look("/chat/")
            socket_url = f"{self.url.replace('http', 'ws', 1)}/ws/chat"
            async with connect(socket_url, additional_headers=self.headers, proxy=None) as socket:
                clock = asyncio.get_running_loop().time
                while clock() < until:
                    async with asyncio.timeout(TIMEOUT_S):
                        await self._ask(socket)
                    await asyncio.sleep(random.uniform(*PAUSE_S))
        except (WebSocketException, ClientError, OSError) as error:  # a time-out is an OSError too
            self.heard.complain("cut", repr(error))

    async def _ask(self, socket: ClientConnection) -> None:
        model = CLOCK if (self.number + self.asked) % CLOCK_EVERY == 0 else ECHO
        self.before = self.before if self.asked % CHAT_LENGTH else {}
        self.asked += 1
        # Seven letters at most and the space before them are one token of the echo engine.
        words = [f"{self.number}{ascii_lowercase[self.asked % 26]}{place}" for place in range(TOKENS)]
        question = {"type": "ask", "text": " ".join(words), "model": model, **self.before}
        sent_at = time.perf_counter()
        await socket.send(orjson.dumps(question).decode())
        self.heard.counts["asked"] += 1
        shown, end = await self._read(socket, model, sent_at)
        right = moments if model == CLOCK else same
        if end.get("state") != "done":
            self.heard.complain("cut", end)
        elif not (right(words, shown.text.split()) and kept(end["turn"]).split() == shown.text.split()):
            self.heard.complain("wrong", f"asked {words[:3]}…, shown {shown.text[:100]}…")
        else:
            self.heard.counts["finished"] += 1

    async def _look(self, path: str) -> None:
        async with self.http.get(self.url + path, headers=self.headers, raise_for_status=True) as answer:
            await answer.read()

    async def _read(self, socket: ClientConnection, model: str, sent_at: float) -> tuple[Shown, Mapping[str, Any]]:
        """One answer to its end."""
        shown, last, listing = Shown(), None, []
        async for raw in socket:
            message = orjson.loads(raw)
            now = time.perf_counter()
            if message["type"] in {"text", "blocks"}:
                if fresh := shown.hear(message):
                    self._note(fresh if model == CLOCK else [], 1e3 * (now - (last or sent_at)), first=last is None)
                    last = now
            elif message["type"] == "begun":
                self.heard.counts["begun"] += 1
                if not self.before:  # the page asks for its list then
                    listing = [asyncio.create_task(self._look("/chat/conversations"))]
                self.before = {"conversation": message["conversation"], "parent": message["message"]}
            elif message["type"] != "models":
                await asyncio.gather(*listing)
                return shown, message
        raise ConnectionError("the server closed the websocket")

    def _note(self, moments: list[str], waited: float, *, first: bool) -> None:
        (self.heard.firsts if first else self.heard.gaps).append(waited)
        now = time.time_ns() / 1e6
        self.heard.ways += [now - int(moment) / 1e3 for moment in moments]


async def crowd(url: str, headers: Sequence[Mapping[str, str]], seconds: float) -> Heard:
    """All of them at once, each with the headers of a browser; they come within some seconds."""
    heard, until = Heard(), asyncio.get_running_loop().time() + seconds
    async with ClientSession(connector=TCPConnector(limit=0)) as http:

        async def one(number: int, own: Mapping[str, str]) -> None:
            await asyncio.sleep(ARRIVAL_S * random.random())
            await Person(number, url, own, heard, http).chat(until)

        await asyncio.gather(*(one(number, own) for number, own in enumerate(headers)))
    return heard
