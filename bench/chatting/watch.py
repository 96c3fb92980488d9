"""The installation from outside while people chat: memory, processor time, threads, connections to Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import psutil
import psycopg

EVERY_S = 2.0
MIB = 2**20
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'modelyard%'"


@dataclass(frozen=True, slots=True)
class Look:
    """One process at one moment: MiB, seconds of processor time, threads."""

    at: float
    pss: float
    rss: float
    busy: float
    threads: int


@dataclass(slots=True)
class Watch:
    """Looks at processes, by name, every two seconds."""

    processes: Mapping[str, psutil.Process]
    database_url: str
    looks: dict[str, list[Look]] = field(default_factory=dict)
    connections: int = 0

    def look(self) -> None:
        """At all of them, once."""
        for name, process in self.processes.items():
            self.looks.setdefault(name, []).append(_look(process))

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Until the block is left."""
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _go_on(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            self.connections = max(self.connections, await asyncio.to_thread(self._connected))
            await asyncio.sleep(EVERY_S)

    def _connected(self) -> int:
        with psycopg.connect(self.database_url, application_name="bench") as connection:
            return int(connection.execute(CONNECTIONS).fetchone()[0])  # type: ignore[index]


def _look(process: psutil.Process) -> Look:
    with process.oneshot():
        memory, times = process.memory_full_info(), process.cpu_times()
        pss, rss = memory.pss / MIB, memory.rss / MIB
        return Look(time.monotonic(), pss, rss, times.user + times.system, process.num_threads())


def busy(looks: Sequence[Look]) -> float:
    """The share of a core between the first look and the last."""
    return (looks[-1].busy - looks[0].busy) / (looks[-1].at - looks[0].at)
