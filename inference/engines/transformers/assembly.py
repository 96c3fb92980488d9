"""From a loaded model to the parts that serve it: the way through it, its cache, the loop, texts and limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from inference.batching.blocks import BLOCK_SIZE, BlockPool
from inference.batching.scheduler import Scheduler
from inference.engines.transformers.admission import Limits
from inference.engines.transformers.architecture import Kind
from inference.engines.transformers.defaults import SamplingDefaults, stop_token_ids
from inference.engines.transformers.embedding.inputs import InputEncoder
from inference.engines.transformers.embedding.texts import TextEmbedder, text_embedder
from inference.engines.transformers.forward import Forward
from inference.engines.transformers.heap import keep_freed_memory
from inference.engines.transformers.library.forward import SequentialForward, library_forward
from inference.engines.transformers.loading import LoadedModel, room_for_cache
from inference.engines.transformers.loop import DecodeLoop
from inference.engines.transformers.memory import cache_tokens
from inference.engines.transformers.native.forward import load_kernels, native_forward
from inference.engines.transformers.options import TransformersOptions
from inference.engines.transformers.prompts import PromptEncoder, decoder_of, tool_syntax_of
from inference.engines.transformers.stepper import Stepper
from inference.structured.grammars import Grammars
from inference.text.detokenizer import Decode
from inference.text.token_bytes import TokenBytes, token_bytes_of
from inference.tools.formats import ToolSyntax

OnCrash = Callable[[BaseException, int], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What exists once the model is loaded."""

    encoder: PromptEncoder
    decode: Decode
    token_bytes: TokenBytes
    limits: Limits
    loop: DecodeLoop
    embeddings: TextEmbedder
    grammars: Grammars
    tool_syntax: ToolSyntax | None
    model: LoadedModel
    backend: tuple[str, ...]


class _Way(NamedTuple):
    """A way through a model, with a cache of so many blocks; with kernels of our own, or without."""

    forward: Forward
    blocks: int
    kernels: bool


def assemble(model: LoadedModel, options: TransformersOptions, *, cache_dir: Path, on_crash: OnCrash) -> Parts:
    """Everything but a running thread. Raises `LoadError` when the cache does not fit into the memory."""
    keep_freed_memory()
    limits = _limits(model, options)
    way = _way(model, options, cache_dir) if model.kind is Kind.GENERATIVE else None
    encoder = PromptEncoder(model.tokenizer, options.chat_template)
    syntax = tool_syntax_of(model.tokenizer, options.chat_template, options.tool_format)
    loop = DecodeLoop(
        None if way is None else _stepper(way, options),
        threads=options.thread_count,
        most=options.max_running + options.max_queue,
        on_crash=on_crash,
    )
    inputs = InputEncoder(encoder, model.recipe, longest=limits.context_length, vocabulary=limits.vocabulary)
    hidden = None if way is None else way.forward.hidden
    return Parts(
        encoder=encoder,
        token_bytes=token_bytes_of(model.tokenizer),
        decode=decoder_of(model.tokenizer, syntax),
        limits=limits,
        loop=loop,
        embeddings=text_embedder(model, options, inputs=inputs, call=loop.call, hidden=hidden),
        grammars=Grammars(model.tokenizer, vocabulary=limits.vocabulary, stop_ids=limits.stop_ids),
        tool_syntax=syntax,
        model=model,
        backend=_backend(model, way),
    )


def _way(model: LoadedModel, options: TransformersOptions, cache_dir: Path) -> _Way:
    tokens = cache_tokens(model.need, room_for_cache(model, options), options=options, context=model.context_length)
    blocks, threads = -(-tokens // BLOCK_SIZE), options.thread_count
    kernels = load_kernels(model.model.dtype, cache_dir) if options.compile and model.device == "cpu" else None
    if kernels is not None and model.plain:
        rotary = getattr(model.model.base_model, "rotary_emb", None)
        native = native_forward(model.model, kernels, threads=threads)
        if native is not None:
            native.open_cache(blocks, context=model.context_length, rotary=rotary)
            return _Way(native, blocks, kernels=True)
    forward = library_forward(model.model, model.device, blocks=blocks, kernels=kernels, threads=threads)
    return _Way(forward, blocks, kernels=kernels is not None)


def _backend(model: LoadedModel, way: _Way | None) -> tuple[str, ...]:
    """By what the numbers are made: another version, type, device or kernel may round them otherwise."""
    passes = () if way is None else (type(way.forward).__name__, "kernels" if way.kernels else "no kernels")
    versions = [f"{name} {version(name)}" for name in ("transformers", "torch")]
    return (*versions, str(model.model.dtype), model.device.partition(":")[0], *passes)


def _stepper(way: _Way, options: TransformersOptions) -> Stepper:
    # One by one every sequence has a cache of its own, in which no other can find its beginning.
    remembers = options.prefix_cache and not isinstance(way.forward, SequentialForward)
    pool = BlockPool(way.blocks, remembers=remembers)
    return Stepper(way.forward, Scheduler(pool, most=options.max_running))


def _limits(model: LoadedModel, options: TransformersOptions) -> Limits:
    config = model.generation_config | options.generation_config
    return Limits(
        context_length=model.context_length,
        vocabulary=int(model.model.get_input_embeddings().weight.shape[0]),
        stop_ids=stop_token_ids(
            config.get("eos_token_id"), getattr(model.model.config, "eos_token_id", None), model.tokenizer.eos_token_id
        ),
        defaults=SamplingDefaults.read(config),
    )
