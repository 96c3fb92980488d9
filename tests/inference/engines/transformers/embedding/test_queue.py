"""The queue of texts with a model of numpy: a text's vector is its length, and every batch is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.engines.transformers.embedding.batches import BatchLimits
from inference.engines.transformers.embedding.queue import EmbeddingQueue
from inference.errors import EngineClosed, EngineOverloaded, InferenceError, InvalidRequest

Batch = Sequence[Sequence[int]]


class Model:
    """Calls wait until the test runs them, as they do while the thread of a real model is busy."""

    def __init__(self, *, most_tokens: int = 10_000, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.calls: list[tuple[Future[None], Callable[[], None]]] = []
        self.most_tokens = most_tokens
        self.error = error
        self.closed = False

    def call(self, work: Callable[[], None]) -> Future[None]:
        if self.closed:
            raise EngineClosed("The model was stopped.")
        self.calls.append((Future(), work))
        return self.calls[-1][0]

    def embed(self, batch: Batch) -> NDArray[np.float32]:
        if len(batch) * max(map(len, batch)) > self.most_tokens:
            raise self.error or MemoryError
        self.batches.append([len(ids) for ids in batch])
        return np.array([[len(ids)] for ids in batch], dtype=np.float32)

    def run(self) -> None:
        """One call of the loop, which tells a caller of errors as `DecodeLoop` does."""
        future, work = self.calls.pop(0)
        try:
            work()
        except ValueError as error:
            future.set_exception(InferenceError(str(error)))
        else:
            future.set_result(None)

    async def run_all(self) -> None:
        while self.calls:
            self.run()
            await asyncio.sleep(0)


def queue_on(model: Model, *, texts: int = 4, tokens: int = 1000, most: int = 100) -> EmbeddingQueue:
    limits = BatchLimits(texts, tokens, padding=50)
    return EmbeddingQueue(model.call, model.embed, limits=limits, most_requests=most)


async def asking(queue: EmbeddingQueue, *lengths: int) -> asyncio.Task[NDArray[np.float32]]:
    task = asyncio.create_task(queue.embed([[7] * length for length in lengths]))
    await asyncio.sleep(0)
    return task


async def test_every_client_gets_its_own_vectors_in_its_own_order() -> None:
    model = Model()
    queue = queue_on(model)
    tasks = [await asking(queue, 5, 9, 1), await asking(queue, 2), await asking(queue, 8, 3, 3, 6)]
    await model.run_all()
    assert [(await task).ravel().tolist() for task in tasks] == [[5, 9, 1], [2], [8, 3, 3, 6]]


async def test_texts_of_many_clients_share_a_batch() -> None:
    model = Model()
    queue = queue_on(model, texts=32)
    tasks = [await asking(queue, 10) for _ in range(32)]
    await model.run_all()
    await asyncio.gather(*tasks)
    assert model.batches == [[10] * 32]


async def test_a_client_with_one_text_does_not_wait_for_one_with_thousands() -> None:
    model = Model()
    queue = queue_on(model)
    many = await asking(queue, *[90] * 2000)
    model.run()
    one = await asking(queue, 5)
    model.run()
    model.run()
    assert (await one).tolist() == [[5]]
    assert len(model.batches) == 3
    assert not many.done()
    await model.run_all()
    assert (await many).shape == (2000, 1)


async def test_clients_with_many_texts_go_in_turns() -> None:
    model = Model()
    queue = queue_on(model)
    tasks = [await asking(queue, *[long] * 12) for long in (10, 100, 400)]
    await model.run_all()
    await asyncio.gather(*tasks)
    # 400 fits twice into the 1,000 tokens of a batch, the others four times.
    assert [batch[0] for batch in model.batches[:9]] == [10, 100, 400] * 3


async def test_a_client_that_has_gone_leaves_the_queue() -> None:
    model = Model()
    queue = queue_on(model)
    gone, stays = await asking(queue, *[90] * 40), await asking(queue, 5)
    model.run()
    gone.cancel()
    await asyncio.sleep(0)
    await model.run_all()
    assert (await stays).tolist() == [[5]]
    assert model.batches == [[90] * 4, [5]]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        # torch.OutOfMemoryError is one of these.
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ],
)
async def test_running_out_of_memory_halves_the_batch_and_tries_again(error: Exception) -> None:
    model = Model(most_tokens=25, error=error)
    queue = queue_on(model, texts=8)
    task = await asking(queue, *[10] * 20)
    await model.run_all()
    assert (await task).ravel().tolist() == [10] * 20
    # Eight did not fit, nor did four; from then on batches have no more than what did.
    assert model.batches == [[10, 10]] * 10


async def test_a_text_that_never_fits_is_refused_alone() -> None:
    model = Model(most_tokens=25)
    queue = queue_on(model)
    large, small = await asking(queue, 30, 31), await asking(queue, 20)
    await model.run_all()
    with pytest.raises(InvalidRequest, match=r"memory is not enough for an input of 3\d tokens\. Split it") as refused:
        await large
    assert (refused.value.param, refused.value.code) == ("input", "out_of_memory")
    assert (await small).tolist() == [[20]]


async def test_what_fails_for_another_reason_ends_the_requests_of_that_batch_only() -> None:
    model = Model(most_tokens=100, error=ValueError("bad weights"))
    queue = queue_on(model, texts=2)
    failing, fine = await asking(queue, 200, 5), await asking(queue, 6)
    await model.run_all()
    with pytest.raises(InferenceError, match="bad weights"):
        await failing
    assert (await fine).tolist() == [[6]]
    assert model.batches == [[6]]


async def test_when_the_model_is_gone_everybody_is_told() -> None:
    model = Model()
    queue = queue_on(model, texts=1)
    tasks = [await asking(queue, 5), await asking(queue, 6)]
    model.calls.pop()[0].set_exception(EngineClosed("The model was stopped."))
    model.closed = True
    tasks.append(await asking(queue, 7))
    for task in tasks:
        with pytest.raises(EngineClosed):
            await task


async def test_too_many_clients_are_told_to_come_back() -> None:
    model = Model()
    queue = queue_on(model, most=2)
    tasks = [await asking(queue, 5), await asking(queue, 5)]
    with pytest.raises(EngineOverloaded, match="Try again"):
        await (await asking(queue, 5))
    await model.run_all()
    await asyncio.gather(*tasks)
    third = await asking(queue, 5)
    await model.run_all()
    assert (await third).tolist() == [[5]]
