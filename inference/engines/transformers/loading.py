"""Loading a model with Hugging Face's classes, from local files only, with reasons when it does not work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.engines.transformers.architecture import (
    Kind,
    check_known,
    chosen_context,
    context_length_of,
    kind_of,
)
from inference.engines.transformers.memory import (
    Need,
    cache_bytes_per_token,
    check_fits,
    exhausted,
    free_bytes,
    needed_bytes,
    ran_out,
    total_bytes,
)
from inference.engines.transformers.options import TransformersOptions
from inference.engines.transformers.recipe import EmbeddingRecipe, is_embedding_model, read_recipe
from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.files import read_optional_json
from inference.sources.offline import import_transformers, reported_bars
from inference.sources.progress import Span
from inference.sources.resolve import ModelFiles

# Tokenizers without a limit say a number with thirty digits.
_NO_LIMIT = 1_000_000
_TORCH_NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}
# Parameters that a checkpoint may lack, since nothing here uses them.
_UNUSED = ("pooler.",)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to run, its tokenizer, and what its files say about using it."""

    model: Any
    tokenizer: Any
    device: str
    kind: Kind
    context_length: int
    recipe: EmbeddingRecipe
    generation_config: dict[str, Any]
    need: Need


def load_model(files: ModelFiles, options: TransformersOptions, span: Span) -> LoadedModel:
    """Load weights and tokenizer. Raises `LoadError` with a reason that a person understands."""
    span.at(0.0, "loading libraries")
    transformers = import_transformers()
    kind = _checked_kind(files, options)
    device = _device(options.device)
    need = _need(files, options)
    check_fits(need, free_bytes(device), device)
    where = {"local_files_only": True, "trust_remote_code": options.trust_remote_code}
    with _explained(files.folder, need):
        span.at(0.3, "loading the tokenizer")
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(files.folder), **where)
        auto_class = transformers.AutoModelForCausalLM if kind is Kind.GENERATIVE else transformers.AutoModel
        model = _load_weights(auto_class, files.folder, span, **where, dtype=_dtype(files, options))
        model = model.to(device).eval().requires_grad_(requires_grad=False)
    recipe = read_recipe(files.folder)
    own = _own_context(kind, model.config.to_dict(), tokenizer=tokenizer, recipe=recipe)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        device=device,
        kind=kind,
        context_length=chosen_context(own, options.context_length),
        recipe=recipe,
        generation_config=read_optional_json(files.folder / "generation_config.json"),
        need=need,
    )


def _need(files: ModelFiles, options: TransformersOptions) -> Need:
    width = 4 if options.dtype == "float32" else 2
    return Need(
        weights=needed_bytes(files.tensor_bytes, options.dtype) or files.size,
        tensors=files.tensor_bytes,
        cache_per_token=cache_bytes_per_token(files.config, width),
        context=options.context_length or context_length_of(files.config),
    )


def _checked_kind(files: ModelFiles, options: TransformersOptions) -> Kind:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    check_known(files.config, CONFIG_MAPPING_NAMES, trust_remote_code=options.trust_remote_code)
    return kind_of(files.config, embeds=is_embedding_model(files.folder))


def _device(wanted: str) -> str:
    import torch

    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        reason = "The option 'device' is cuda, but torch sees no CUDA device."
        raise LoadError(reason, Cause.DRIVER_MISSING, hint="Set it to cpu, or check the driver with nvidia-smi.")
    return "cuda" if available and wanted != "cpu" else "cpu"


def _dtype(files: ModelFiles, options: TransformersOptions) -> Any:
    """The type to load: the option's, else that of most of the weights."""
    import torch

    if options.dtype != "auto":
        return getattr(torch, options.dtype)
    floats = {kind: size for kind, size in files.tensor_bytes.items() if kind in _TORCH_NAMES}
    if not floats:
        return "auto"
    return getattr(torch, _TORCH_NAMES[max(floats, key=lambda kind: floats[kind])])


def _load_weights(auto_class: Any, folder: Path, span: Span, **arguments: Any) -> Any:
    span.at(0.4, "loading weights")
    with reported_bars(lambda fraction: span.at(0.4 + 0.55 * fraction, "loading weights")):
        model, report = auto_class.from_pretrained(str(folder), output_loading_info=True, **arguments)
    check_complete(report["missing_keys"])
    return model


def check_complete(missing: Iterable[str]) -> None:
    """Raise `LoadError` for missing parameters: the library would go on with random ones."""
    absent = sorted(name for name in missing if not name.startswith(_UNUSED))
    if absent:
        reason = f"The weights lack {len(absent)} of the model's parameters, such as {absent[0]}."
        hint = "Check that config.json and the weights belong together."
        raise LoadError(reason, Cause.FILES_CORRUPT, hint=hint)


def _own_context(kind: Kind, config: dict[str, Any], *, tokenizer: Any, recipe: EmbeddingRecipe) -> int:
    """The longest input: of an encoder, the strictest of what its files say."""
    positions = context_length_of(config)
    if kind is Kind.GENERATIVE:
        return positions
    limits = [positions, recipe.max_tokens, int(tokenizer.model_max_length)]
    return min(limit for limit in limits if limit is not None and 0 < limit < _NO_LIMIT)


@contextmanager
def _explained(folder: Path, need: Need) -> Iterator[None]:
    """Turn what the libraries raise for bad files, and for too little memory, into reasons."""
    import pickle

    from safetensors import SafetensorError

    try:
        yield
    except ImportError as error:
        reason = f"The model in {folder} needs a library that is not here: {_sentence(error)}."
        raise LoadError(reason, Cause.NOT_INSTALLED, hint="Install it on this machine.") from error
    except (MemoryError, OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        if where := exhausted(error):
            failure = ran_out(need, total_bytes(where), device=where)
            raise LoadError(failure.reason, failure.cause, hint=failure.hint) from error
        reason = f"The model in {folder} cannot be loaded: {_sentence(error)}."
        raise LoadError(reason, Cause.FILES_CORRUPT, hint="Check its files, or copy it again.") from error
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        reason = f"The weights in {folder} are broken: {_sentence(error)}."
        raise LoadError(reason, Cause.FILES_CORRUPT, hint="Copy the model again.") from error


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".:")
