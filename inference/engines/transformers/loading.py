"""Loading a model with Hugging Face's classes, from local files only, with reasons when it does not work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inference.engines.transformers import quantization
from inference.engines.transformers.architecture import (
    Kind,
    check_known,
    chosen_context,
    context_length_of,
    kind_of,
    untrusted,
)
from inference.engines.transformers.memory import (
    SHAPE_KEYS,
    Need,
    cache_bytes_per_token,
    exhausted,
    free_bytes,
    needed_bytes,
    ran_out,
    total_bytes,
)
from inference.engines.transformers.options import TransformersOptions
from inference.engines.transformers.placement import (
    Card,
    Placement,
    cache_room,
    check_placed,
    choose,
    layers_by_device,
    place,
)
from inference.engines.transformers.recipe import EmbeddingRecipe, is_embedding_model, read_recipe
from inference.errors import LoadError
from inference.memory import CUDA_CONTEXT, give_back
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
    placement: Placement
    kind: Kind
    context_length: int
    recipe: EmbeddingRecipe
    generation_config: dict[str, Any]
    need: Need

    @property
    def device(self) -> str:
        """Where inputs go."""
        return self.placement.device

    @property
    def layers(self) -> dict[str, int]:
        """How many layers compute on each device."""
        return layers_by_device(_device_map(self.model), self.device)

    @property
    def plain(self) -> bool:
        """Whether the weights are ordinary tensors on one device: not quantized, spread or offloaded."""
        quantized = bool(getattr(self.model, "is_quantized", False))
        return len(self.layers) == 1 and not self.placement.offloaded and not quantized


def load_model(files: ModelFiles, options: TransformersOptions, span: Span) -> LoadedModel:
    """Load weights and tokenizer. Raises `LoadError` with a reason that a person understands."""
    span.at(0.0, "loading libraries")
    transformers = import_transformers()
    kind = _checked_kind(files, options)
    need, placement = _placed(files, options)
    where = {"local_files_only": True, "trust_remote_code": options.trust_remote_code}
    dtype = _dtype(files, options)
    with _explained(files.folder, need):
        span.at(0.3, "loading the tokenizer")
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(files.folder), **where)
        auto_class = transformers.AutoModelForCausalLM if kind is Kind.GENERATIVE else transformers.AutoModel
        how = {**where, "dtype": dtype, **placement.arguments, **quantization.arguments(options, dtype)}
        model = _load_weights(auto_class, files.folder, span, **how).eval().requires_grad_(requires_grad=False)
    check_placed(_device_map(model), placement, need)
    if options.quantized:
        give_back()  # what quantizing took for a moment is more than the weights are
    recipe = read_recipe(files.folder)
    own = _own_context(kind, model.config.to_dict(), tokenizer=tokenizer, recipe=recipe)
    context = chosen_context(own, options.context_length)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        placement=placement,
        kind=kind,
        context_length=context,
        recipe=recipe,
        generation_config=read_optional_json(files.folder / "generation_config.json"),
        need=_measured(need, model, context),
    )


def _placed(files: ModelFiles, options: TransformersOptions) -> tuple[Need, Placement]:
    cards = choose(options, _cards())
    need = _need(files, options, device=cards[0].name if cards else "cpu")
    return need, place(need, cards, host_free=free_bytes("cpu"), options=options)


def room_for_cache(loaded: LoadedModel, options: TransformersOptions) -> int:
    """Bytes that the key-value cache may take now, by what is free and what the options allow."""
    if loaded.device == "cpu":
        limit = free_bytes("cpu") if options.cpu_limit is None else options.cpu_limit - loaded.need.weights
        return min(free_bytes("cpu"), limit)
    import torch

    free = {device: free_bytes(device) for device in loaded.layers}
    if options.gpu_limit is not None:
        limit = options.gpu_limit - CUDA_CONTEXT
        free = {name: min(size, limit - torch.cuda.memory_allocated(name)) for name, size in free.items()}
    return cache_room(free, loaded.layers)


def _need(files: ModelFiles, options: TransformersOptions, *, device: str) -> Need:
    width = 4 if options.dtype == "float32" else 2
    need = Need(
        weights=needed_bytes(files.tensor_bytes, options.dtype) or files.size,
        tensors=files.tensor_bytes,
        cache_per_token=cache_bytes_per_token(files.config, width),
        context=options.context_length or context_length_of(files.config),
        linear=files.linear,
        device=device,
    )
    packed = need.packed("load_in_8bit" if options.load_in_8bit else "load_in_4bit") if options.quantized else 0
    return replace(need, weights=packed or need.weights)


def _measured(need: Need, model: Any, context: int) -> Need:
    """What the loaded model takes, by its own figures instead of those of its files."""
    text = model.config.get_text_config()
    # By attribute, since architectures have names of their own for these, such as n_layer.
    shape = {key: getattr(text, key, None) for key in SHAPE_KEYS}
    return replace(
        need,
        weights=int(model.get_memory_footprint()),
        cache_per_token=cache_bytes_per_token(shape, model.dtype.itemsize),
        context=context,
    )


def _device_map(model: Any) -> dict[str, str]:
    """Which part of the model accelerate put on which device; empty when all of it is on one."""
    spread = getattr(model, "hf_device_map", None) or {}
    return {module: f"cuda:{where}" if isinstance(where, int) else str(where) for module, where in spread.items()}


def _cards() -> list[Card]:
    """The CUDA devices that this process sees, and their memory."""
    import torch

    if not torch.cuda.is_available():
        return []
    sizes = [torch.cuda.mem_get_info(index) for index in range(torch.cuda.device_count())]
    return [Card(index, free, total) for index, (free, total) in enumerate(sizes)]


def _checked_kind(files: ModelFiles, options: TransformersOptions) -> Kind:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    check_known(files.config, CONFIG_MAPPING_NAMES, trust_remote_code=options.trust_remote_code)
    kind = kind_of(files.config, embeds=is_embedding_model(files.folder))
    quantization.check_quantizable(files.config, kind, options)
    return kind


def _dtype(files: ModelFiles, options: TransformersOptions) -> Any:
    """The type to load: the option's, else that of most of the weights, beside quantized layers of 16 bits."""
    import torch

    if options.dtype != "auto":
        return getattr(torch, options.dtype)
    floats = {kind: size for kind, size in files.tensor_bytes.items() if kind in _TORCH_NAMES}
    most = max(floats, key=lambda kind: floats[kind], default="")
    if options.quantized and most not in {"F16", "BF16"}:
        return torch.bfloat16
    return getattr(torch, _TORCH_NAMES[most]) if most else "auto"


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
        if "trust_remote_code" in str(error):
            raise untrusted(f"A part of the model in {folder}") from error
        reason = f"The model in {folder} cannot be loaded: {_sentence(error)}."
        raise LoadError(reason, Cause.FILES_CORRUPT, hint="Check its files, or copy it again.") from error
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        reason = f"The weights in {folder} are broken: {_sentence(error)}."
        raise LoadError(reason, Cause.FILES_CORRUPT, hint="Copy the model again.") from error


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".:")
