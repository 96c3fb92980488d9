"""Whether the kernel's out-of-memory killer was at work: the counters that it leaves."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

RECENT_S = 3.0  # between a kill and the cycle that finds the process gone
VMSTAT = Path("/proc/vmstat")
CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")


class MemoryKiller:
    """Samples the counters once a cycle. Workers are in the agent's control group, unless somebody moved them."""

    def __init__(self, files: tuple[Path, ...] | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._files = counter_files() if files is None else files
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque(maxlen=64)
        self.sample()

    def sample(self) -> None:
        self._samples.append((self._clock(), sum(map(kills, self._files))))

    def was_here(self) -> bool:
        """Whether it killed something within the last seconds."""
        self.sample()
        now, count = self._samples[-1]
        older = [sample for sample in self._samples if now - sample[0] >= RECENT_S]
        return count > (older[-1] if older else self._samples[0])[1]


def counter_files() -> tuple[Path, ...]:
    """The machine's counter, and that of our own control group in either version of the interface."""
    try:
        lines = CGROUP.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    groups = [line.split(":", 2)[1:] for line in lines]
    unified = [CGROUPS / path.strip("/") / "memory.events" for controllers, path in groups if not controllers]
    older = [CGROUPS / "memory" / path.strip("/") / "memory.oom_control" for name, path in groups if name == "memory"]
    return (VMSTAT, *unified, *older)


def kills(file: Path) -> int:
    """The counter `oom_kill` of one file; 0 where there is none."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
    return int(counts[0]) if counts else 0
