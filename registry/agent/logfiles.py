"""The log file of each launch: opened even when there is no room, read at the end, and kept for a while."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

KEPT = 500  # files of ended launches
ROOM = 1_000_000  # bytes; with less, a worker would meet the full disk while it writes
TAIL_BYTES, TAIL_LINES = 32_000, 200


@contextmanager
def opened(log: Path) -> Iterator[tuple[BinaryIO, str]]:
    """The log to write to, and "". Where that cannot be: the null device, and why.

    A worker needs no log to serve, and some libraries end the process when they cannot write to it.
    """
    problem = ""
    try:
        output = _open(log)
    except OSError as error:
        problem = f"it has no log: {error.strerror or error}"
        output = Path(os.devnull).open("ab")  # noqa: SIM115 - closed below
    with output:
        yield output, problem


def _open(log: Path) -> BinaryIO:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (free := shutil.disk_usage(log.parent).free) < ROOM:
        raise OSError(f"only {free} bytes are free at {log.parent}")
    return log.open("ab")


def read_tail(log: Path) -> tuple[str, int]:
    """The last lines of a log, safe for a text column, and how many bytes the whole of it has."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read(TAIL_BYTES).decode(errors="replace").replace("\0", " ")
    except OSError:
        return "", 0
    return "".join(text.splitlines(keepends=True)[-TAIL_LINES:]), size


def prune(folder: Path, *, running: Collection[str], keep: int = KEPT) -> None:
    """Delete the oldest logs of ended launches; what still runs keeps its log, however quiet it is.

    Several agents may do this at once in one folder: a file that is gone is what all of them want.
    """
    ended = [(_written_at(file), file) for file in folder.glob("*.log") if file.stem not in running]
    for _, file in sorted(ended, reverse=True)[keep:]:
        file.unlink(missing_ok=True)


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
