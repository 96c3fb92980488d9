"""What a model is, read from its configuration alone: what it can do, and how long its context is."""

from __future__ import annotations

import enum
from collections.abc import Container, Mapping
from typing import Any

from inference.errors import LoadError
from inference.protocol.causes import Cause

_CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel")
_ENCODER_ENDINGS = ("Model", "ForMaskedLM", "ForPreTraining")
_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length", "n_ctx")
# For models without a limit of their own (no learned positions): what a KV cache of usual size holds.
_DEFAULT_CONTEXT = 4096
# These number positions from the padding id on, and so have two fewer than their table says.
_OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet", "roberta-prelayernorm", "longformer"})
_SERVED = "This engine serves decoder models (…ForCausalLM) and encoders for embeddings."


class Kind(enum.Enum):
    """How a model is used."""

    GENERATIVE = "generative"
    ENCODER = "encoder"


def check_known(config: Mapping[str, Any], known: Container[str], *, trust_remote_code: bool) -> None:
    """Raise `LoadError` for an architecture that the library lacks, or one that brings code that is not trusted."""
    model_type = config.get("model_type")
    if not model_type:
        reason = "The model's config.json has no 'model_type', so nobody can tell its architecture."
        raise LoadError(reason, Cause.FILES_CORRUPT, hint="Copy it again.")
    if model_type in known or (config.get("auto_map") and trust_remote_code):
        return
    if config.get("auto_map"):
        raise untrusted(f"The model's architecture '{model_type}'")
    reason = f"The architecture '{model_type}' is not known to the installed transformers library."
    hint = "Check config.json, or install a version that knows it."
    raise LoadError(reason, Cause.ARCHITECTURE, hint=hint)


def untrusted(what: str) -> LoadError:
    """The error for code that comes with a model, which nobody has allowed to run."""
    hint = "Read that code, and set the option 'trust_remote_code' to true if it may run here."
    return LoadError(f"{what} is Python code in its own folder.", Cause.REMOTE_CODE, hint=hint)


def kind_of(config: Mapping[str, Any], *, embeds: bool) -> Kind:
    """What to use a model for; `embeds` says that it comes with sentence-transformers files. Raises `LoadError`."""
    names = [str(name) for name in config.get("architectures") or ()]
    name = names[0] if names else ""
    if config.get("is_encoder_decoder"):
        raise _not_served(f"The model is an encoder-decoder ({name or config.get('model_type')}).")
    if embeds:
        return Kind.ENCODER
    if not name or name.endswith(_CAUSAL_ENDINGS):
        return Kind.GENERATIVE
    if name.endswith(_ENCODER_ENDINGS):
        return Kind.ENCODER
    raise _not_served(f"The model's architecture {name} is neither.")


def _not_served(reason: str) -> LoadError:
    return LoadError(f"{reason} {_SERVED}", Cause.ARCHITECTURE, hint="Choose another model.")


def context_length_of(config: Mapping[str, Any]) -> int:
    """The number of positions that the model was made for."""
    lengths: list[int] = [config[key] for key in _CONTEXT_KEYS if isinstance(config.get(key), int) and config[key] > 0]
    if not lengths:
        return _DEFAULT_CONTEXT
    return lengths[0] - 2 if config.get("model_type") in _OFFSET_POSITIONS else lengths[0]


def chosen_context(own: int, wanted: int | None) -> int:
    """The context to serve. Raises `LoadError` when more is wanted than the model has."""
    if wanted is not None and wanted > own:
        reason = f"The option 'context_length' is {wanted}, but the model's context holds {own}."
        raise LoadError(reason, Cause.OPTIONS, hint=f"Set it to {own} or less.")
    return wanted or own
