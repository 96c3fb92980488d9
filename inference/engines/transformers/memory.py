"""Whether a model fits, before loading it takes the machine down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from inference.errors import LoadError
from inference.sources.files import bytes_per_value

_CGROUP = Path("/sys/fs/cgroup")
_FLOATS = frozenset({"F64", "F32", "BF16", "F16"})
_WIDTHS = {"float32": 4, "float16": 2, "bfloat16": 2}


def needed_bytes(tensor_bytes: Mapping[str, int], dtype: str) -> int:
    """Bytes of the weights once they are of `dtype` ("auto" keeps what they are)."""
    if dtype == "auto":
        return sum(tensor_bytes.values())
    return sum(
        size // bytes_per_value(kind) * _WIDTHS[dtype] if kind in _FLOATS else size
        for kind, size in tensor_bytes.items()
    )


def check_fits(needed: int, free: int, device: str) -> None:
    """Raise `LoadError` when the weights alone are more than what is free."""
    if needed > free:
        where = "this machine" if device == "cpu" else "the GPU"
        reason = (
            f"Not enough memory: the weights need {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free on {where}."
        )
        raise LoadError(f"{reason} Stop another model, or choose a smaller model or dtype.")


def free_bytes(device: str) -> int:
    """What could be taken now: of the GPU, or of the machine and of our control group."""
    if device != "cpu":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return min(int(psutil.virtual_memory().available), _group_room())


def _group_room() -> int:
    """Bytes left in a container's limit, the file cache counted as free; a very large number without a limit."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return 1 << 62
    cached = int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
    return int(limit) - used + cached if limit.isdigit() else 1 << 62
