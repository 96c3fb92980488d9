"""One GGUF file to a folder that loads like any other: bf16 safetensors, configuration, tokenizer, chat template."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.offline import ReportFraction, ReportingBar, import_transformers, reported_bars
from inference.sources.progress import Span

# What the library raises for a file that it cannot read: cut off, an unknown architecture or type, missing keys.
_READ_FAULTS = (ValueError, KeyError, IndexError, TypeError, RuntimeError, NotImplementedError, struct.error)
# Vocabularies whose merges were learned with every digit alone, by llama.cpp's name of the pre-tokenizer. The
# library splits these like GPT-2, which differs after two spaces ("a  1").
_SINGLE_DIGITS = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})


def convert(gguf: Path, target: Path, span: Span) -> None:
    """Write the model into the folder `target`. Raises `LoadError` when the file cannot be read."""
    _say(span, 0.02)
    import_transformers()
    metadata = read_metadata(gguf)
    try:
        _write_tokenizer(gguf, target, metadata)
        _say(span, 0.1)
        model = _load(gguf, span)
    except _READ_FAULTS as error:
        raise _unreadable(gguf, error) from error
    _say(span, 0.9)
    _write_model(model, target, metadata)
    _say(span, 1.0)


def _say(span: Span, fraction: float) -> None:
    span.at(fraction, f"converting {fraction * 100:.0f} %")


def read_metadata(gguf: Path) -> dict[str, Any]:
    """The keys of the file's header; arrays of strings come as their length. Raises `LoadError`."""
    from transformers.integrations.gguf import read_gguf_metadata

    try:
        metadata, _ = read_gguf_metadata(str(gguf))
    except _READ_FAULTS as error:
        raise _unreadable(gguf, error) from error
    if metadata.get("split.count", 0) > 1:
        reason = f"{gguf} is one part of {metadata['split.count']}."
        raise LoadError(reason, Cause.OPTIONS, hint="Merge them with `llama-gguf-split --merge` first.")
    _check_length(gguf)
    return dict(metadata)


def _check_length(gguf: Path) -> None:
    from transformers.integrations.gguf import GgufHeader

    try:
        header = GgufHeader.from_file(str(gguf))
    except ValueError:
        # A type of tensor whose size this reader does not know; the one that converts may.
        return
    expected = header.data_start + max((tensor.offset + tensor.nbytes for tensor in header.tensors), default=0)
    size = gguf.stat().st_size
    if size < expected:
        truncated = f"it is truncated, with {size:,} bytes of {expected:,}"
        raise _unreadable(gguf, ValueError(truncated))


def _unreadable(gguf: Path, error: Exception) -> LoadError:
    sentence = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    cause = Cause.ARCHITECTURE if "architecture" in sentence else Cause.FILES_CORRUPT
    hint = "Copy it again, or use the model's safetensors files."
    return LoadError(f"The GGUF file {gguf} cannot be converted: {sentence}.", cause, hint=hint)


def _write_tokenizer(gguf: Path, target: Path, metadata: dict[str, Any]) -> None:
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(str(gguf.parent), gguf_file=gguf.name, local_files_only=True)
    if metadata.get("tokenizer.ggml.pre") in _SINGLE_DIGITS:
        _split_digits(tokenizer)
    # The file's name is no property of the tokenizer, and the context length is the model's to say.
    tokenizer.init_kwargs.pop("vocab_file", None)
    tokenizer.save_pretrained(str(target))


def _split_digits(tokenizer: Any) -> None:
    from tokenizers import pre_tokenizers

    pieces: list[Any] = [
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ]
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(pieces)


def _load(gguf: Path, span: Span) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GgufConfig

    where = {"gguf_file": gguf.name, "local_files_only": True}
    config = AutoConfig.from_pretrained(str(gguf.parent), **where)
    _say(span, 0.4)
    with _reported_reading(lambda fraction: _say(span, 0.7 + 0.2 * fraction)):
        return AutoModelForCausalLM.from_pretrained(
            str(gguf.parent),
            config=config,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),
            **where,
        )


@contextmanager
def _reported_reading(report: ReportFraction) -> Iterator[None]:
    """The library's older GGUF reader, with its bar reported and without its slowest habit.

    It asks gguf for the same table of tensor names once for every module of the model: 5 of 15 s for 135M parameters.
    """
    import gguf
    from transformers import modeling_gguf_pytorch_utils as reader

    drawn, table = reader.tqdm, gguf.get_tensor_name_map
    reader.tqdm = lambda items, **_: ReportingBar(items, report)
    gguf.get_tensor_name_map = functools.cache(table)
    try:
        with reported_bars(lambda _: None):
            yield
    finally:
        reader.tqdm, gguf.get_tensor_name_map = drawn, table


def _write_model(loaded: Any, target: Path, metadata: dict[str, Any]) -> None:
    """Save through a fresh model of the same shape: the loaded one calls itself quantized, and is refused."""
    import torch

    config = type(loaded.config).from_dict(
        {
            key: value
            for key, value in loaded.config.to_dict().items()
            if key not in {"quantization_config", "_name_or_path"}
        }
    )
    with torch.device("meta"):
        model = type(loaded)(config)
    model.load_state_dict(loaded.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config.eos_token_id = _stop_ids(metadata)
    with reported_bars(lambda _: None):
        model.save_pretrained(str(target))


def _stop_ids(metadata: dict[str, Any]) -> int | list[int] | None:
    """The end of the text, and the end of a turn where the file names another token for it."""
    keys = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")
    ids = sorted({int(metadata[key]) for key in keys if metadata.get(key) is not None})
    return (ids[0] if len(ids) == 1 else ids) or None
