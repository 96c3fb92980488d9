"""From what a request sends to its vectors: the part of the engine that embeds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from inference.engines.base import Embeddings
from inference.engines.transformers.embedding.batches import limits_for
from inference.engines.transformers.embedding.embedder import Embedder, HuggingFaceTrunk, Trunk, one_by_one
from inference.engines.transformers.embedding.inputs import InputEncoder
from inference.engines.transformers.embedding.queue import EmbeddingQueue
from inference.engines.transformers.options import TransformersOptions

if TYPE_CHECKING:
    from torch import Tensor

    from inference.engines.transformers.loading import LoadedModel

Result = TypeVar("Result")


class Call(Protocol):
    """Runs something on the thread that owns the model."""

    def __call__(self, work: Callable[[], Result], /) -> Future[Result]: ...


class TextEmbedder:
    """Encodes the texts of a request, and waits for their vectors."""

    def __init__(self, inputs: InputEncoder, embedder: Embedder, *, queue: EmbeddingQueue, call: Call) -> None:
        self._inputs = inputs
        self._embedder = embedder
        self._queue = queue
        self._call = call

    async def embed(self, prompts: Sequence[str | tuple[int, ...]]) -> Embeddings:
        """See `TokenEngine.embed`."""
        # In a thread, since thousands of texts would hold up the event loop; the tokenizer lets go of the GIL.
        inputs = await asyncio.to_thread(self._inputs, prompts)
        vectors = await self._queue.embed(inputs)
        return Embeddings(vectors, sum(map(len, inputs)))

    def try_out(self) -> None:
        """One pass of the model. Raises `InferenceError` when it does not run."""
        self._call(partial(self._embedder, [[0, 0]])).result()


def text_embedder(
    model: LoadedModel,
    options: TransformersOptions,
    *,
    inputs: InputEncoder,
    call: Call,
    hidden: Callable[[Sequence[int]], Tensor] | None = None,
) -> TextEmbedder:
    """The embeddings of a loaded model. Raises `LoadError` when weights of its recipe are missing.

    `hidden` gives the last hidden states of one text, for a model whose way through is another than the library's.
    """
    if hidden is None:
        pad_id = model.tokenizer.pad_token_id or 0
        # A causal model without its head is its base model; an encoder is its own.
        trunk: Trunk = HuggingFaceTrunk(model.model.base_model, pad_id=pad_id, device=model.device)
    else:
        trunk = one_by_one(hidden)
    embedder = Embedder(trunk, model.recipe, model.device)
    limits = limits_for(
        model.device,
        generates=hidden is not None,
        texts=options.embedding_batch_texts,
        tokens=options.embedding_batch_tokens,
    )
    # As many as the engine computes and keeps waiting in all.
    most_requests = options.max_running + options.max_queue
    queue = EmbeddingQueue(call, embedder, limits=limits, most_requests=most_requests)
    return TextEmbedder(inputs, embedder, queue=queue, call=call)
