"""Free disk where this agent keeps logs, identities and converted models."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from registry.measures import format_bytes

logger = logging.getLogger(__name__)

LITTLE = 2**30  # bytes


@dataclass(slots=True)
class Room:
    """Of the data directory's disk."""

    folder: Path
    warned: bool = False

    def facts(self) -> dict[str, int | None]:
        """The node's columns. Says once when there is little room."""
        existing = next((path for path in (self.folder, *self.folder.parents) if path.exists()), Path("/"))
        try:
            usage = shutil.disk_usage(existing)
        except OSError:
            return {"disk_free_bytes": None, "disk_total_bytes": None}
        little = usage.free < LITTLE
        if little and not self.warned:
            free = format_bytes(usage.free)
            logger.warning("Only %s are free at %s: logs and converted models need room.", free, existing)
        self.warned = little
        return {"disk_free_bytes": usage.free, "disk_total_bytes": usage.total}
