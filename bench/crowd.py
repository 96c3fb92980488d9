"""A mixed fleet of any size as rows, added to what is there: for what pages must not grow with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice

from registry.clock import database_now
from registry.models import Alias, Claim, Deployment, Device, Event, Model, Node, Revision, Worker
from registry.models.deployment import launch_key
from registry.states import WorkerState

GIB = 2**30
BATCH = 5000
ENDED_EVERY = 5  # of so many workers one is over


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows. Workers are dealt to the deployments and devices in turn."""

    nodes: int = 200
    devices: int = 8  # a node
    deployments: int = 200
    workers: int = 2000
    events: int = 100_000


def fill(size: Size, prefix: str = "") -> None:
    """All of it, as the agents, the reconciler and the workers themselves would leave it a minute after a start."""
    now = database_now()
    devices = _devices(_nodes(size, prefix, now), size, now)
    revisions = _revisions(_deployments(size, prefix))
    workers = _workers(size, revisions, devices)
    held = zip(workers, cycle(devices), strict=False)
    claims = [Claim(worker=worker, device=device, bytes=8 * GIB) for worker, device in held if not worker.ended_at]
    Claim.objects.bulk_create(claims, batch_size=BATCH)
    _events(size, workers, now)


def _nodes(size: Size, prefix: str, now: datetime) -> list[Node]:
    return Node.objects.bulk_create(
        Node(
            name=f"{prefix}node-{number:04}",
            hostname=f"node-{number:04}.example",
            labels={"zone": "abc"[number % 3]},
            simulated=number % 4 == 0,
            cordoned=number % 50 == 0,
            last_seen_at=now - timedelta(minutes=5 if number % 40 == 1 else 0),
            disk_free_bytes=300 * GIB,
            disk_total_bytes=900 * GIB,
        )
        for number in range(size.nodes)
    )


def _devices(nodes: list[Node], size: Size, now: datetime) -> list[Device]:
    rows = [
        Device(
            node=node,
            index=index,
            kind="cuda",
            uuid=f"SIM-{node.name}-{index}" if node.simulated else f"GPU-{node.name}-{index}",
            name="NVIDIA H100 80GB HBM3",
            simulated=node.simulated,
            memory_total_bytes=80 * GIB,
            memory_used_bytes=20 * GIB,
            utilization_percent=40,
            temperature_c=60,
            power_w=400,
            observed_at=now,
        )
        for node in nodes
        for index in range(size.devices)
    ]
    return Device.objects.bulk_create(rows, batch_size=BATCH)


def _deployments(size: Size, prefix: str) -> list[Deployment]:
    numbers = range(size.deployments)
    models = Model.objects.bulk_create(Model(name=f"{prefix}model-{number:04}") for number in numbers)
    Alias.objects.bulk_create(Alias(name=f"also-{model.name}", model=model) for model in models)
    replicas = -(-size.workers // size.deployments)
    return Deployment.objects.bulk_create(
        Deployment(name=f"{prefix}chat-{number:04}", model=model, engine="echo", replicas=replicas)
        for number, model in enumerate(models)
    )


def _revisions(deployments: list[Deployment]) -> list[Revision]:
    facts = {"number": 1, "claim_bytes": 8 * GIB, "created_by": "ada"}
    rows = []
    for deployment in deployments:
        snapshot = deployment.snapshot()
        rows.append(Revision(deployment=deployment, snapshot=snapshot, launch_key=launch_key(snapshot), **facts))
    return Revision.objects.bulk_create(rows)


def _workers(size: Size, revisions: list[Revision], devices: list[Device]) -> list[Worker]:
    now, rows = database_now(), []
    for number, (revision, device) in enumerate(zip(cycle(revisions), islice(cycle(devices), size.workers))):
        over = number % ENDED_EVERY == 0
        rows.append(
            Worker(
                deployment_id=revision.deployment_id,
                revision=revision,
                node_id=device.node_id,
                replica=number // len(revisions),
                state=WorkerState.FAILED if over else WorkerState.READY,
                reason="out of GPU memory" if over else "",
                ended_at=now if over else None,
                heartbeat_at=now,
                progress=100,
                log_tail="a line of a log\n" * 200 if over else "",
            )
        )
    return Worker.objects.bulk_create(rows, batch_size=BATCH)


def _events(size: Size, workers: list[Worker], now: datetime) -> None:
    steps = ("PENDING", "PLACED", "STARTING", "LOADING", "READY", "FAILED")
    changes = [*zip(("", *steps), steps, strict=False)]
    rows = (
        Event(
            at=now - timedelta(seconds=(size.events - number) / 10),
            actor="reconciler",
            subject=f"chat-{worker.deployment_id}/{worker.replica}",
            reason="as planned",
            from_state=before,
            to_state=after,
            revision=1,
            deployment_id=worker.deployment_id,
            worker=worker,
        )
        for number, (worker, (before, after)) in enumerate(
            (worker, change)
            for _, worker in zip(range(size.events // len(changes)), cycle(workers))
            for change in changes
        )
    )
    Event.objects.bulk_create(rows, batch_size=BATCH)
