"""What the gateway reads of the registry: each model, what it answers to, and which replicas may receive requests."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from registry.models import Alias, Deployment, Model, Worker
from registry.states import ACTIVE, Order, WorkerState


class ServingState(enum.StrEnum):
    """What a model is doing, best first: a model with several replicas is what its best one is."""

    READY = "ready"
    LOADING = "loading"
    STARTING = "starting"
    WAITING = "waiting"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"


_RANK = {state: rank for rank, state in enumerate(ServingState)}

_SERVING = {
    WorkerState.PENDING: ServingState.WAITING,
    WorkerState.PLACED: ServingState.STARTING,
    WorkerState.STARTING: ServingState.STARTING,
    WorkerState.LOADING: ServingState.LOADING,
    WorkerState.READY: ServingState.READY,
    WorkerState.DRAINING: ServingState.STOPPING,
    WorkerState.STOPPED: ServingState.STARTING,  # only asked for a wanted replica, whose next launch is due
    WorkerState.FAILED: ServingState.FAILED,
    WorkerState.LOST: ServingState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Status:
    """What a model is doing; `progress` in percent while it loads, `since` then, `reason` why it is not ready."""

    state: ServingState
    progress: int = 0
    reason: str = ""
    since: datetime | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """A word, for a list."""
        return f"loading {self.progress} %" if self.state == ServingState.LOADING else str(self.state)

    @property
    def story(self) -> str:
        """What comes after the model's name in a sentence, without its full stop."""
        if self.state == ServingState.WAITING and self.reason:
            return f"is {self.reason}".rstrip(".")
        verb = str(self) if self.state == ServingState.FAILED else f"is {self}"
        return f"{verb}: {self.reason}".rstrip(".") if self.reason else verb


@dataclass(frozen=True, slots=True)
class Replica:
    """A worker that may receive requests. `capacity` is how many it runs at once; None: it does not say."""

    launch_id: UUID
    address: str
    capabilities: tuple[str, ...]
    context_length: int | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """A model as its users know it; `created` in Unix seconds. Capabilities are empty until a worker told them."""

    name: str
    created: int
    aliases: tuple[str, ...]
    status: Status
    replicas: tuple[Replica, ...] = ()
    capabilities: tuple[str, ...] = ()
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """All models, by name."""

    models: tuple[CatalogModel, ...] = ()


def read_catalog() -> Catalog:
    """The catalog as the rows have it now, in four queries."""
    aliases: dict[int, list[str]] = defaultdict(list)
    for name, model_id in Alias.objects.values_list("name", "model_id"):
        aliases[model_id].append(name)
    workers: dict[int, list[Worker]] = defaultdict(list)
    for worker in _workers():
        workers[worker.deployment_id].append(worker)
    deployments: dict[int, list[Deployment]] = defaultdict(list)
    for deployment in Deployment.objects.only("model_id", "replicas", "paused"):
        deployments[deployment.model_id].append(deployment)
    return Catalog(
        tuple(
            _catalog_model(model, tuple(aliases[model.pk]), [(d, workers[d.pk]) for d in deployments[model.pk]])
            for model in Model.objects.only("name", "created_at")
        )
    )


def _workers() -> Iterable[Worker]:
    """Every launch that lives, and the newest of each replica, oldest first."""
    newest = Worker.objects.order_by("deployment_id", "replica", "-id").distinct("deployment_id", "replica")
    columns = "deployment_id replica launch_id state state_changed_at order reason progress detail"
    reported = "address capabilities context_length capacity"
    relevant = Worker.objects.filter(Q(state__in=ACTIVE) | Q(id__in=newest.values("id")))
    return relevant.only(*columns.split(), *reported.split()).order_by("id")


def _catalog_model(
    model: Model, aliases: tuple[str, ...], parts: Sequence[tuple[Deployment, list[Worker]]]
) -> CatalogModel:
    replicas = tuple(_replica(worker) for _, workers in parts for worker in workers if _routable(worker))
    known = replicas or tuple(_replica(worker) for _, workers in parts for worker in workers)
    statuses = [status for deployment, workers in parts for status in _statuses(deployment, workers)]
    lengths = [replica.context_length for replica in known if replica.context_length]
    return CatalogModel(
        name=model.name,
        created=int(model.created_at.timestamp()),
        aliases=aliases,
        status=min(statuses, key=_merit, default=_idle(parts)),
        replicas=replicas,
        capabilities=tuple(sorted({name for replica in known for name in replica.capabilities})),
        context_length=min(lengths, default=None),
    )


def _routable(worker: Worker) -> bool:
    return worker.state == WorkerState.READY and worker.order == Order.RUN and bool(worker.address)


def _replica(worker: Worker) -> Replica:
    return Replica(worker.launch_id, worker.address, tuple(worker.capabilities), worker.context_length, worker.capacity)


def _statuses(deployment: Deployment, workers: Iterable[Worker]) -> Iterable[Status]:
    """One for each launch that matters: what still lives, and of a wanted replica the newest, however it ended."""
    wanted = 0 if deployment.paused else deployment.replicas
    newest = {worker.replica: worker for worker in workers}
    for worker in workers:
        if worker.state in ACTIVE or (worker.replica < wanted and newest[worker.replica] is worker):
            yield _status(worker)
    if wanted > len(newest):
        yield Status(ServingState.STARTING)


def _status(worker: Worker) -> Status:
    state = _SERVING[WorkerState(worker.state)]
    if worker.state in ACTIVE and worker.order != Order.RUN:
        state = ServingState.STOPPING
    if state == ServingState.LOADING:
        return Status(state, progress=worker.progress, reason=worker.detail, since=worker.state_changed_at)
    explains = state in {ServingState.WAITING, ServingState.FAILED}
    return Status(state, reason=worker.reason if explains else "")


def _merit(status: Status) -> tuple[int, int]:
    return _RANK[status.state], -status.progress


def _idle(parts: Sequence[object]) -> Status:
    return Status(ServingState.STOPPED, reason="" if parts else "it has no deployment")
