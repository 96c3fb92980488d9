"""The log file of each launch, and how many of them are kept."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

KEPT = 500  # files of ended launches


def prune(folder: Path, *, running: Collection[str], keep: int = KEPT) -> None:
    """Delete the oldest logs of ended launches; what still runs keeps its log, however quiet it is."""
    ended = [file for file in folder.glob("*.log") if file.stem not in running]
    newest_first = sorted(ended, key=lambda file: file.stat().st_mtime, reverse=True)
    for file in newest_first[keep:]:
        file.unlink(missing_ok=True)
