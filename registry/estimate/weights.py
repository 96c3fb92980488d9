"""How large the weights are, by the heads of their files. Raises `ValueError` with what is wrong, and `OSError`."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

LENGTH_BYTES = 8  # a safetensors file begins with the length of its table
LONGEST_HEADER = 100_000_000  # more the format does not allow
# The order in which the transformers engine takes them.
NAMES = ("model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin")
WIDTHS = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2}  # the types that loading converts, in bytes
TORCH = {"float64": "F64", "float32": "F32", "bfloat16": "BF16", "float16": "F16"}
# Tables of vectors, and the layer that scores tokens: 8- and 4-bit loading leaves them as they are.
KEPT_WHOLE = ("embed", "wte", "wpe", "lm_head", "token_embd", "output.weight")


@dataclass(slots=True)
class Weights:
    """Bytes by type, and how many parameters lie in matrices that can be quantized."""

    sizes: Counter[str] = field(default_factory=Counter)
    linear: int = 0

    def add(self, name: str, shape: Iterable[int], *, kind: str, size: int) -> None:
        shape = tuple(shape)
        self.sizes[kind] += size
        if len(shape) > 1 and not _kept_whole(name):
            self.linear += prod(shape)


def _kept_whole(name: str) -> bool:
    return any(part == name if part == "output.weight" else part in name for part in KEPT_WHOLE)


def weights_in(folder: Path, config: Mapping[str, Any]) -> Weights:
    """Of a folder with safetensors or .bin files, whole or in shards."""
    path = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if path is None:
        raise ValueError("has no weights (safetensors, pytorch_model.bin or one .gguf file)")
    files = _shards(path) if path.suffix == ".json" else (path,)
    return _safetensors(files) if files[0].suffix == ".safetensors" else _pytorch(files, config)


def gguf_weights(tensors: Mapping[str, tuple[int, ...]]) -> Weights:
    """As they are once converted: 16 bits a parameter, whatever the file packs them into."""
    weights = Weights()
    for name, shape in tensors.items():
        weights.add(name, shape, kind="BF16", size=2 * prod(shape))
    return weights


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"has a {path.name} that is not valid JSON") from error
    if not isinstance(content, dict):
        raise ValueError(f"has a {path.name} that holds no object")
    return content


def _shards(index: Path) -> tuple[Path, ...]:
    names = read_object(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ValueError(f"has a {index.name} that names no files")
    shards = tuple(index.parent / str(name) for name in sorted(set(names.values())))
    if missing := [shard.name for shard in shards if not shard.is_file()]:
        raise ValueError(f"lacks {len(missing)} of {len(shards)} weight files, such as {missing[0]}")
    return shards


def _safetensors(files: Iterable[Path]) -> Weights:
    weights = Weights()
    for path in files:
        for name, entry in _table(path).items():
            try:
                start, end = entry["data_offsets"]
                weights.add(name, map(int, entry["shape"]), kind=str(entry["dtype"]), size=int(end) - int(start))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"has a broken table of tensors in {path.name}") from error
    return weights


def _table(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if not 2 <= length <= min(LONGEST_HEADER, size - LENGTH_BYTES):
            raise ValueError(f"has a broken {path.name}: it is cut off, or no safetensors file")
        head = file.read(length)
    try:
        table = json.loads(head)
        return {name: entry for name, entry in table.items() if name != "__metadata__"}
    except (ValueError, AttributeError) as error:
        raise ValueError(f"has a broken table of tensors in {path.name}") from error


def _pytorch(files: Iterable[Path], config: Mapping[str, Any]) -> Weights:
    """torch writes a zip of tensors; their types are pickled, so that config.json has to say them."""
    kind = TORCH.get(str(config.get("torch_dtype") or config.get("dtype")), "F32")
    weights = Weights()
    for path in files:
        weights.sizes[kind] += _stored(path)
    parameters = weights.sizes[kind] // WIDTHS[kind]
    tables = int(config.get("vocab_size") or 0) * int(config.get("hidden_size") or config.get("n_embd") or 0)
    weights.linear = max(0, parameters - tables * (1 if config.get("tie_word_embeddings", True) else 2))
    return weights


def _stored(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist() if "/data/" in entry.filename)
    except zipfile.BadZipFile:
        with path.open("rb") as file:
            old_format = file.read(2) == b"\x80\x02"
    if not old_format:
        raise ValueError(f"has a broken {path.name}: torch did not write it, or it is cut off")
    return path.stat().st_size
