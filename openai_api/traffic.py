"""How busy each replica is, as this web process sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from openai_api.routing import Load
from registry.catalog import Replica

# Longer than a worker's row needs to tell that its process is gone.
LEFT_OUT_S = 3.0


class Traffic:
    """Requests in flight, who was used when, and who just refused a connection. Lives in one event loop."""

    def __init__(self) -> None:
        self._in_flight: Counter[UUID] = Counter()
        self._last_used: dict[UUID, int] = {}
        self._left_out_until: dict[UUID, float] = {}
        self._turn = 0

    def in_flight(self, launch_id: UUID) -> int:
        """Requests that this process has at the replica now."""
        return self._in_flight[launch_id]

    @contextmanager
    def occupy(self, launch_id: UUID) -> Iterator[None]:
        """One request at a replica, counted for as long as the block runs."""
        self._turn += 1
        self._last_used[launch_id] = self._turn
        self._in_flight[launch_id] += 1
        try:
            yield
        finally:
            self._in_flight[launch_id] -= 1
            if not self._in_flight[launch_id]:
                del self._in_flight[launch_id]

    def leave_out(self, launch_id: UUID, *, now: float) -> None:
        """Send nothing there for a moment. `now` in seconds of a monotonic clock, here as below."""
        self._left_out_until[launch_id] = now + LEFT_OUT_S

    def loads(self, replicas: Iterable[Replica], *, now: float) -> list[Load]:
        """The replicas that may be chosen now, each with its load."""
        return [
            Load(replica, self._in_flight[replica.launch_id], self._last_used.get(replica.launch_id, 0))
            for replica in replicas
            if self._left_out_until.get(replica.launch_id, 0.0) <= now
        ]

    def forget_all_but(self, launch_ids: Collection[UUID]) -> None:
        """Drop what is known of replicas that are gone."""
        for known in (self._last_used, self._left_out_until):
            for launch_id in known.keys() - launch_ids:
                del known[launch_id]
