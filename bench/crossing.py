"""The load that shows what a gateway costs: streams at once, requests at a rate, and its processor time a chunk."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from bench.load import prompts
from bench.load.answer import read
from bench.load.exchange import exchange
from bench.load.figures import percentile
from bench.load.streams import load
from bench.load.target import CHAT, Target

DELAY_MS = 10
TOKENS = 64
WAVES = 4
RATE, RATE_S = 100, 5
IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Crossing:
    """`ttft` in ms by the number of streams; `speed` in tokens/s at the most streams; `rate_…` in ms at 100 requests/s.

    `chunks`: how many a second one process could pass on, by the processor time that it took at the most streams, all
    that their requests cost included. `request`: processor time of a request of four tokens at the rate, in ms. `idle`:
    what the server's processes take while nobody asks, as a share of a core.
    """

    ttft: Mapping[int, float]
    speed: float
    rate_p50: float
    rate_p99: float
    chunks: float
    request: float
    idle: float
    failed: int


async def cross(target: Target, streams: Sequence[int]) -> Crossing:
    """Measure one server."""
    await load(target, _bodies(8), streams=8)
    found, server = {}, _listening(target)
    for many in sorted(streams):
        before = _seconds(server)
        found[many] = await load(target, _bodies(many * WAVES), streams=many)
        busy = _seconds(server) - before
    before = _seconds(server)
    firsts, failed = await _at_a_rate(target)
    request = (_seconds(server) - before) / (RATE * RATE_S)
    return Crossing(
        ttft={many: one.ttft for many, one in found.items()},
        speed=found[max(streams)].tokens_per_second,
        rate_p50=percentile(firsts, 0.5),
        rate_p99=percentile(firsts, 0.99),
        chunks=found[max(streams)].tokens / busy,
        request=request * 1e3,
        idle=await _idle(server),
        failed=failed + sum(one.failed for one in found.values()),
    )


def median(rounds: Sequence[Crossing]) -> Crossing:
    """Each figure's median over the rounds; failures add up."""

    def middle(name: str) -> float:
        return statistics.median(getattr(one, name) for one in rounds)

    return Crossing(
        ttft={many: statistics.median(one.ttft[many] for one in rounds) for many in rounds[0].ttft},
        speed=middle("speed"),
        rate_p50=middle("rate_p50"),
        rate_p99=middle("rate_p99"),
        chunks=middle("chunks"),
        request=middle("request"),
        idle=middle("idle"),
        failed=sum(one.failed for one in rounds),
    )


def _listening(target: Target) -> psutil.Process:
    """Who answers there."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == target.address[1] and connection.pid:
            return psutil.Process(connection.pid)
    raise RuntimeError(f"nobody listens at {target.url}")


def _seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


async def _idle(server: psutil.Process) -> float:
    before = _family_seconds(server)
    await asyncio.sleep(IDLE_S)
    return (_family_seconds(server) - before) / IDLE_S


def _family_seconds(server: psutil.Process) -> float:
    """Of all that the server's supervisor started, if it has one, workers and those that have ended included."""
    parent = server.parent()
    top = server if parent is None or parent.pid == os.getpid() else parent
    times = [process.cpu_times() for process in (top, *top.children(recursive=True))]
    return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))


async def _at_a_rate(target: Target) -> tuple[list[float], int]:
    """Milliseconds to the first text of requests that come at a fixed rate, whoever is still being answered."""
    request = target.post(CHAT, prompts.chat(prompts.words(1, 4), max_tokens=4))
    loop, begun, asked = asyncio.get_running_loop(), asyncio.get_running_loop().time(), []
    for turn in range(RATE * RATE_S):
        await asyncio.sleep(max(0.0, begun + turn / RATE - loop.time()))
        asked.append(asyncio.create_task(exchange(target, request)))
    answers = [read(one, streamed=True) for one in await asyncio.gather(*asked)]
    good = sorted(answer.times[0] * 1e3 for answer in answers if not answer.error and answer.times)
    return good, len(answers) - len(good)


def _bodies(count: int) -> list[dict[str, object]]:
    return [prompts.chat(prompts.words(number, TOKENS), max_tokens=TOKENS) for number in range(count)]
