"""Runs the choices of one request, all at once, and ends them when the request ends, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from inference.engines.base import Delta, Prompt, SamplingParams, Tally, TokenEngine
from inference.errors import EngineCrashed
from inference.protocol.requests import GenerationRequest

Deliver = Callable[[int, Delta], Awaitable[None]]

# Seconds that a stream waits for its first token before it says 200. An engine refuses at once, so what it refuses
# still gets a status of its own.
_SETTLE_S = 0.01
_SEEDS = 2**63
# Choices of one request that the engine has at the same time. Its queue is for everybody: thousands of prompts in one
# request must neither fill it nor be refused for ever because they are more than it holds.
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class ChoiceSpec:
    """One choice to be generated; the index counts over all prompts of the request. The answer begins with `echo`."""

    index: int
    prompt: Prompt
    sampling: SamplingParams
    echo: str = ""
    tally: Tally = field(default_factory=Tally, compare=False)


def sampling_params(request: GenerationRequest) -> SamplingParams:
    """The engine's words for what a request asks."""
    return SamplingParams(
        max_tokens=request.token_limit,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=None if request.top_k is None else max(0, request.top_k),
        min_p=request.min_p,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        repetition_penalty=request.repetition_penalty,
        seed=request.seed,
        stop=request.stop,
        ignore_eos=request.ignore_eos,
        logit_bias=request.logit_bias,
        min_tokens=request.min_tokens,
        stop_token_ids=request.stop_token_ids,
        include_stop=request.include_stop_str_in_output,
        # The best of several candidates is found by their log probabilities, whether these are shown or not.
        logprobs=0 if request.tops is None and request.candidates > request.n else request.tops,
        prompt_logprobs=_prompt_tops(request),
    )


def _prompt_tops(request: GenerationRequest) -> int | None:
    asked = (request.prompt_logprobs, request.tops if request.echoes else None)
    return max((tops for tops in asked if tops is not None), default=None)


def choice_specs(prompts: Iterable[Prompt], sampling: SamplingParams, *, n: int) -> list[ChoiceSpec]:
    """`n` choices a prompt. Each of the n has a seed of its own, or they would all be the same."""
    drawn = [
        sampling if sampling.seed is None else replace(sampling, seed=_nth_seed(sampling.seed, i)) for i in range(n)
    ]
    pairs = [(prompt, one) for prompt in prompts for one in drawn]
    return [ChoiceSpec(index, prompt, one) for index, (prompt, one) in enumerate(pairs)]


class Run:
    """A choice on its way. Its first token is awaited from the start, before anybody reads it."""

    def __init__(self, engine: TokenEngine, spec: ChoiceSpec) -> None:
        self.index = spec.index
        # The contract: closing the iterator aborts. So it is a generator, or something that can be closed like one.
        deltas = engine.generate(spec.prompt, spec.sampling, spec.tally)
        self._deltas = cast(AsyncGenerator[Delta, None], deltas)
        self._tally = spec.tally
        self.first = asyncio.ensure_future(anext(self._deltas, None))

    async def pump(self, deliver: Deliver) -> None:
        """Hand over every delta, to the last."""
        last = await self.first
        if last is not None:
            self._tally.cached_tokens = last.cached_tokens
            await deliver(self.index, last)
            async for last in self._deltas:
                await deliver(self.index, last)
        if last is None or last.finish_reason is None:
            raise EngineCrashed("The model stopped in the middle of its answer.")

    async def close(self) -> None:
        """Abort the sequence, unless it is done."""
        self.first.cancel()
        # Waits without raising; a generator that still runs cannot be closed.
        await asyncio.gather(self.first, return_exceptions=True)
        await self._deltas.aclose()


@asynccontextmanager
async def running(engine: TokenEngine, specs: Iterable[ChoiceSpec]) -> AsyncIterator[list[Run]]:
    """All choices of a request at work; none outlives the context."""
    runs = [Run(engine, spec) for spec in specs]
    try:
        yield runs
    finally:
        await asyncio.gather(*(run.close() for run in runs))


async def settle(runs: Sequence[Run]) -> None:
    """Wait a moment for the first token, and raise what the engine refuses."""
    await asyncio.wait([run.first for run in runs], timeout=_SETTLE_S, return_when=asyncio.FIRST_COMPLETED)
    for run in runs:
        if run.first.done():
            run.first.result()


async def pump_all(runs: Sequence[Run], deliver: Deliver) -> None:
    """Hand over the deltas of all choices as they come; the first error ends them all."""
    await _together([run.pump(deliver) for run in runs])


async def generate_all(engine: TokenEngine, specs: Sequence[ChoiceSpec], deliver: Deliver) -> None:
    """Generate every choice, some of them at a time; the first error ends them all, and so does leaving."""
    waiting = iter(specs)

    async def work() -> None:
        for spec in waiting:
            async with running(engine, [spec]) as runs:
                await runs[0].pump(deliver)

    await _together([work() for _ in specs[:_AT_ONCE]])


async def _together(parts: Sequence[Coroutine[Any, Any, None]]) -> None:
    if len(parts) == 1:
        await parts[0]
        return
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _nth_seed(seed: int, offset: int) -> int:
    return (seed + offset + _SEEDS) % (2 * _SEEDS) - _SEEDS
