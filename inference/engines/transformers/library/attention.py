"""Attention over a paged cache, in the place of the library's: sequences of one step side by side in one row."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from inference.engines.transformers.library.pages import Options, Pages, attend_rows

NAME = "modelyard_paged"
# Arguments that models pass along and that change nothing here, and those that are honoured below.
_KNOWN = frozenset({"dropout", "scaling", "position_ids", "use_cache", "output_router_logits", "cache_position"})
_HONOURED = frozenset({"sliding_window", "softcap", "s_aux"})


def attend(module: Any, *tensors: Any, **asked: Any) -> tuple[Tensor, None]:
    """What the library calls in each layer with queries, keys and values, [1, heads, rows, size].

    The answer is [1, rows, heads, size]. `module.pages` says where the cache is; without an open step the rows are one
    whole text. Raises `TypeError` for what a model asks beyond what is known.
    """
    extra = sorted(name for name in asked.keys() - _KNOWN - _HONOURED if asked[name] not in (None, False))
    if extra:
        raise TypeError(f"the model's attention has '{extra[0]}'")
    query, key, value = tensors[:3]
    options = Options(
        scale=asked.get("scaling") or query.shape[-1] ** -0.5,
        window=asked.get("sliding_window") or 0,
        cap=asked.get("softcap"),
        sinks=asked.get("s_aux"),
    )
    pages: Pages = module.pages
    if not pages.is_open:
        return attend_rows(query, key, value, start=0, options=options).transpose(1, 2), None
    return pages.attend(module.layer_idx, (query[0], key[0], value[0]), options)[None], None


def prepare(model: Any, pages: Pages) -> None:
    """Put this attention into a model. Raises `ValueError` when the model does not let itself be told."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    if not getattr(model, "_supports_attention_backend", False):
        raise ValueError(f"{type(model).__name__} brings an attention of its own")
    model.set_attn_implementation(NAME)
    for module in model.modules():
        if getattr(module, "layer_idx", None) is not None:
            module.pages = pages


def forget(model: Any) -> None:
    """Let go of the cache of a model that is not served over it."""
    for module in model.modules():
        vars(module).pop("pages", None)


def _no_mask(*arguments: Any, **named: Any) -> None:
    """Each sequence is attended to by itself, so there is nothing to mask."""
