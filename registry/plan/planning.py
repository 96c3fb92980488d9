"""The plan itself: endings first, because they make room; then each deployment's replicas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from registry.placement import Fleet
from registry.plan.actions import Action, Command, End, Release
from registry.plan.nodes import Watch
from registry.plan.rollout import Rollout
from registry.plan.settle import settle
from registry.plan.views import Snapshot, WorkerView


def plan(snapshot: Snapshot) -> list[Action]:
    """The actions that bring the rows nearer to what is desired, in the order in which to do them."""
    watch = Watch.over(snapshot)
    fleet = Fleet(snapshot.devices, snapshot.files)
    deployments = {deployment.id: deployment for deployment in snapshot.deployments}
    actions: list[Action] = list(watch.actions())
    standing: defaultdict[int, list[WorkerView]] = defaultdict(list)
    for worker in sorted(snapshot.workers, key=lambda worker: worker.id):
        decided = list(settle(worker, deployments[worker.deployment_id], watch))
        actions += decided
        after = _after(worker, decided, snapshot)
        if after.claims != worker.claims:
            fleet.give_back(worker.claims)
        standing[worker.deployment_id].append(after)
    for deployment in snapshot.deployments:
        actions += Rollout(deployment, standing[deployment.id], watch=watch, fleet=fleet).actions()
    return actions


def _after(worker: WorkerView, actions: Sequence[Action], snapshot: Snapshot) -> WorkerView:
    """The launch as it will stand when these actions are done."""
    for action in actions:
        if isinstance(action, End):
            claims = worker.claims if worker.has_process else ()
            worker = replace(worker, state=action.state, ended_at=snapshot.now, reason=action.reason, claims=claims)
        elif isinstance(action, Command):
            worker = replace(worker, order=action.order)
        elif isinstance(action, Release):
            worker = replace(worker, claims=())
    return worker
