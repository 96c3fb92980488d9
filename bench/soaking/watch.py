"""The worker seen from outside, at rest: memory, and what it still holds."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from bench.load.exchange import exchange
from bench.load.target import Target

REST_S, POLL_S = 20.0, 0.1
TOLERATED = 0.03


@dataclass(frozen=True, slots=True)
class Sample:
    """What GET /stats says while nothing is asked; `seconds` and `requests` since the start."""

    seconds: float
    requests: int
    memory_bytes: int
    memory_peak_bytes: int
    in_flight: int
    running: int
    waiting: int
    cache_used_tokens: int
    tokens_total: int
    aborted_total: int
    preempted_total: int
    prefix_hit_tokens: int

    @property
    def held(self) -> dict[str, int]:
        """What should be zero and is not."""
        names = ("in_flight", "running", "waiting", "cache_used_tokens")
        return {name: value for name, value in asdict(self).items() if name in names and value}


async def stats(target: Target) -> dict[str, Any]:
    """The worker's own counters, its engine's among them. Raises `ConnectionError` when there is no such answer."""
    root = Target(target.url.removesuffix("/v1"), target.model, target.key)
    answer = await exchange(root, root.get("/stats"), timeout_s=30)
    if answer.status != 200:
        what = answer.status or answer.error
        raise ConnectionError(f"GET /stats of {root.url} gave {what}: a soak needs the URL of a worker that runs.")
    found: dict[str, Any] = orjson.loads(b"".join(piece for _, piece in answer.pieces))
    return found


async def at_rest(target: Target, *, began: float, requests: int) -> Sample:
    """Wait until nothing is held, or no longer than that, and look. `began` in seconds of `time.perf_counter`."""
    give_up_at = time.monotonic() + REST_S
    while True:
        sample = _sample(await stats(target), seconds=time.perf_counter() - began, requests=requests)
        if not sample.held or time.monotonic() > give_up_at:
            return sample
        await asyncio.sleep(POLL_S)


def _sample(said: dict[str, Any], *, seconds: float, requests: int) -> Sample:
    known = said["engine"] | {name: said[name] for name in ("memory_bytes", "memory_peak_bytes", "in_flight")}
    own = {name: known[name] for name in Sample.__dataclass_fields__ if name not in {"seconds", "requests"}}
    return Sample(seconds=seconds, requests=requests, **own)


def drift(samples: Sequence[Sample]) -> float | None:
    """Memory at the end by memory near the start, less one; medians of the second and of the last tenth.

    The first tenth is for caches that fill and allocators that settle. None when there are too few samples.
    """
    if len(samples) < 3:
        return None
    tenth = max(1, len(samples) // 10)
    early = statistics.median(one.memory_bytes for one in samples[tenth : 2 * tenth])
    late = statistics.median(one.memory_bytes for one in samples[-tenth:])
    return late / early - 1
