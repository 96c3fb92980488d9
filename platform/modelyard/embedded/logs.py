"""The logs of our processes: read from their pipes by one thread, written to files that rotate."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

LOG_BYTES = 10_000_000  # of one file
OLD_LOGS = 3  # name.log.1 … name.log.3
READ_BYTES = 65_536


class RotatingLog:
    """A log file of bounded size. Survives a full disk: what is lost is counted, and the count written later."""

    def __init__(self, path: Path, *, max_bytes: int = LOG_BYTES, keep: int = OLD_LOGS) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self.lost_bytes = 0

    def write(self, data: bytes) -> None:
        try:
            self._rotate_if_full()
            self._append(self._note_of_loss() + data)
        except OSError:
            self.lost_bytes += len(data)
        else:
            self.lost_bytes = 0

    def _note_of_loss(self) -> bytes:
        return f"[{self.lost_bytes} bytes of log were lost here]\n".encode() if self.lost_bytes else b""

    def _append(self, data: bytes) -> None:
        # Opened for each write, so that a file which somebody moved away comes back; a write takes up to 64 kB at once.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
        finally:
            os.close(descriptor)

    def _rotate_if_full(self) -> None:
        try:
            if self.path.stat().st_size < self._max_bytes:
                return
        except FileNotFoundError:
            return
        for number in range(self._keep, 0, -1):
            older = self._numbered(number)
            newer = self._numbered(number - 1) if number > 1 else self.path
            if newer.exists():
                newer.replace(older)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


class LogPump:
    """One thread that moves what children print into their logs, so that no child ever waits for us to read."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._arrivals: list[tuple[IO[bytes], RotatingLog, Callable[[], None]]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log-pump", daemon=True)
        self._thread.start()

    def add(self, pipe: IO[bytes], log: RotatingLog) -> threading.Event:
        """Reads `pipe` to its end; the event says that all of it is in the log."""
        drained = threading.Event()
        with self._lock:
            self._arrivals.append((pipe, log, drained.set))
        os.write(self._wake_write, b".")
        return drained

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wake_read:
                    os.read(self._wake_read, READ_BYTES)
                    self._register_arrivals()
                else:
                    self._move(key)

    def _register_arrivals(self) -> None:
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
        for pipe, log, drained in arrivals:
            self._selector.register(pipe, selectors.EVENT_READ, (pipe, log, drained))

    def _move(self, key: selectors.SelectorKey) -> None:
        pipe, log, drained = key.data
        if data := os.read(key.fd, READ_BYTES):
            log.write(data)
            return
        self._selector.unregister(pipe)
        pipe.close()
        drained()


def tail(path: Path, *, lines: int = 12, max_bytes: int = 16_384) -> str:
    """The last lines of a log, or nothing when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - max_bytes))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
