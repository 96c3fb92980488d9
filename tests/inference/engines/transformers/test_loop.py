"""The decode loop when things go wrong, with forwards written for it in place of a model."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from inference.batching.blocks import BlockPool  # noqa: E402
from inference.batching.scheduler import Scheduler  # noqa: E402
from inference.batching.track import Chunk  # noqa: E402
from inference.engines.transformers.defaults import Sampling  # noqa: E402
from inference.engines.transformers.delivery import Inbox  # noqa: E402
from inference.engines.transformers.loop import DecodeLoop  # noqa: E402
from inference.engines.transformers.sampling import SamplerState  # noqa: E402
from inference.engines.transformers.sequence import Request, Sequence  # noqa: E402
from inference.engines.transformers.stepper import Stepper  # noqa: E402
from inference.engines.transformers.ticket import Ticket, ticket_for  # noqa: E402
from inference.errors import EngineClosed, EngineCrashed, EngineOverloaded, InferenceError  # noqa: E402
from inference.text.stream import TextStream  # noqa: E402

VOCABULARY = 1000
MOST = 32


class Counting:
    """The next token is one more than the last; some tokens do something else."""

    vocabulary = VOCABULARY

    def __init__(self) -> None:
        self.actions: dict[int, Callable[[], None]] = {}
        self.chunks: list[int] = []

    def step(self, chunks: list[Chunk]) -> Any:
        self.chunks.append(len(chunks))
        for token_id in itertools.chain.from_iterable(chunk.token_ids for chunk in chunks):
            self.actions.get(token_id, lambda: None)()
        following = [(t + 1) % VOCABULARY for chunk in chunks for t in chunk.token_ids[chunk.first_result :]]
        return torch.nn.functional.one_hot(torch.tensor(following), VOCABULARY).float()

    def retain(self, first_blocks: Any) -> None:
        """Nothing is kept."""


@asynccontextmanager
async def running(forward: Counting, *, blocks: int = 4096, **options: Any) -> AsyncIterator[DecodeLoop]:
    loop = DecodeLoop(Stepper(forward, Scheduler(BlockPool(blocks), most=MOST)), threads=1, **options)
    loop.start()
    try:
        yield loop
    finally:
        loop.close()


def submit(loop: DecodeLoop, first: int, count: int = 5, length: int = 1) -> tuple[Ticket, Inbox]:
    text = TextStream(lambda ids: "".join(f"{i} " for i in ids))
    request = Request([first] * length, Sampling(temperature=0.0), count, frozenset())
    sampler = SamplerState(request.sampling, request.prompt_ids, vocabulary=VOCABULARY, stop_ids=frozenset())
    ticket = ticket_for(Sequence(request, text), Inbox(), sampler)
    loop.submit(ticket)
    return ticket, ticket.inbox


async def text_of(inbox: Inbox) -> str:
    text = ""
    while True:
        delta = await inbox.get()
        text += delta.text
        if delta.finish_reason is not None:
            return text


def refuses(loop: DecodeLoop) -> bool:
    try:
        loop.call(lambda: None).cancel()
    except EngineClosed:
        return True
    return False


def raise_error(error: Exception) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


async def test_sequences_join_while_others_run_and_all_get_their_own_tokens() -> None:
    async with running(Counting()) as loop:
        inboxes = [submit(loop, first)[1] for first in range(0, 900, 10)]
        texts = await asyncio.gather(*map(text_of, inboxes))
        assert texts == ["".join(f"{first + i} " for i in range(1, 6)) for first in range(0, 900, 10)]
        assert loop.stats().tokens_total == 450


async def test_more_than_can_run_wait_in_order(eventually: Callable[..., Any]) -> None:
    forward, gate = Counting(), threading.Event()
    forward.actions[7] = lambda: gate.wait(10) and None
    async with running(forward) as loop:
        blocked = submit(loop, 7)[1]
        await eventually(lambda: loop.stats().running == 1)
        inboxes = [submit(loop, 100 + i, count=50)[1] for i in range(MOST + 3)]
        assert loop.stats().waiting == MOST + 3
        gate.set()
        await asyncio.gather(text_of(blocked), *map(text_of, inboxes))
        assert (loop.stats().running, loop.stats().waiting) == (0, 0)


async def test_an_error_fails_the_request_it_belongs_to_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    forward = Counting()
    forward.actions[52] = raise_error(RuntimeError("shapes do not match\nand a long dump"))
    async with running(forward) as loop:
        bad, good = submit(loop, 50)[1], submit(loop, 10)[1]
        with pytest.raises(InferenceError, match=r"failed on this request: shapes do not match\. The worker's log"):
            await text_of(bad)
        assert await text_of(good) == "11 12 13 14 15 "
        assert await text_of(submit(loop, 20)[1]) == "21 22 23 24 25 "
    assert "shapes do not match" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_dead_device_ends_everything_with_a_clear_error() -> None:
    forward = Counting()
    forward.actions[52] = raise_error(torch.AcceleratorError("device-side assert"))
    told: list[tuple[str, int]] = []
    async with running(forward, on_crash=lambda error, running: told.append((str(error), running))) as loop:
        inboxes = [submit(loop, first)[1] for first in (50, 10)]
        for inbox in inboxes:
            with pytest.raises(EngineCrashed, match="Restart the worker"):
                await text_of(inbox)
        with pytest.raises(EngineCrashed):
            submit(loop, 1)
    assert told == [("device-side assert", 2)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_device_that_dies_during_a_call_tells_its_caller() -> None:
    async with running(Counting()) as loop:
        call = loop.call(raise_error(torch.AcceleratorError("device-side assert")))
        with pytest.raises(EngineCrashed, match="Restart the worker"):
            await asyncio.wrap_future(call)


async def test_a_step_that_does_not_end_is_a_stall_and_waiting_for_work_is_none(
    eventually: Callable[..., Any],
) -> None:
    forward, gate = Counting(), threading.Event()
    forward.actions[7] = lambda: gate.wait(10) and None
    async with running(forward) as loop:
        assert loop.stats().stalled_s == 0
        inbox = submit(loop, 7)[1]
        await eventually(lambda: loop.stats().stalled_s > 0.05)
        gate.set()
        await text_of(inbox)
        await eventually(lambda: loop.stats().stalled_s == 0)


async def test_closing_ends_what_runs_what_waits_and_what_was_called(eventually: Callable[..., Any]) -> None:
    forward, gate, inside = Counting(), threading.Event(), threading.Event()
    forward.actions[7] = lambda: inside.set() or (gate.wait(10) and None)
    loop = DecodeLoop(Stepper(forward, Scheduler(BlockPool(64), most=MOST)), threads=1)
    loop.start()
    inboxes = [submit(loop, first)[1] for first in (7, 20)]
    assert await asyncio.to_thread(inside.wait, 10)
    call = loop.call(lambda: 1)
    closing = asyncio.create_task(asyncio.to_thread(loop.close))
    await eventually(lambda: refuses(loop))
    gate.set()
    await closing
    for waiting in (*map(text_of, inboxes), asyncio.wrap_future(call)):
        with pytest.raises(EngineClosed, match="stopped"):
            await waiting


async def test_the_blocks_of_an_aborted_sequence_are_free_at_once(eventually: Callable[..., Any]) -> None:
    async with running(Counting()) as loop:
        ticket, inbox = submit(loop, 0, count=10**9, length=40)
        await inbox.get()
        assert loop.stats().cache_used_tokens >= 40
        loop.abort(ticket)
        await eventually(lambda: loop.stats().running == 0)
        assert loop.stats().cache_used_tokens == 0
        assert loop.stats().aborted_total == 1


async def test_who_comes_when_too_many_wait_is_sent_away(eventually: Callable[..., Any]) -> None:
    forward, gate = Counting(), threading.Event()
    forward.actions[7] = lambda: gate.wait(10) and None
    async with running(forward, most=3) as loop:
        inboxes = [submit(loop, first)[1] for first in (7, 20, 30)]
        with pytest.raises(EngineOverloaded, match="3 requests run or wait"):
            submit(loop, 40)
        gate.set()
        await asyncio.gather(*map(text_of, inboxes))
        assert await text_of(submit(loop, 50)[1]) == "51 52 53 54 55 "


async def test_a_full_cache_makes_the_newest_wait_and_loses_nothing() -> None:
    async with running(Counting(), blocks=6) as loop:
        inboxes = [submit(loop, first, count=40)[1] for first in range(0, 900, 100)]
        texts = await asyncio.gather(*map(text_of, inboxes))
        assert texts == ["".join(f"{first + i} " for i in range(1, 41)) for first in range(0, 900, 100)]
        assert loop.stats().preempted_total > 0
        assert loop.stats().cache_used_tokens == 0


async def test_when_memory_runs_out_fewer_run_together_and_who_is_too_large_alone_is_told() -> None:
    forward = Counting()
    alone = forward.step

    def step(chunks: list[Chunk]) -> Any:
        if len(chunks) > 2 or any(666 in chunk.token_ids for chunk in chunks):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return alone(chunks)

    forward.step = step  # type: ignore[method-assign]
    async with running(forward) as loop:
        inboxes = [submit(loop, first)[1] for first in (10, 20, 30, 40, 50)]
        too_large = submit(loop, 666)[1]
        texts = await asyncio.gather(*map(text_of, inboxes))
        assert texts == ["".join(f"{first + i} " for i in range(1, 6)) for first in (10, 20, 30, 40, 50)]
        with pytest.raises(InferenceError, match="not enough memory"):
            await text_of(too_large)
        assert await text_of(submit(loop, 60)[1]) == "61 62 63 64 65 "


async def test_a_sequence_aborted_while_it_waits_never_runs(eventually: Callable[..., Any]) -> None:
    forward, gate = Counting(), threading.Event()
    forward.actions[7] = lambda: gate.wait(10) and None
    async with running(forward) as loop:
        blocked = submit(loop, 7)[1]
        await eventually(lambda: loop.stats().running == 1)
        ticket, _ = submit(loop, 300)
        loop.abort(ticket)
        gate.set()
        await text_of(blocked)
        await eventually(lambda: loop.stats().aborted_total == 1)
        assert loop.stats().tokens_total == 5


async def test_a_call_that_fails_tells_its_caller_and_a_cancelled_one_does_not_run() -> None:
    forward, gate, ran = Counting(), threading.Event(), []
    async with running(forward) as loop:
        first = loop.call(lambda: gate.wait(10))
        cancelled = loop.call(lambda: ran.append(1))
        assert cancelled.cancel()
        failing = loop.call(raise_error(ValueError("no such row")))
        gate.set()
        with pytest.raises(InferenceError, match="no such row"):
            await asyncio.wrap_future(failing)
        assert first.result() is True
        assert ran == []
