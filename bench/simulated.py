"""A fleet as rows, in bulk: nodes that beat, their devices, deployments, and workers in any state."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

from django.db import connection
from django.db.models.functions import Now

from registry.models import Claim, Deployment, Device, Event, Model, Node, Revision, Sweep, Worker
from registry.models.deployment import launch_key
from registry.states import WorkerState

GIB = 2**30
REPLICAS = 20
CLAIM = 20 * GIB  # four on a device of 80 GiB
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Size:
    """How large a fleet is. Workers are a multiple of `REPLICAS`."""

    nodes: int
    workers: int
    devices: int = 8  # a node

    def __str__(self) -> str:
        return f"{self.nodes:,} x {self.devices} x {self.workers:,}"


def empty() -> None:
    """Take all rows away."""
    models = (Event, Claim, Worker, Revision, Deployment, Model, Device, Node, Sweep)
    tables = ", ".join(model._meta.db_table for model in models)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")


def fill(size: Size, *, running: bool, history: int = 0) -> None:
    """Deployments that want their workers, and with `running` these workers, each in its place.

    `history` is how many launches of each replica are over. All heard a moment ago, by a sweeper that listens.
    """
    empty()
    devices = _devices(_nodes(size), size)
    revisions = _revisions(size)
    for _ in range(history):
        _workers(size, revisions, devices, state=WorkerState.STOPPED)
    if running:
        workers = _workers(size, revisions, devices, state=WorkerState.READY)
        held = zip(workers, cycle(devices), strict=False)
        Claim.objects.bulk_create(
            (Claim(worker=worker, device=device, bytes=CLAIM) for worker, device in held), batch_size=BATCH
        )
    listen()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does for rows that came one after the other


def open_queues(nodes: int) -> None:
    """The queues that the agents of so many nodes listen on."""
    from celery import current_app

    with current_app.connection_for_write() as broker:
        for number in range(nodes):
            broker.default_channel.queue_declare(queue=f"node.{_name(number)}")


def listen() -> None:
    """Everybody beats now, and somebody has listened for an hour."""
    Node.objects.update(last_seen_at=Now())
    Worker.objects.filter(ended_at__isnull=True).update(heartbeat_at=Now())
    Sweep.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO registry_sweep VALUES (1, now(), now() - interval '1 hour', '', NULL)")


def silence(nodes: int) -> None:
    """So many nodes went down a minute ago, with all that ran there."""
    gone = list(Node.objects.order_by("id").values_list("pk", flat=True)[:nodes])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE registry_node SET last_seen_at = now() - interval '1 minute' WHERE id = ANY(%s)", [gone])
        cursor.execute(
            "UPDATE registry_worker SET heartbeat_at = now() - interval '1 minute' WHERE node_id = ANY(%s)", [gone]
        )


def _name(number: int) -> str:
    return f"node-{number:04}"


def _nodes(size: Size) -> list[Node]:
    rows = (
        Node(name=f"node-{number:04}", hostname=f"node-{number:04}", simulated=True) for number in range(size.nodes)
    )
    return Node.objects.bulk_create(rows, batch_size=BATCH)


def _devices(nodes: list[Node], size: Size) -> list[Device]:
    rows = (
        Device(
            node=node,
            index=index,
            kind="cuda",
            uuid=f"SIM-{node.name}-{index}",
            name="H100",
            memory_total_bytes=80 * GIB,
            simulated=True,
        )
        for index in range(size.devices)
        for node in nodes
    )
    return Device.objects.bulk_create(rows, batch_size=BATCH)


def _revisions(size: Size) -> list[Revision]:
    numbers = range(size.workers // REPLICAS)
    models = Model.objects.bulk_create(Model(name=f"model-{number:04}") for number in numbers)
    deployments = Deployment.objects.bulk_create(
        Deployment(name=f"chat-{number:04}", model=model, engine="echo", replicas=REPLICAS, memory_bytes=CLAIM)
        for number, model in enumerate(models)
    )
    rows = []
    for deployment in deployments:
        snapshot = deployment.snapshot()
        facts = {"snapshot": snapshot, "launch_key": launch_key(snapshot), "claim_bytes": CLAIM, "created_by": "ada"}
        rows.append(Revision(deployment=deployment, number=1, **facts))
    return Revision.objects.bulk_create(rows)


def _workers(size: Size, revisions: list[Revision], devices: list[Device], *, state: WorkerState) -> list[Worker]:
    over = {"ended_at": Now(), "exited_at": Now(), "order": "stop"} if state != WorkerState.READY else {}
    rows = (
        Worker(
            deployment_id=revision.deployment_id,
            revision=revision,
            replica=number // len(revisions),
            node_id=device.node_id,
            state=state,
            launching_at=Now(),
            heartbeat_at=Now(),
            ready_at=Now(),
            progress=100,
            address="http://10.0.0.1:8001",
            **over,
        )
        for number, (revision, device) in enumerate(
            zip(cycle(revisions), islice(cycle(devices), size.workers), strict=False)
        )
    )
    return Worker.objects.bulk_create(rows, batch_size=BATCH)
