"""The shape of a model from its config.json, or from the keys of a GGUF file: layers, cache, context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length", "n_ctx")
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
HIDDEN = ("hidden_size", "n_embd", "d_model")
HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads")
KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
INTERMEDIATE = ("intermediate_size", "n_inner", "ffn_hidden_size", "ffn_dim", "d_ff")
ENCODER_ENDINGS = ("Model", "ForMaskedLM", "ForPreTraining")
DECODER_ENDINGS = ("ForCausalLM", "LMHeadModel")
# Layers that keep no cache growing with the text.
STATEFUL = frozenset({"linear_attention", "mamba", "recurrent", "conv"})


def shape_of(config: Mapping[str, Any], *, embeds: bool) -> dict[str, Any]:
    """Fields of `ModelFacts`. `embeds`: sentence-transformers files lie beside the configuration."""
    text = config.get("text_config")  # models that also see or hear keep their language part here
    part = {**config, **text} if isinstance(text, dict) else config
    layers, hidden = _first(part, LAYERS), _first(part, HIDDEN)
    values = _values(part, hidden)
    window, windowed, stateful = _windows(part, layers)
    return {
        "encoder": embeds or _is_encoder(config),
        "layers": layers,
        "hidden": hidden,
        "intermediate": _first(part, INTERMEDIATE) or 4 * hidden,
        "vocabulary": _first(part, ("vocab_size",)),
        "context": _first(part, CONTEXT),
        "kv_values": values * (layers - windowed - stateful),
        "window_values": values * windowed,
        "window": window,
        "quantized": _quantization(config),
    }


def gguf_shape(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The same from the keys that llama.cpp's converter writes, such as `llama.block_count`."""
    own = f"{keys.get('general.architecture')}."
    part = {key.removeprefix(own): value for key, value in keys.items() if key.startswith(own)}
    layers, hidden = _first(part, ("block_count",)), _first(part, ("embedding_length",))
    heads = _first(part, ("attention.head_count",)) or 1
    key_length = _first(part, ("attention.key_length",)) or hidden // heads
    value_length = _first(part, ("attention.value_length",)) or hidden // heads
    return {
        "layers": layers,
        "hidden": hidden,
        "intermediate": _first(part, ("feed_forward_length",)) or 4 * hidden,
        "vocabulary": _first(part, ("vocab_size",)) or _first(keys, ("tokenizer.ggml.tokens",)),
        "context": _first(part, ("context_length",)),
        "kv_values": layers * (_first(part, ("attention.head_count_kv",)) or heads) * (key_length + value_length),
    }


def _values(config: Mapping[str, Any], hidden: int) -> int:
    """Numbers that one token leaves in the cache of one layer: keys and values of all heads that have their own."""
    heads = _first(config, HEADS) or 1
    if config.get("kv_lora_rank"):  # latent attention; the transformers library caches it unpacked
        parts = ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
        return heads * sum(_first(config, (part,)) for part in parts)
    kv_heads = _first(config, KV_HEADS) or (1 if config.get("multi_query") else heads)
    return 2 * kv_heads * (_first(config, ("head_dim", "kv_channels")) or hidden // heads)


def _windows(config: Mapping[str, Any], layers: int) -> tuple[int, int, int]:
    """The sliding window, how many layers look no further than it, and how many have no such cache."""
    window = _first(config, ("sliding_window",))
    types = config.get("layer_types")
    if isinstance(types, list):
        stateful = sum(kind in STATEFUL for kind in types)
        return window, types.count("sliding_attention") if window else 0, min(stateful, layers)
    everywhere = window and config.get("use_sliding_window", True)
    return window, layers if everywhere else 0, 0


def _is_encoder(config: Mapping[str, Any]) -> bool:
    names = config.get("architectures")
    name = str(names[0]) if isinstance(names, list) and names else ""
    return name.endswith(ENCODER_ENDINGS) and not name.endswith(DECODER_ENDINGS)


def _quantization(config: Mapping[str, Any]) -> str:
    settings = config.get("quantization_config")
    return str(settings.get("quant_method", "unknown")) if isinstance(settings, dict) else ""


def _first(config: Mapping[str, Any], names: Iterable[str]) -> int:
    """The first of these that is a positive whole number; 0: none is."""
    values = (config.get(name) for name in names)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool) and value > 0), 0)
