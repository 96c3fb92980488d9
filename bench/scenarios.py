"""What is asked of every server: the same, in the same order, warmed up before."""

from __future__ import annotations

import asyncio
import secrets
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.load import prompts
from bench.load.answer import Answer, read
from bench.load.exchange import Exchange, exchange
from bench.load.figures import Figures, Prefix, Result, Stall, steps
from bench.load.streams import ask, load
from bench.load.target import CHAT, Target

MAX_TOKENS = 64
# Requests of one measurement: enough waves that the beginning and the end of it weigh little.
REQUESTS = {1: 6, 8: 32, 32: 96}
MIXED_WORDS, MIXED_TOKENS = (8, 20, 60, 150, 400), (16, 64, 128, 32)
RUNNING, LONG_TOKENS, LONG_ANSWER = 8, 2000, 400
PREFIX_TOKENS, PREFIXES = 900, 5
# Tokens that a stream has had when it counts as running.
SETTLED = 24
POLL_S = 0.005


# Asked of a server in one of the rounds, by their number from 0.
Scenario = Callable[[Target, int], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Scale:
    """How many tokens this server's tokenizer makes of our words."""

    overhead: float
    per_word: float

    def words(self, tokens: int) -> int:
        """So many words make a prompt of about so many tokens."""
        return max(1, round((tokens - self.overhead) / self.per_word))


def throughput(streams: int) -> Scenario:
    """So many streams of 64 new tokens each; a server that is asked again gets other prompts."""

    async def run(target: Target, turn: int) -> Figures:
        first = 1000 * turn
        bodies = [prompts.chat(prompts.story(first + i), max_tokens=MAX_TOKENS) for i in range(_requests(streams))]
        return await _measured(target, bodies, streams=streams)

    return run


async def mixed(target: Target, turn: int) -> Figures:
    """32 streams of short and long prompts and answers."""
    bodies = [
        prompts.chat(
            prompts.story(1000 * turn + 200 + i, MIXED_WORDS[i % len(MIXED_WORDS)]),
            max_tokens=MIXED_TOKENS[i % len(MIXED_TOKENS)],
        )
        for i in range(_requests(32))
    ]
    return await _measured(target, bodies, streams=32)


def sampled(*, seeds: bool) -> Scenario:
    """32 streams that draw their tokens, each from a generator of its own when there are seeds."""

    async def run(target: Target, turn: int) -> Figures:
        drawn = [{"temperature": 0.8, "top_p": 0.95} | ({"seed": i} if seeds else {}) for i in range(_requests(32))]
        stories = [prompts.story(1000 * turn + 400 + i) for i in range(len(drawn))]
        bodies = [prompts.chat(story, max_tokens=MAX_TOKENS, **how) for story, how in zip(stories, drawn, strict=True)]
        return await _measured(target, bodies, streams=32)

    return run


async def stall(target: Target, turn: int) -> Stall:
    """Eight streams run, and a prompt of 2,000 tokens comes in: how long does the slowest of them wait?"""
    scale = await _scale(target)
    await ask(target, prompts.chat(_unique(scale.words(LONG_TOKENS)), max_tokens=1))
    watched: list[Exchange] = []
    running = [
        asyncio.create_task(exchange(target, target.post(CHAT, body), watch=watched.append))
        for body in (prompts.chat(prompts.story(900 + i), max_tokens=LONG_ANSWER) for i in range(RUNNING))
    ]
    try:
        await _grown(watched, running)
        long = await ask(target, prompts.chat(_unique(scale.words(LONG_TOKENS)), max_tokens=4))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return stalled([read(one, streamed=True) for one in watched], long)


def stalled(running: Sequence[Answer], long: Answer) -> Stall:
    """Gaps of the running streams, before and while the long prompt was read."""
    came, answered = long.sent, long.sent + long.first
    before, during = list[float](), list[float]()
    for one in running:
        at = [one.sent + second for second in one.times]
        before += steps([time for time in at if time < came])
        # A gap counts when it ends after the prompt came, and began before it was answered.
        during += [gap for gap, end in zip(steps(at), at[1:], strict=True) if end > came and end - gap < answered]
    return Stall(statistics.median(before) * 1e3, max(during) * 1e3, long.first * 1e3, long.prompt_tokens)


async def prefix(target: Target, turn: int) -> Prefix:
    """A beginning of 900 tokens, new and then again with another question behind it."""
    scale = await _scale(target)
    await ask(target, prompts.chat(_unique(scale.words(PREFIX_TOKENS)), max_tokens=1))
    pairs = [await _twice(target, _unique(scale.words(PREFIX_TOKENS))) for _ in range(PREFIXES)]
    return Prefix(
        cold=statistics.median(cold.first for cold, _ in pairs) * 1e3,
        repeated=statistics.median(again.first for _, again in pairs) * 1e3,
        cached_tokens=round(statistics.median(again.cached_tokens for _, again in pairs)),
    )


STREAMS = (1, 8, 32)
OTHERS: Mapping[str, Scenario] = {
    "sampled": sampled(seeds=False),
    "mixed": mixed,
    "prefix": prefix,
    "stall": stall,
    # The last one: vLLM 0.32 for CPUs dies of seeds ("CPU Generator does not use offset").
    "seeded": sampled(seeds=True),
}


def scenario(name: str) -> Scenario:
    """By its name; a number is so many streams."""
    return throughput(int(name)) if name.isdecimal() else OTHERS[name]


def _requests(streams: int) -> int:
    return REQUESTS.get(streams, 3 * streams)


async def _measured(target: Target, bodies: Sequence[Mapping[str, Any]], *, streams: int) -> Figures:
    # The same number of streams as will be measured: servers make kernels and buffers for each size of a batch.
    warm = [prompts.chat(prompts.story(10_000 + i), max_tokens=16) for i in range(2 * streams)]
    await load(target, warm, streams=streams)
    found = await load(target, bodies, streams=streams)
    if not found.tokens:
        raise RuntimeError("nothing was answered")
    return found


async def _twice(target: Target, beginning: str) -> tuple[Answer, Answer]:
    asked = []
    for question in ("What is the first word?", "Which word is the longest of them?"):
        messages = [{"role": "system", "content": beginning}, {"role": "user", "content": question}]
        asked.append(await ask(target, prompts.chat(question, max_tokens=4, messages=messages)))
    return asked[0], asked[1]


async def _grown(watched: Sequence[Exchange], running: Sequence[asyncio.Task[Exchange]]) -> None:
    while len(watched) < len(running) or any(len(one.pieces) < SETTLED for one in watched):
        if any(task.done() for task in running):
            raise RuntimeError("a stream ended before all of them ran")
        await asyncio.sleep(POLL_S)


async def _scale(target: Target) -> Scale:
    """By asking: with one and with three hundred words."""
    few, many = [
        (await ask(target, prompts.chat(prompts.words(7, count), max_tokens=1))).prompt_tokens for count in (100, 300)
    ]
    if not few < many:
        return Scale(30, 1.0)  # the server does not count
    per_word = (many - few) / 200
    return Scale(few - 100 * per_word, per_word)


def _unique(words: int) -> str:
    """A text that no cache has seen."""
    return f"{secrets.token_hex(3)} {prompts.words(secrets.randbelow(1000), words)}"
