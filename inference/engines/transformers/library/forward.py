"""The two ways through a model of the library: over a paged cache, or with the library's cache, one by one."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from inference.batching.track import Chunk
from inference.engines.transformers.forward import Forward
from inference.engines.transformers.library.attention import forget, prepare
from inference.engines.transformers.library.pages import Pages
from inference.engines.transformers.native.library import Kernels
from inference.memory import give_back

logger = logging.getLogger(__name__)

# Tokens with which a model shows that it computes the same with our attention as with its own.
_TRIAL = 12
_FILL = 4
# Of the largest logit: more than what another order of rounding makes, less than any real mistake.
_TOLERANCE = 0.02


class PagedForward:
    """All sequences of a step as one row of tokens: everything but attention sees them side by side."""

    def __init__(self, model: Any, device: Any, pages: Pages) -> None:
        self._model = model
        self._device = device
        self._pages = pages
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.vocabulary = vocabulary_of(model)
        prepare(model, self._pages)

    def step(self, chunks: Sequence[Chunk]) -> Tensor:
        """See `Forward.step`."""
        rows = self._pages.open(chunks, self._device)
        # On CPUs a matrix product's rows do not depend on their number, in float32 if it is a multiple of four.
        fill = [0] * (-len(rows.tokens) % _FILL)
        ids = torch.tensor([[*rows.tokens.tolist(), *fill]], device=self._device)
        position_ids = torch.tensor([[*rows.position.tolist(), *fill]], device=self._device)
        wanted = torch.from_numpy(rows.wanted).long().to(self._device)
        # Without any the last row's are computed all the same: the library takes an empty choice for a mistake.
        keep: dict[str, Any] = {"logits_to_keep": wanted if len(wanted) else 1} if self._keeps else {}
        try:
            logits = self._model(input_ids=ids, position_ids=position_ids, use_cache=False, **keep).logits[0]
        finally:
            self._pages.close()
        found: Tensor = (logits[: len(wanted)] if keep else logits[wanted]).float()
        return found

    def hidden(self, token_ids: Sequence[int]) -> Tensor:
        """See `Forward.hidden`."""
        ids = torch.tensor([list(token_ids)], device=self._device)
        position_ids = torch.arange(len(token_ids), device=self._device)[None]
        output = self._model.base_model(input_ids=ids, position_ids=position_ids, use_cache=False)
        states: Tensor = output.last_hidden_state[0].float()
        return states

    def retain(self, first_blocks: Iterable[int]) -> None:
        """See `Forward.retain`: what is in a block is overwritten when it is used again."""


class SequentialForward:
    """One sequence after the other with the library's own cache: for models that bring an attention of their own."""

    def __init__(self, model: Any, device: Any) -> None:
        self._model = model
        self._device = device
        self._caches: dict[int, Any] = {}
        # Most models can leave out the logits of all positions but the last, which a long prompt makes gigabytes.
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
        takes = inspect.signature(model.forward).parameters
        self._cache_name = "past_key_values" if "past_key_values" in takes else "cache_params"
        self.vocabulary = vocabulary_of(model)

    def step(self, chunks: Sequence[Chunk]) -> Tensor:
        """See `Forward.step`. A sequence is known by its first block, which it holds alone as long as it lives."""
        return torch.cat([self._one(chunk) for chunk in chunks])

    def hidden(self, token_ids: Sequence[int]) -> Tensor:
        """See `Forward.hidden`."""
        ids = torch.tensor([list(token_ids)], device=self._device)
        states: Tensor = self._model.base_model(input_ids=ids, use_cache=False).last_hidden_state[0].float()
        return states

    def retain(self, first_blocks: Iterable[int]) -> None:
        """See `Forward.retain`."""
        kept = set(first_blocks)
        self._caches = {block: cache for block, cache in self._caches.items() if block in kept}

    def _one(self, chunk: Chunk) -> Tensor:
        first = chunk.blocks[0]
        if chunk.start == 0:
            self._caches.pop(first, None)
        ids = torch.tensor([list(chunk.token_ids)], device=self._device)
        keep = {"logits_to_keep": max(1, chunk.results)} if self._keeps else {}
        cache = {self._cache_name: self._caches.get(first)}
        output = self._model(input_ids=ids, use_cache=True, **cache, **keep)
        self._caches[first] = output[self._cache_name]
        logits: Tensor = output.logits[0].float()
        return logits[len(logits) - chunk.results :]


def vocabulary_of(model: Any) -> int:
    """How many tokens the model gives logits for."""
    head = model.get_output_embeddings()
    return int(head.weight.shape[0] if head is not None else model.config.vocab_size)


def library_forward(model: Any, device: Any, *, blocks: int, kernels: Kernels | None, threads: int) -> Forward:
    """A way through a model of the library: over a paged cache where the model computes the same with it."""
    ids = torch.randint(0, vocabulary_of(model), (_TRIAL,), generator=torch.Generator().manual_seed(0)).tolist()
    own = getattr(model.config, "_attn_implementation", None) or "eager"
    with torch.inference_mode():
        expected = model(input_ids=torch.tensor([ids], device=device), use_cache=False).logits[0].float()
        for attention in dict.fromkeys((kernels, None)):
            pages = Pages(blocks, kernels=attention, threads=threads)
            forward, reason = _try_paged(model, device, pages=pages, ids=ids, expected=expected)
            if forward is not None:
                return forward
    logger.info("Sequences are computed one by one: %s.", reason)
    if getattr(model, "_supports_attention_backend", False):
        model.set_attn_implementation(own)
    # A cache that only served for the trial is as large as the one that would have been used.
    del pages
    forget(model)
    give_back()
    return SequentialForward(model, device)


def _try_paged(
    model: Any, device: Any, *, pages: Pages, ids: list[int], expected: Tensor
) -> tuple[PagedForward | None, str]:
    """The paged way, if the model gives the expected logits [tokens, vocabulary] on it in two pieces; else why not."""
    half = len(ids) // 2
    try:
        forward = PagedForward(model, device, pages)
        first = forward.step([Chunk(ids[:half], 0, [0], 0)])
        second = forward.step([Chunk(ids[half:], half, [0], 0)])
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        return None, str(error).splitlines()[0] if str(error) else type(error).__name__
    off = float((torch.cat([first, second]) - expected).abs().max() / expected.abs().max())
    layers = model.config.get_text_config().num_hidden_layers
    if pages.layers != layers or not off < _TOLERANCE:
        return None, f"with our attention {pages.layers} of {layers} layers are seen, and logits differ by {off:.1%}"
    return forward, ""
