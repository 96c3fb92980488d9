"""How much memory this process holds, and has held at most, where its model is: on its GPUs, else on the machine."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

_STATUS = Path("/proc/self/status")
# What each GPU holds for a process beside torch's own blocks: the CUDA context and its kernels, which torch cannot see.
CUDA_CONTEXT = 512 * 2**20


def held_bytes() -> int:
    """Now. Of GPUs what torch has taken, whether or not it is in use: nobody else can have it."""
    cuda = _cuda()
    return resident_bytes() if cuda is None else _of_gpus(cuda, cuda.memory_reserved)


def peak_bytes() -> int:
    """At most, since this program started."""
    cuda = _cuda()
    return peak_resident_bytes() if cuda is None else _of_gpus(cuda, cuda.max_memory_reserved)


def _cuda() -> Any:
    """torch's part for GPUs, once somebody computes there; asking must neither import torch nor wake a GPU."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    ready = getattr(cuda, "is_initialized", None)  # the thread that loads the model may be importing it right now
    return cuda if ready is not None and ready() else None


def _of_gpus(cuda: Any, reserved: Callable[[int], int]) -> int:
    sizes = [int(reserved(index)) for index in range(cuda.device_count())]
    return sum(size + CUDA_CONTEXT for size in sizes if size)


def resident_bytes() -> int:
    """The resident set now."""
    return int(psutil.Process().memory_info().rss)


def peak_resident_bytes() -> int:
    """The largest resident set since this program started."""
    # Not getrusage: its peak survives exec, so that a worker would inherit that of the agent which started it.
    if not _STATUS.exists():
        return resident_bytes()
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resident_bytes()


def give_back() -> None:
    """Return to the machine what is freed, but kept by the C library's allocator for the next time."""
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)
