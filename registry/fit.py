"""«Would it fit?»: the same fleet and the same decision as the control plane's, asked before anything is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.clock import database_now
from registry.estimate import Estimate, claim_for
from registry.fleet import load_devices, load_files
from registry.measures import format_bytes
from registry.models import Claim, Deployment, Worker
from registry.models.deployment import launch_key
from registry.placement import Claims, DeviceView, Fleet, Placement, Refusal, Request, Unplaceable, request_of
from registry.states import ACTIVE, Order


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one replica would go. `stays`: it runs there already, and nothing about it would change."""

    replica: int
    place: str = ""
    claims: tuple[tuple[str, int], ...] = ()  # (device's label, bytes), first device first
    stays: bool = False
    refusal: Unplaceable | None = None

    @property
    def fits(self) -> bool:
        return self.refusal is None

    @property
    def words(self) -> str:
        if self.refusal is not None:
            return f"replica {self.replica} does not fit: {self.refusal.sentence}"
        each = f"{format_bytes(self.claims[0][1])}{' each' if len(self.claims) > 1 else ''}" if self.claims else ""
        return f"replica {self.replica} {'stays' if self.stays else 'would go'} on {self.place} ({each})"

    def as_json(self) -> dict[str, Any]:
        return {
            "replica": self.replica,
            "fits": self.fits,
            "stays": self.stays,
            "place": self.place,
            "claims": [{"device": device, "bytes": size} for device, size in self.claims],
            "sentence": self.refusal.sentence if self.refusal else "",
            "advice": self.refusal.advice if self.refusal else "",
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What would become of all replicas, and what the memory of each is made of."""

    name: str
    estimate: Estimate
    seats: tuple[Seat, ...]

    @property
    def fits(self) -> bool:
        return all(seat.fits for seat in self.seats)

    @property
    def refused(self) -> Unplaceable | None:
        """Why the first replica without a place has none."""
        return next((seat.refusal for seat in self.seats if seat.refusal is not None), None)

    @property
    def refusals(self) -> Sequence[Refusal]:
        """Every device with the reason why that replica is not there."""
        return self.refused.refusals if self.refused else ()

    @property
    def words(self) -> str:
        """With the devices that came nearest, and what would fit instead."""
        return f"{self._verdict}: {self.refused.sentence}." if self.refused else self._verdict

    @property
    def brief(self) -> str:
        """For where the refused devices are listed beside it: only what would fit instead."""
        advice = self.refused.advice if self.refused else ""
        return f"{self._verdict}. {advice}." if advice else self._verdict

    @property
    def _verdict(self) -> str:
        fitting = sum(seat.fits for seat in self.seats)
        if self.refused:
            return f"Does not fit ({fitting} of {_replicas(len(self.seats))} would)" if fitting else "Does not fit"
        places = ", ".join(dict.fromkeys(seat.place for seat in self.seats)) or "nothing"
        return f"Fits: {_replicas(fitting)} on {places}, {format_bytes(self.estimate.total)} each."

    def as_json(self, *, refusals: int | None = None) -> dict[str, Any]:
        """For programs and pages; `refusals` bounds how many devices are listed, None lists all."""
        return {
            "deployment": self.name,
            "fits": self.fits,
            "words": self.words,
            "claim_bytes": self.estimate.total,
            "estimate": self.estimate.as_json(),
            "replicas": [seat.as_json() for seat in self.seats],
            "refusals": [{"device": each.device, "reason": each.reason} for each in self.refusals[:refusals]],
            "refused_devices": len(self.refusals),
        }


def would_fit(deployment: Deployment, *, replicas: int | None = None) -> Answer:
    """Where the replicas of a deployment, stored or not, would go now. Its workers that it would replace make room."""
    snapshot = deployment.snapshot()
    estimate = claim_for(snapshot)
    devices = load_devices(database_now())
    fleet = Fleet(devices, load_files())
    count = deployment.replicas if replicas is None else replicas
    staying = _staying(deployment, launch_key(snapshot), fleet=fleet, count=count)
    seats = _Seats({device.id: device for device in devices}, fleet, request_of(snapshot, estimate.total))
    return Answer(name=deployment.name, estimate=estimate, seats=tuple(seats.all(count, staying)))


def _staying(deployment: Deployment, key: str, *, fleet: Fleet, count: int) -> dict[int, Claims]:
    """What those of its launches hold that go on as they are, by replica; the claims of others are given back."""
    staying: dict[int, Claims] = {}
    for worker, claims in _claims(deployment).items():
        running = worker.state in ACTIVE and worker.order == Order.RUN and worker.replica < count
        if running and worker.revision.launch_key == key and not _drained(worker):
            staying[worker.replica] = claims
        else:
            fleet.give_back(claims)
    return staying


def _drained(worker: Worker) -> bool:
    """Whether the control plane moves it away as soon as there is room elsewhere."""
    return worker.node is not None and worker.node.drain_deadline is not None


def _claims(deployment: Deployment) -> dict[Worker, Claims]:
    if not deployment.pk:
        return {}
    held: defaultdict[Worker, list[tuple[int, int]]] = defaultdict(list)
    rows = Claim.objects.filter(worker__deployment=deployment).order_by("id")
    for claim in rows.select_related("worker__revision", "worker__node").defer("worker__log_tail"):
        held[claim.worker].append((claim.device_id, claim.bytes))
    return {worker: tuple(claims) for worker, claims in held.items()}


@dataclass(frozen=True, slots=True)
class _Seats:
    """Seats the replicas one after the other, as a rollout does."""

    devices: Mapping[int, DeviceView]
    fleet: Fleet
    request: Request

    def all(self, count: int, staying: Mapping[int, Claims]) -> Iterator[Seat]:
        homes = {replica: self.devices[claims[0][0]].node_id for replica, claims in staying.items()}
        for replica in range(count):
            if replica in staying:
                yield self._kept(replica, staying[replica])
                continue
            request = replace(self.request.for_replica(replica), avoid=frozenset(homes.values()))
            outcome = self.fleet.take(request)
            if isinstance(outcome, Placement):
                homes[replica] = outcome.node_id
                yield Seat(replica, outcome.label, self._named(outcome.claims))
            else:
                yield Seat(replica, refusal=outcome)

    def _kept(self, replica: int, claims: Claims) -> Seat:
        indices = ",".join(str(self.devices[device_id].index) for device_id, _ in claims)
        return Seat(replica, f"{self.devices[claims[0][0]].node}:{indices}", self._named(claims), stays=True)

    def _named(self, claims: Claims) -> tuple[tuple[str, int], ...]:
        return tuple((self.devices[device_id].label, size) for device_id, size in claims)


def _replicas(count: int) -> str:
    return f"{count} replica{'' if count == 1 else 's'}"
