"""Which models the kernels can run, and what differs between them: read from the library's own modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Their code in transformers is the same decoder but for what `Shape` and the layers' modules say.
FAMILY = frozenset({"llama", "mistral", "qwen2", "qwen3", "phi3", "granite", "smollm3"})
# Positions that do not depend on how long a text has become.
_ROTARY = frozenset({"default", "linear", "llama3", "yarn"})
_LANES = 16
_LARGEST_HEAD = 256


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes and factors of a decoder. `windows` [layers]: how many keys a token sees there, 0 for all."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_size: int
    inner: int
    epsilon: float
    scale: float
    windows: tuple[int, ...]
    rotates: tuple[bool, ...]
    embedding_scale: float = 1.0
    residual_scale: float = 1.0
    logit_scale: float = 1.0


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that a configuration (its dict, with the library's defaults) describes; None when it is another."""
    if not _is_known(config):
        return None
    heads, layers = config["num_attention_heads"], config["num_hidden_layers"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    shape = Shape(
        layers=layers,
        width=config["hidden_size"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_size=size,
        inner=config["intermediate_size"],
        epsilon=config["rms_norm_eps"],
        scale=config.get("attention_multiplier") or size**-0.5,
        windows=_windows(config, layers),
        rotates=tuple(map(bool, config.get("no_rope_layers") or [1] * layers)),
        embedding_scale=config.get("embedding_multiplier") or 1.0,
        residual_scale=config.get("residual_multiplier") or 1.0,
        logit_scale=1.0 / (config.get("logits_scaling") or 1.0),
    )
    return shape if _fits(shape) else None


def _is_known(config: Mapping[str, Any]) -> bool:
    rotary = (config.get("rope_parameters") or {}).get("rope_type", "default")
    return config.get("model_type") in FAMILY and config.get("hidden_act") == "silu" and rotary in _ROTARY


def _fits(shape: Shape) -> bool:
    """Whether the sizes are multiples of what the kernels work on at once."""
    return (
        shape.width % (2 * _LANES) == 0
        and shape.inner % _LANES == 0
        and shape.head_size % _LANES == 0
        and shape.head_size <= _LARGEST_HEAD
        and shape.heads % shape.kv_heads == 0
    )


def _windows(config: Mapping[str, Any], layers: int) -> tuple[int, ...]:
    window = config.get("sliding_window") or 0
    if config.get("use_sliding_window") is False:
        window = 0
    kinds = config.get("layer_types") or ["sliding_attention" if window else "full_attention"] * layers
    return tuple(window if kind == "sliding_attention" else 0 for kind in kinds)
