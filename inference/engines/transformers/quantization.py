"""Linear layers in 8 bits (LLM.int8) or 4 bits (nf4) by bitsandbytes, on GPUs and on the CPU."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

from inference.engines.transformers.architecture import Kind
from inference.engines.transformers.options import TransformersOptions
from inference.errors import LoadError
from inference.protocol.causes import Cause


def check_quantizable(config: Mapping[str, Any], kind: Kind, options: TransformersOptions) -> None:
    """Raise `LoadError` for what cannot be quantized while it is loaded, or not in this way."""
    if not options.quantized:
        return
    option = "load_in_8bit" if options.load_in_8bit else "load_in_4bit"
    own = config.get("quantization_config")
    if isinstance(own, Mapping):
        reason = f"The model's files are quantized already ({own.get('quant_method', 'in some way')})."
        raise LoadError(reason, Cause.OPTIONS, hint=f"Leave out the option '{option}'.")
    if kind is Kind.ENCODER:
        reason = f"The option '{option}' is for models that generate, and this one makes embeddings only."
        raise LoadError(reason, Cause.OPTIONS, hint="Leave it out; the option 'dtype' bfloat16 halves the memory.")
    if options.cpu_offload:
        reason = f"The options '{option}' and 'cpu_offload' do not go together: offloaded layers cannot be quantized."
        raise LoadError(reason, Cause.OPTIONS, hint="Leave out one of them.")


def arguments(options: TransformersOptions, dtype: Any) -> dict[str, Any]:
    """What `from_pretrained` is told. Raises `LoadError` when bitsandbytes is not there."""
    if not options.quantized:
        return {}
    _import_bitsandbytes()
    from transformers import BitsAndBytesConfig

    if options.load_in_8bit:
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
    return {"quantization_config": nf4}


def _import_bitsandbytes() -> None:
    # It says for every layer of every step that numbers are cast for a moment, and what else it could have used.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            import bitsandbytes  # noqa: F401 - so that its absence is named here
    except ImportError as error:
        reason = f"Loading in 8 or 4 bits lacks a library: {error}."
        raise LoadError(reason, Cause.NOT_INSTALLED, hint="Install bitsandbytes.") from error
