"""Rows for tests, as the platform itself would leave them. Plain functions; everything has a default."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Permission, User
from django.db.models.functions import Now

from registry import desired
from registry.models import Alias, Claim, Deployment, Device, Event, Model, Node, Worker
from registry.states import WorkerState
from registry.tokens import token_hash

GIB = 2**30


def model(name: str = "chat", **fields: Any) -> Model:
    return Model.objects.create(**{"name": name, "path": f"/models/{name}"} | fields)


def alias(name: str, of: Model) -> Alias:
    return Alias.objects.create(name=name, model=of)


def deployment(name: str = "chat", **fields: Any) -> Deployment:
    """With its first revision. Its model, unless given, has the same name."""
    fields.setdefault("model", Model.objects.filter(name=name).first() or model(name))
    made = Deployment(**{"name": name, "engine": "echo"} | fields)
    desired.save(made, actor="ada", reason="create")
    return Deployment.objects.get(pk=made.pk)


def node(name: str = "node-a", **fields: Any) -> Node:
    return Node.objects.create(**{"name": name, "hostname": f"{name}.example", "last_seen_at": Now()} | fields)


def device(of: Node, index: int = 0, **fields: Any) -> Device:
    facts = {"kind": "cuda", "name": "H100", "memory_total_bytes": 80 * GIB, "memory_used_bytes": 10 * GIB}
    return Device.objects.create(node=of, index=index, observed_at=Now(), **facts | fields)


def worker(of: Deployment, on: Device | None = None, **fields: Any) -> Worker:
    """READY and beating, unless told otherwise; with a claim of 4 GiB when it has a device."""
    facts = {"state": WorkerState.READY, "heartbeat_at": Now(), "replica": 0, "progress": 100} | fields
    facts |= {"node": on.node if on else None} if "node" not in fields else {}
    launch_id = fields.get("launch_id", uuid4())
    facts |= {"launch_id": launch_id, "token_hash": token_hash(launch_id)}
    made = Worker.objects.create(deployment=of, revision=of.revisions.all()[0], **facts)
    if on is not None:
        Claim.objects.create(worker=made, device=on, bytes=4 * GIB)
    return Worker.objects.get(pk=made.pk)


def failed_worker(of: Deployment, reason: str = "the folder /models/chat does not exist", **fields: Any) -> Worker:
    """A launch that failed just now; with `attempt=4` and the default budget of 5 it was the last."""
    made = worker(of, **{"state": WorkerState.FAILED, "reason": reason, "heartbeat_at": None} | fields)
    moments = {"ended_at": Now(), "window_started_at": Now() - timedelta(seconds=30)}
    Worker.objects.filter(pk=made.pk).update(**moments)
    event(of, reason=reason, to_state=WorkerState.FAILED, worker=made)
    return Worker.objects.get(pk=made.pk)


def event(of: Deployment, **fields: Any) -> Event:
    facts = {"actor": "reconciler", "subject": f"{of.name}/0", "from_state": WorkerState.LOADING}
    return Event.objects.create(deployment=of, **facts | fields)


def fleet(size: int) -> None:
    """So many of everything: models with aliases, deployments, nodes with a device, workers, events."""
    for number in range(size):
        chat = model(f"chat-{number}")
        alias(f"also-{number}", chat)
        made = deployment(f"chat-{number}", model=chat)
        worker(made, device(node(f"node-{number}-{uuid4().hex[:4]}")))
        failed_worker(made, replica=1)


def user(name: str = "ada", *permissions: str, **fields: Any) -> User:
    """Staff with these permissions, such as `view_deployment`; without a password, since hashing one is slow."""
    made: User = User.objects.create_user(name, **{"is_staff": True} | fields)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def superuser(name: str = "root") -> User:
    return User.objects.create_superuser(name)
