"""How busy and how well each replica is, as this web process sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from openai_api.routing.choice import Load
from openai_api.routing.ejection import PATIENCE, WELL, Health, askable, failed
from registry.catalog import Replica

# How often a replica that said that it is full is tried with one request more than it had then, in seconds.
GROWS_EVERY_S = 1.0
# After which its own word is forgotten.
FULL_FOR_S = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """When a replica said that it is full, and how many requests of ours it had then."""

    at: float
    held: int

    def most(self, now: float) -> int | None:
        """How many it may have now: one more each second, since others may have left it; None: no matter."""
        since = now - self.at
        return self.held + int(since / GROWS_EVERY_S) if since < FULL_FOR_S else None


class Seats:
    """Requests in flight, failures and refusals. Lives in one event loop; times are of a monotonic clock."""

    def __init__(self) -> None:
        self._in_flight: Counter[UUID] = Counter()
        # Only of those that failed last.
        self._health: dict[UUID, Health] = {}
        self._refusals: dict[UUID, Refusal] = {}

    def in_flight(self, launch_id: UUID) -> int:
        """Requests that this process has at the replica now."""
        return self._in_flight[launch_id]

    def sit(self, launch_id: UUID) -> None:
        """One request more."""
        self._in_flight[launch_id] += 1
        self._set_probed(launch_id, probed=True)

    def stand(self, launch_id: UUID) -> None:
        """One request less."""
        self._in_flight[launch_id] -= 1
        if not self._in_flight[launch_id]:
            del self._in_flight[launch_id]
        self._set_probed(launch_id, probed=False)

    def answered(self, launch_id: UUID) -> None:
        """It is well."""
        self._health.pop(launch_id, None)

    def failed(self, launch_id: UUID, now: float, *, unreachable: bool) -> float:
        """It did not answer, or only with an error that another did not have. Until when it is left out."""
        health = failed(self._health.get(launch_id, WELL), now, unreachable=unreachable)
        self._health[launch_id] = health
        return health.out_until

    def refused(self, launch_id: UUID, now: float) -> None:
        """It said that it is full, to a request that still has its seat."""
        self._refusals[launch_id] = Refusal(now, self._in_flight[launch_id] - 1)

    def loads(self, replicas: Sequence[Replica], now: float, *, bounded: bool) -> list[Load]:
        """The replicas that may be asked now; `bounded`: for a request of those that an engine counts."""
        return [
            Load(replica, self._in_flight[replica.launch_id], self._most(replica, now, bounded=bounded))
            for replica in askable(replicas, self._health, now)
        ]

    def forget_all_but(self, launch_ids: Collection[UUID]) -> None:
        """Drop what is known of replicas that are gone."""
        for known in (self._health, self._refusals):
            for launch_id in known.keys() - launch_ids:
                del known[launch_id]

    def _most(self, replica: Replica, now: float, *, bounded: bool) -> int | None:
        capacity = replica.capacity if bounded else None
        if not self._refusals or (refusal := self._refusals.get(replica.launch_id)) is None:
            return capacity
        said = refusal.most(now)
        if said is None:
            del self._refusals[replica.launch_id]
            return capacity
        return said if capacity is None else min(said, capacity)

    def _set_probed(self, launch_id: UUID, *, probed: bool) -> None:
        # With every request, and mostly there is nobody in it: an id's hash takes longer than to see that.
        health = self._health.get(launch_id) if self._health else None
        if health is not None and health.failures >= PATIENCE:
            self._health[launch_id] = replace(health, probed=probed)
