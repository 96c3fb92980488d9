"""How much memory this process holds, and has held at most."""

from __future__ import annotations

from pathlib import Path

import psutil

_STATUS = Path("/proc/self/status")


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
