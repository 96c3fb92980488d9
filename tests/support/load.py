"""Clients that ask without a pause, streamed and not, and look at every word of every answer."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp
import orjson

DONE = b"data: [DONE]"


@dataclass(slots=True)
class Tally:
    """What the clients got. Errors came before the first byte; cuts after it."""

    answers: int = 0
    errors: list[str] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return f"{self.answers} answers, {len(self.errors)} errors, {len(self.cuts)} cut"

    @property
    def clean(self) -> bool:
        return not (self.errors or self.cuts or self.wrong)


class Load:
    """As a context manager: asks from a thread of its own until the block is left, then waits for the last answers."""

    def __init__(
        self, credentials: dict[str, str], model: str, *, clients: int = 6, streams: bool = False, words: int = 15
    ) -> None:
        self._credentials = credentials
        self._model = model
        self._clients = clients
        self._streams_only = streams
        self._words = words
        self._numbers = count()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.tally = Tally()

    def __enter__(self) -> Load:
        self._thread.start()
        self.wait_for_answers(self._clients)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "the load does not end"
        assert not self.tally.wrong, self.tally.wrong[:5]

    def wait_for_answers(self, more: int, *, within: float = 30.0) -> None:
        """Until so many more requests were answered."""
        wanted, deadline = self.tally.answers + more, time.monotonic() + within
        while self.tally.answers < wanted:
            assert time.monotonic() < deadline, f"{self.tally.summary}; {self.tally.errors[-1:]}"
            time.sleep(0.02)

    def goes_on_for(self, seconds: float, *, gap: float = 5.0) -> None:
        """Watch for so long that answers keep coming, at least one in each gap."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            before = self.tally.answers
            time.sleep(min(gap, left))
            assert self.tally.answers > before or left < gap, f"no answer for {gap} s; {self.tally.errors[-1:]}"

    def _run(self) -> None:
        asyncio.run(self._ask_all())

    async def _ask_all(self) -> None:
        headers = {"Authorization": f"Bearer {self._credentials['api_key']}"}
        timeout = aiohttp.ClientTimeout(total=90, sock_connect=5)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            await self._until_routed(session)
            await asyncio.gather(*(self._client(session, number) for number in range(self._clients)))

    async def _until_routed(self, session: aiohttp.ClientSession) -> None:
        """A row may be READY some milliseconds before the gateway has read it: what it says until then is no error."""
        while not await self._ask(session, "hello", streamed=True):
            if self._stopping.is_set():
                return
            await asyncio.sleep(0.05)
        self.tally = Tally()

    async def _client(self, session: aiohttp.ClientSession, number: int) -> None:
        while not self._stopping.is_set():
            streamed = self._streams_only or number % 3 != 2
            text = " ".join(f"w{next(self._numbers)}" for _ in range(self._words))
            if not await self._ask(session, text, streamed=streamed):
                await asyncio.sleep(0.1)  # a gateway that is away answers at once

    async def _ask(self, session: aiohttp.ClientSession, text: str, *, streamed: bool) -> bool:
        body = {"model": self._model, "messages": [{"role": "user", "content": text}], "stream": streamed}
        begun = False
        try:
            async with session.post(f"{self._credentials['base_url']}/chat/completions", json=body) as response:
                begun = response.status == 200 and streamed
                return self._note(text, response.status, await response.read(), streamed=streamed)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            (self.tally.cuts if begun else self.tally.errors).append(repr(error))
            return False

    def _note(self, text: str, status: int, body: bytes, *, streamed: bool) -> bool:
        if status != 200:
            self.tally.errors.append(f"{status} {body[:300].decode(errors='replace')}")
            return False
        said = streamed_text(body) if streamed else orjson.loads(body)["choices"][0]["message"]["content"]
        if said is None:
            self.tally.cuts.append(body[-300:].decode(errors="replace"))
            return False
        if said != text:
            self.tally.wrong.append(f"asked {text!r}, got {said!r}")
        self.tally.answers += 1
        return True


def streamed_text(body: bytes) -> str | None:
    """The text of a stream; None when it did not come to its end."""
    events: list[Any] = [line for line in body.split(b"\n") if line.startswith(b"data: ")]
    if not events or events[-1] != DONE or b'"error"' in body:
        return None
    chunks = [orjson.loads(event[6:]) for event in events[:-1]]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
