"""Rows on disk until Postgres has them: a killed process and a database that is away lose none.

Each process appends to a segment of its own, `usage-NAME-NUMBER.jsonl`. A segment is sealed, written to Postgres and
deleted. Who holds the lock of `usage-NAME.lock` owns the segments of that name; the lock of a dead process is free, so
that whoever comes next takes over. Writing a row twice does no harm: its id is made before.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

# Lines that are kept in memory while the disk takes none.
MOST_IN_MEMORY = 10_000


class Spool:
    """One process's segments in a folder. `append` may be called from another thread than all else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"usage-{uuid.uuid4().hex}"
        self._lock = threading.Lock()
        self._number = 0
        self._file: int | None = None
        self._own_lock: int | None = None
        self._unspooled: list[bytes] = []
        self._complained = False
        self._lost = 0

    def append(self, line: bytes) -> None:
        """Keep a line. Never raises: a full disk must not fail a request."""
        with self._lock:
            try:
                self._write(line)
            except OSError as error:
                self._complain(error)
                self._remember([line])

    def sealed(self) -> list[Path]:
        """Own segments that nothing is added to any more, the oldest first; the newest is sealed if there are none."""
        if not self._segments(self._name, but=self._current):
            self._seal()
        return self._segments(self._name, but=self._current)

    def take_unspooled(self) -> list[bytes]:
        """The lines that the disk did not take."""
        with self._lock:
            lines, self._unspooled = self._unspooled, []
            return lines

    def put_back(self, lines: list[bytes]) -> None:
        """They could not be written elsewhere either."""
        with self._lock:
            self._remember(lines)

    def orphans(self) -> Iterator[list[Path]]:
        """The segments of dead processes, which are ours while the iterator stands there."""
        for lock in sorted(self._folder.glob("usage-*.lock")):
            if lock.stem == self._name:
                continue
            with _held(lock) as mine:
                if mine:
                    yield self._segments(lock.stem)
                    if not self._segments(lock.stem):
                        lock.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go: what is left is for the next process."""
        self._seal()
        left = self._segments(self._name)
        if self._own_lock is not None:
            if not left:
                self._lock_path.unlink(missing_ok=True)
            os.close(self._own_lock)
            self._own_lock = None

    @property
    def _lock_path(self) -> Path:
        return self._folder / f"{self._name}.lock"

    @property
    def _current(self) -> Path:
        return self._folder / f"{self._name}-{self._number:09}.jsonl"

    def _write(self, line: bytes) -> None:
        if self._own_lock is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._own_lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._own_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if self._file is None:
            self._file = os.open(self._current, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        written = os.write(self._file, line)
        if written < len(line):
            # The disk filled up in the middle: the half line must not spoil the next one.
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError("the disk took only a part of a line")
        if self._complained:
            logger.warning("Usage is kept on disk again. Lost for want of room: %d rows.", self._lost)
            self._complained, self._lost = False, 0

    def _remember(self, lines: list[bytes]) -> None:
        room = MOST_IN_MEMORY - len(self._unspooled)
        self._unspooled += lines[:room]
        if (lost := max(0, len(lines) - room)) and not self._lost:
            logger.error("Neither disk nor database takes usage, and memory is full of it: from now on it is lost.")
        self._lost += lost

    def _seal(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
                self._number += 1

    def _segments(self, name: str, *, but: Path | None = None) -> list[Path]:
        return [path for path in sorted(self._folder.glob(f"{name}-*.jsonl")) if path != but]

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            logger.error("Usage cannot be kept on disk in %s: %s. It is kept in memory.", self._folder, error)


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """The lock of a process, if that process is dead."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        yield False
        return
    try:
        mine = False
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = True
        yield mine
    finally:
        os.close(descriptor)
