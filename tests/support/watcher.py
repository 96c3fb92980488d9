"""Looks at an installation all the time, for what may not be for a moment."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import psycopg
from truth import Sight, never

EVERY_S = 0.3


class Watcher:
    """A thread with a database connection of its own, which is made anew when a fault took it."""

    def __init__(self, database_url: str, data_dir: Path) -> None:
        self._database_url = database_url
        self._data_dir = data_dir
        self._stopping = threading.Event()
        self._seen: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def seen(self) -> list[str]:
        """Everything impossible that was seen so far."""
        return sorted(self._seen)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            with suppress(psycopg.Error):
                self._watch()

    def _watch(self) -> None:
        with psycopg.connect(self._database_url, autocommit=True, connect_timeout=2) as connection:
            while not self._stopping.wait(EVERY_S):
                self._seen.update(never(connection, Sight.of(connection, self._data_dir)))
