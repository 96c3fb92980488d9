"""Which replicas are left out for a while because they fail: pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.catalog import Replica

# Failures in a row after which a replica is left out.
PATIENCE = 3
FIRST_S, LONGEST_S = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Health:
    """Failures in a row, until when the replica is left out for them, and whether one request tries it since.

    `unreachable`: nobody answered there the last time. Times are seconds of a monotonic clock, here as below.
    """

    failures: int = 0
    out_until: float = 0.0
    probed: bool = False
    unreachable: bool = False

    def may_be_asked(self, now: float) -> bool:
        """After its time out one request tries the replica, and the others wait for what becomes of it."""
        return self.failures < PATIENCE or (now >= self.out_until and not self.probed)


WELL = Health()


def failed(health: Health, now: float, *, unreachable: bool) -> Health:
    """After a failure. Where nobody listens there is nothing to be patient about."""
    failures = health.failures + 1
    if unreachable:
        failures = max(failures, PATIENCE)
    if failures < PATIENCE:
        return Health(failures)
    out_until = now + min(LONGEST_S, FIRST_S * 2.0 ** min(failures - PATIENCE, 10))
    return Health(failures, out_until, unreachable=unreachable)


def askable(replicas: Sequence[Replica], health: Mapping[UUID, Health], now: float) -> Sequence[Replica]:
    """The replicas that may be asked now: never none of them, for one that may fail is better than no answer.

    Where nobody answers is left out. For errors at most half of the others are: when most fail, what they are asked is
    likelier at fault than they, and those that are left would have to carry all (Envoy's panic threshold, 50 %).
    """
    if not health:
        return replicas
    fit = [replica for replica in replicas if health.get(replica.launch_id, WELL).may_be_asked(now)]
    reached = [one for one in replicas if one in fit or not health[one.launch_id].unreachable]
    if fit and 2 * len(fit) >= len(reached):
        return fit
    return reached or replicas
