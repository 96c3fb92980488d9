"""What the C library does with memory that is freed."""

from __future__ import annotations

import ctypes

# glibc's numbers for mallopt (malloc.h).
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
_KEPT = 256 << 20
# The largest that glibc takes.
_LARGE = 32 << 20
# Each arena keeps what it once needed. A dozen threads with one each, 64 MiB of freed memory in every one of them,
# looked like a leak for hours.
_ARENAS = 2


def keep_freed_memory() -> None:
    """Let the process keep some freed memory for its next step.

    Otherwise every step's logits and weights are new pages, and on a virtual machine 6 MB of them cost 5 ms.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_ARENA_MAX, _ARENAS)
