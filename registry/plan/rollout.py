"""One deployment's replicas: filling the empty ones, and replacing old workers without a gap.

A replica may have two launches for a while: the one that serves, and its successor. The old one is drained when the new
one is ready. Where there is no room for both, the old one goes first, provided that the new one fits in its place.
One replica after the other: while one is on its way, or its new launches fail, the others are left alone.

Probes, more than one replica at a time, and a roll-back by itself would be decided here, in `_replace`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from registry.placement import Fleet, Placement, Unplaceable
from registry.plan.actions import Action, Create, Place, Promote
from registry.plan.budget import failures, gave_up, outdated, retry_in
from registry.plan.nodes import Watch
from registry.plan.settle import go
from registry.plan.views import DeploymentView, WorkerView
from registry.states import WorkerState

ON_ITS_WAY = frozenset({WorkerState.PLACED, WorkerState.STARTING, WorkerState.LOADING})


@dataclass(slots=True)
class _Slot:
    """One replica: who runs it, who is to follow, and its newest launch whatever became of it."""

    replica: int
    main: WorkerView | None = None
    successor: WorkerView | None = None
    newest: WorkerView | None = None

    def add(self, worker: WorkerView) -> None:
        self.newest = worker
        if worker.running and worker.replaces is None:
            self.main = worker
        elif worker.running:
            self.successor = worker


@dataclass(slots=True)
class Rollout:
    """The decisions for one deployment. `workers` in the order of their ids, as they stand after what was settled."""

    deployment: DeploymentView
    workers: Sequence[WorkerView]
    watch: Watch = field(kw_only=True)
    fleet: Fleet = field(kw_only=True)
    _homes: dict[int, int] = field(init=False, default_factory=dict)  # replica → node, as far as it is known

    def actions(self) -> Iterator[Action]:
        slots = self._slots()
        unsettled = self._unsettled(slots)
        for slot in slots:
            if slot.main is None:
                yield from self._fill(slot)
            elif not (reason := self._obsolete(slot.main)):
                yield from self._keep(slot, slot.main)
            elif slot.main.state != WorkerState.READY:
                yield from self._start_over(slot, slot.main, reason)
            elif slot.successor is not None:
                yield from self._succeed(slot.main, slot.successor, reason)
            elif unsettled <= {slot.replica}:
                unsettled = {slot.replica}
                yield from self._replace(slot, slot.main, reason)

    def _slots(self) -> list[_Slot]:
        slots = [_Slot(replica) for replica in range(self.deployment.replicas)]
        for worker in self.workers:
            if worker.replica < len(slots):
                slots[worker.replica].add(worker)
            if worker.running and worker.node_id is not None:
                self._homes[worker.replica] = worker.node_id
        return slots

    def _obsolete(self, worker: WorkerView) -> str:
        """Why a worker that runs is to be replaced; empty: it is not."""
        who = self.deployment.changed_by or "an operator"
        if worker.created_at < self.deployment.renewed_at:
            return f"{who} asked for a restart"
        if outdated(worker, self.deployment):
            return f"{who} changed the options (revision {self.deployment.revision_number})"
        node = self.watch.draining.get(worker.node_id or 0)
        return f"{node.changed_by or 'an operator'} drains {node.name}" if node is not None else ""

    def _unsettled(self, slots: Sequence[_Slot]) -> set[int]:
        """The replicas that are on their way: while there are any, no other is touched."""
        leaving = any(worker.active and not worker.running for worker in self.workers)
        return {slot.replica for slot in slots if self._on_its_way(slot, leaving)}

    def _on_its_way(self, slot: _Slot, leaving: bool) -> bool:
        if slot.successor is not None or slot.main is None:
            return True
        if slot.main.state == WorkerState.PENDING:
            return leaving  # it waits for the room of one who goes; else it waits for ever and holds up nobody
        failed = slot.newest is not slot.main and slot.newest is not None and self._failures(slot.newest) > 0
        return slot.main.state in ON_ITS_WAY or failed

    def _failures(self, worker: WorkerView) -> int:
        return failures(worker, self.deployment)[0]

    def _fill(self, slot: _Slot) -> Iterator[Action]:
        if slot.successor is not None:  # its predecessor died
            yield Promote(slot.successor.id)
        elif self._may_launch(slot):
            yield self._create(slot, self._take(slot.replica))

    def _keep(self, slot: _Slot, main: WorkerView) -> Iterator[Action]:
        if main.state == WorkerState.PENDING:
            yield Place(main.id, self._take(slot.replica))
        if slot.successor is not None:
            yield go(slot.successor, "the worker that it was to replace is wanted again")

    def _start_over(self, slot: _Slot, main: WorkerView, reason: str) -> Iterator[Action]:
        """It serves nobody yet, so nobody misses it."""
        yield go(main, reason)
        if not main.taken_on:
            self.fleet.give_back(main.claims)
        if slot.successor is not None:
            yield Promote(slot.successor.id)
        else:
            yield self._create(slot, self._take(slot.replica))

    def _succeed(self, main: WorkerView, successor: WorkerView, reason: str) -> Iterator[Action]:
        if self._obsolete(successor):
            yield go(successor, reason)
        elif successor.state == WorkerState.READY:
            yield go(main, reason)
            yield Promote(successor.id)
        elif successor.state == WorkerState.PENDING:
            outcome = self._take(successor.replica)
            if isinstance(outcome, Unplaceable) and self._fits_instead_of(main):
                yield go(main, f"{reason}; there is no room for both")
                yield Promote(successor.id)
            yield Place(successor.id, outcome)

    def _replace(self, slot: _Slot, main: WorkerView, reason: str) -> Iterator[Action]:
        if not self._may_launch(slot):
            return
        outcome = self._take(slot.replica)
        if isinstance(outcome, Placement) or not self._fits_instead_of(main):
            yield self._create(slot, outcome, replaces=main.id)
        else:
            yield go(main, f"{reason}; there is no room for both")
            yield self._create(slot, outcome)

    def _take(self, replica: int) -> Placement | Unplaceable:
        request = self.deployment.request.for_replica(replica)
        others = frozenset(node for other, node in self._homes.items() if other != replica)
        outcome = self.fleet.take(replace(request, avoid=others) if others else request)
        if isinstance(outcome, Placement):
            self._homes[replica] = outcome.node_id
        return outcome

    def _fits_instead_of(self, worker: WorkerView) -> bool:
        request = self.deployment.request.for_replica(worker.replica)
        return isinstance(self.fleet.look_without(request, worker.claims), Placement)

    def _may_launch(self, slot: _Slot) -> bool:
        newest = slot.newest
        if newest is None or not (count := self._failures(newest)):
            return True
        return not gave_up(newest, self.deployment) and not retry_in(newest, count, self.watch.snapshot.now)

    def _create(self, slot: _Slot, outcome: Placement | Unplaceable, *, replaces: int | None = None) -> Create:
        count, begun = failures(slot.newest, self.deployment) if slot.newest is not None else (0, None)
        return Create(self.deployment, slot.replica, count, begun, outcome, replaces)
