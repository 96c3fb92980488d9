"""So many streams at once, each asking again as soon as it is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.load.answer import Answer, read
from bench.load.exchange import Exchange, exchange
from bench.load.figures import Figures, figures
from bench.load.target import CHAT, Target


async def load(target: Target, bodies: Sequence[Mapping[str, Any]], *, streams: int) -> Figures:
    """Send every body as a streamed chat, `streams` at a time, and give the figures."""
    requests = iter([target.post(CHAT, body) for body in bodies])
    began, cpu = time.perf_counter(), time.process_time()
    found = await asyncio.gather(*(_stream(target, requests) for _ in range(streams)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    answers = [read(one, streamed=True) for many in found for one in many]
    for complaint in {answer.error for answer in answers if answer.error}:
        print(f"  failed: {complaint}", flush=True)
    return figures(answers, seconds, client_seconds=cpu)


async def _stream(target: Target, requests: Iterator[bytes]) -> list[Exchange]:
    return [await exchange(target, request) for request in requests]


async def ask(target: Target, body: Mapping[str, Any]) -> Answer:
    """One streamed chat. Raises `RuntimeError` when it fails."""
    answer = read(await exchange(target, target.post(CHAT, body)), streamed=True)
    if answer.error:
        raise RuntimeError(answer.error)
    return answer
