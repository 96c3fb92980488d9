"""Ctrl-C, SIGTERM and a closed terminal all ask for the same: stop in order; asked twice, at once."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SAME_REQUEST_S = 0.5  # make and a terminal may both pass on one Ctrl-C


class StopSignals:
    """Turns signals into a flag that the supervising loop looks at, so that none strikes between two of its steps."""

    def __init__(self) -> None:
        self.requested_at: float | None = None
        self._renewal = False
        self._interrupting = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def install(self) -> None:
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # wakes `wait`
        signal.signal(signal.SIGUSR2, self._renew)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
                signal.signal(number, self._handle)

    @property
    def requested(self) -> bool:
        return self.requested_at is not None

    def check(self) -> None:
        """Raises `KeyboardInterrupt` when a stop was asked for."""
        if self.requested:
            raise KeyboardInterrupt

    def take_renewal(self) -> bool:
        """Whether a new web process was asked for (SIGUSR2) since the last look."""
        asked, self._renewal = self._renewal, False
        return asked

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within it a request raises `KeyboardInterrupt` at once: for long steps that may be broken off anywhere."""
        self.check()
        self._interrupting = True
        try:
            yield
        finally:
            self._interrupting = False

    def wait(self, timeout_s: float) -> None:
        """Until a signal comes, a child of ours ends, or the time is over."""
        if select.select([self._wake_read], [], [], timeout_s)[0]:
            os.read(self._wake_read, 4096)

    def _renew(self, number: int, frame: FrameType | None) -> None:
        self._renewal = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        first = self.requested_at is None
        if self.requested_at is None:
            self.requested_at = now
        if self._interrupting or (not first and now - self.requested_at > SAME_REQUEST_S):
            self._interrupting = False
            raise KeyboardInterrupt
