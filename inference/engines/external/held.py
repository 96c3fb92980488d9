"""How much memory a server and all that it started hold."""

from __future__ import annotations

import psutil

from inference.engines.base import HeldMemory


def held_by(pid: int) -> int:
    """Bytes of a process and its descendants. What they share, mostly code, counts once, as the largest share of it."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    sizes = [size for member in family if (size := _size(member)) is not None]
    return sum(own for own, _ in sizes) + max((shared for _, shared in sizes), default=0)


def _size(process: psutil.Process) -> tuple[int, int] | None:
    try:
        info = process.memory_info()
    except psutil.NoSuchProcess:
        return None
    return info.rss - info.shared, info.shared


class Held:
    """The newest figure and the highest one."""

    def __init__(self) -> None:
        self.memory = HeldMemory()

    def note(self, size: int) -> None:
        """One more look. An end is none: what was held at most stays."""
        self.memory = HeldMemory(size, max(size, self.memory.peak_bytes))
