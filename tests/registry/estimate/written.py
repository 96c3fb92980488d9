"""Model files of a few kilobytes, written as the real writers do."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BYTES = {"F32": 4, "BF16": 2, "F16": 2, "U8": 1, "I32": 4}
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "vocab_size": 100,
}
TENSORS = {
    "model.embed_tokens.weight": ("BF16", [100, 64]),
    "model.layers.0.mlp.up_proj.weight": ("BF16", [128, 64]),
    "model.norm.weight": ("BF16", [64]),
}


def config(folder: Path, **changes: Any) -> Path:
    content = {name: value for name, value in (LLAMA | changes).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def safetensors(path: Path, tensors: Mapping[str, tuple[str, list[int]]]) -> None:
    """Only the head: what follows is never read."""
    table, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (kind, shape) in tensors.items():
        size = BYTES[kind]
        for length in shape:
            size *= length
        table[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + size]}  # type: ignore[dict-item]
        offset += size
    head = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head)


def model(folder: Path, **changes: Any) -> Path:
    safetensors(folder / "model.safetensors", TENSORS)
    return config(folder, **changes)


def sharded(folder: Path) -> Path:
    names = list(TENSORS)
    shards = {name: f"model-0000{number + 1}-of-00003.safetensors" for number, name in enumerate(names)}
    for name, shard in shards.items():
        safetensors(folder / shard, {name: TENSORS[name]})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    return config(folder)


def pytorch(folder: Path, size: int, **changes: Any) -> Path:
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", b"pickled")
        archive.writestr("archive/data/0", b"\0" * size)
    return config(folder, **changes)


def gguf(path: Path, keys: Mapping[str, int | str | list[str]], tensors: Mapping[str, list[int]]) -> Path:
    """Tensors of a type that packs them, Q4_1."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, value in keys.items():
        head += _text(key) + _value(value)
    for name, shape in tensors.items():
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 3, 0)
    path.write_bytes(head)
    return path


def _value(value: int | str | list[str]) -> bytes:
    if isinstance(value, list):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
    return struct.pack("<I", 8) + _text(value) if isinstance(value, str) else struct.pack("<II", 4, value)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()
