"""A server as a child process: its words go into the worker's log, its end is told, and nothing of it outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LEASH = Path(__file__).with_name("leash.py")
# Seconds that a server has for SIGTERM, and until it is killed whatever it does. Together less than a worker waits.
_GRACE_S = 3.5
_PATIENCE_S = 4.5
# Seconds for the last words of a server that has ended.
_READ_S = 2.0
# Lines that are kept, to tell from them why a server ended.
_KEPT = 400


@dataclass(frozen=True, slots=True)
class Ending:
    """How a server ended: `code` below zero is a signal; `lines` are the last that it wrote."""

    code: int
    lines: tuple[str, ...]


class Child:
    """One run of a server. `on_line` and `on_end` are called from threads of its own; `on_end` once, by any end."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str],
        on_line: Callable[[str], None],
        on_end: Callable[[Ending], None],
    ) -> None:
        self._name = name
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._on_line = on_line
        self._on_end = on_end
        self.ending: Ending | None = None
        # A group of its own, so that Ctrl-C in a terminal reaches the worker alone; in the worker's session, by which
        # an agent finds what a worker left behind.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LEASH), str(_GRACE_S), *argv],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, name=f"{name}-log", daemon=True)
        self._waiter = threading.Thread(target=self._wait, name=f"{name}-end", daemon=True)
        self._reader.start()
        self._waiter.start()

    @property
    def pid(self) -> int:
        """Of the process that holds the server and all that it started."""
        return self._process.pid

    def close(self) -> None:
        """End the server and all that it started; returns when they are gone."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._waiter.join(_PATIENCE_S)
        if self._waiter.is_alive():
            self._process.kill()
            self._waiter.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                text = line.rstrip()
                self._lines.append(text)
                # Whoever stops reading, for the disk of its log is full, makes a server that talks stand still.
                with suppress(OSError):
                    sys.stderr.write(f"{self._name} | {text}\n")
                self._on_line(text)

    def _wait(self) -> None:
        # The group is killed before its leader is waited for: until then the number is nobody else's.
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        self._reader.join(_READ_S)
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self.ending = Ending(code, tuple(self._lines))
        self._on_end(self.ending)
