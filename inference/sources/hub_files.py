"""Which files of a model on a hub are needed: one format of weights, and all that says how to use them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from inference.errors import LoadError
from inference.protocol.causes import Cause

# In the order in which they win, as in a folder; each pattern takes whole files, shards and their index.
_FORMATS = (
    re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?"),
    re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin(\.index\.json)?"),
)
_WEIGHTS = re.compile(r".*\.(safetensors|bin|pt|pth|h5|msgpack|onnx|gguf|ckpt|ot)(\.index\.json)?")
# Configuration, tokenizer, templates, and code, which only runs when it is trusted.
_USEFUL = re.compile(r".*\.(json|txt|model|jinja|tiktoken|bpe|py)|additional_chat_templates/[^/]+\.jinja")
# Steps of sentence-transformers, each in a folder such as 1_Pooling.
_STEP = re.compile(r"\d+_\w+/")


def needed(paths: Iterable[str], wanted: str = "") -> list[str]:
    """The files to download. `wanted` names one GGUF file. Raises `LoadError` when there are no weights to choose."""
    paths = sorted(paths)
    if wanted:
        return [_named(paths, wanted)]
    own = [path for path in paths if "/" not in path]
    weights = _weights(own)
    steps = [path for path in paths if _STEP.match(path)]
    folders = {path.split("/")[0] for path in steps}
    for folder in folders:
        weights += _format([path for path in steps if path.startswith(f"{folder}/")])
    if weights[0].endswith(".gguf"):
        return weights[:1]
    return sorted({*weights, *(path for path in paths if _is_useful(path))})


def _is_useful(path: str) -> bool:
    inside = _STEP.sub("", path, count=1)
    template = path.startswith("additional_chat_templates/")
    return bool(("/" not in inside or template) and _USEFUL.fullmatch(path) and not _WEIGHTS.fullmatch(path))


def _weights(own: Sequence[str]) -> list[str]:
    if chosen := _format(own):
        return chosen
    packed = [path for path in own if path.endswith(".gguf")]
    if len(packed) == 1:
        return packed
    if packed:
        reason = f"The model on the hub has {len(packed)} GGUF files ({', '.join(packed[:4])} …)."
        raise LoadError(
            reason, Cause.OPTIONS, hint="Append the one to serve to the model's name: owner/name/file.gguf."
        )
    reason = "The model on the hub has no weights that can be loaded (safetensors, pytorch_model.bin or GGUF)."
    raise LoadError(reason, Cause.FILES_MISSING, hint="Choose another model, or another revision of it.")


def _format(paths: Sequence[str]) -> list[str]:
    """The weights in the first format that is there; never both."""
    for pattern in _FORMATS:
        if chosen := [path for path in paths if pattern.fullmatch(path.rpartition("/")[2])]:
            return chosen
    return []


def _named(paths: Sequence[str], wanted: str) -> str:
    if wanted not in paths:
        others = ", ".join([path for path in paths if path.endswith(".gguf")][:4]) or "no GGUF file at all"
        reason = f"The model on the hub has no file {wanted}; it has {others}."
        raise LoadError(reason, Cause.FILES_MISSING, hint="Correct the name.")
    return wanted
