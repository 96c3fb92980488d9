"""How much memory a replica will hold, before it was ever started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

GIB = 2**30
MIB = 2**20

RUNTIME_BYTES = 1 * GIB  # interpreter, torch, activations, a modest KV cache
UNKNOWN_WEIGHTS_BYTES = 2 * GIB  # when the control plane cannot see the files
DEQUANTIZED = 4  # 4-bit GGUF weights are loaded as 16-bit ones


def claim_bytes(snapshot: Mapping[str, Any]) -> int:
    """Bytes that one replica of this revision claims: what the operator said, else an estimate from the weights."""
    if snapshot["memory_bytes"]:
        return int(snapshot["memory_bytes"])
    if snapshot["engine"] == "echo":
        ballast = snapshot["options"].get("memory_mb", 0)  # the engine refuses what is no number, with a reason
        return 64 * MIB + (int(ballast) * MIB if isinstance(ballast, int | float) and ballast > 0 else 0)
    return RUNTIME_BYTES + int(1.1 * _weights_bytes(Path(snapshot["path"])))


def _weights_bytes(path: Path) -> int:
    try:
        if path.is_file():
            return path.stat().st_size * (DEQUANTIZED if path.suffix == ".gguf" else 1)
        sizes = {
            suffix: sum(file.stat().st_size for file in path.glob(f"*{suffix}"))
            for suffix in (".safetensors", ".bin", ".gguf")
        }
    except OSError:
        return UNKNOWN_WEIGHTS_BYTES
    return sizes[".safetensors"] or sizes[".bin"] or DEQUANTIZED * sizes[".gguf"] or UNKNOWN_WEIGHTS_BYTES
