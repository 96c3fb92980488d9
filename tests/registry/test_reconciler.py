"""Snapshot, plan, rows: the crank of the control plane on a real database."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Sum
from django.db.models.functions import Now

from registry import desired
from registry.agent import registration
from registry.agent.devices import ObservedDevice
from registry.desired import Wish
from registry.errors import InvalidDesire, NotFound
from registry.models import Alias, Claim, Deployment, Device, Event, Model, Node, Worker
from registry.reconciler import Turn, reconcile_once
from registry.states import Order, WorkerState
from registry.sweep import SWEEPER_LOCK

pytestmark = [pytest.mark.database, pytest.mark.django_db]

GIB = 2**30


@pytest.fixture
def node() -> Node:
    device = ObservedDevice(index=0, kind="cpu", uuid="", name="a CPU", memory_total_bytes=10 * GIB)
    return registration.join("a", uuid4(), [device])


def deploy(**wish: object) -> Deployment:
    return desired.deploy(Wish(**{"name": "echo", "engine": "echo", "memory_bytes": 4 * GIB} | wish), actor="ada")


def test_a_deployment_becomes_a_claimed_and_ordered_worker(node: Node) -> None:
    deploy()
    reconcile_once()
    worker = Worker.objects.get()
    assert (worker.state, worker.order, worker.node) == ("STARTING", "run", node)
    assert Claim.objects.get().bytes == 4 * GIB
    assert list(Event.objects.filter(worker=worker).order_by("id").values_list("to_state", flat=True)) == [
        "PENDING",
        "PLACED",
        "STARTING",
    ]


def test_turning_the_crank_again_changes_nothing(node: Node) -> None:
    deploy()
    reconcile_once()
    assert reconcile_once() == Turn(0, calm=False)


def test_what_does_not_fit_waits_with_a_reason_and_the_claims_never_exceed_the_device(node: Node) -> None:
    deploy(replicas=4)
    reconcile_once()
    assert Device.objects.aggregate(sum=Sum("claims__bytes"))["sum"] == 8 * GIB
    waiting = Worker.objects.filter(state=WorkerState.PENDING)
    assert waiting.count() == 2
    assert "2 GiB of 10 GiB are free" in waiting[0].reason


def test_a_silent_node_gets_nothing(node: Node) -> None:
    Node.objects.update(last_seen_at=Now() - timedelta(minutes=1))
    deploy()
    reconcile_once()
    assert "the node's agent is silent" in Worker.objects.get().reason


def test_a_second_control_process_stands_aside(node: Node) -> None:
    deploy()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SWEEPER_LOCK])
        try:
            assert reconcile_once() is None
        finally:
            other.close()


def test_stopping_ends_an_unlaunched_worker_and_frees_its_claims(node: Node) -> None:
    deployment = deploy()
    reconcile_once()
    desired.stop(deployment, actor="bob")
    reconcile_once()
    worker = Worker.objects.get()
    assert (worker.state, worker.reason) == ("STOPPED", "bob stopped the deployment")
    assert not Claim.objects.exists()


def test_a_running_worker_is_drained_and_ends_when_its_process_is_gone(node: Node) -> None:
    deployment = deploy()
    reconcile_once()
    Worker.objects.update(state=WorkerState.READY, launching_at=Now(), pid=1)
    desired.stop(deployment, actor="bob")
    reconcile_once()
    assert Worker.objects.get().order == Order.DRAIN
    assert Claim.objects.exists()
    Worker.objects.update(exited_at=Now())
    reconcile_once()
    assert Worker.objects.get().state == WorkerState.STOPPED
    assert not Claim.objects.exists()


def test_only_one_active_launch_per_replica_is_possible(node: Node) -> None:
    deploy()
    reconcile_once()
    first = Worker.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Worker.objects.create(deployment=first.deployment, revision=first.revision, replica=0)


def test_every_edit_makes_a_revision_and_only_some_need_new_workers(node: Node) -> None:
    deployment = deploy()
    desired.scale(deployment, 2, actor="bob")
    desired.scale(deployment, 2, actor="bob")
    deploy(options={"token_delay_ms": 5})
    first, scaled, edited = deployment.revisions.order_by("number")
    assert [revision.created_by for revision in (first, scaled, edited)] == ["ada", "bob", "ada"]
    assert first.launch_key == scaled.launch_key != edited.launch_key


def test_an_order_leaves_alone_what_somebody_else_changed_meanwhile(node: Node) -> None:
    mine = deploy()
    deploy(options={"token_delay_ms": 5})
    desired.stop(mine, actor="bob")
    deployment = Deployment.objects.get()
    assert (deployment.options, deployment.paused) == ({"token_delay_ms": 5}, True)


def test_an_edit_lets_a_replica_that_was_given_up_begin_anew(node: Node) -> None:
    deployment = deploy(restart_budget=1)
    reconcile_once()
    Worker.objects.update(state=WorkerState.FAILED, launching_at=Now(), exited_at=Now(), ended_at=Now())
    reconcile_once()
    assert Worker.objects.count() == 1
    deployment.load_timeout_s = 900
    desired.save(deployment, actor="ada")
    reconcile_once()
    assert Worker.objects.count() == 2


def test_a_name_belongs_to_a_model_or_to_an_alias_but_never_to_both() -> None:
    model = Model.objects.create(name="llama")
    Alias.objects.create(name="gpt-4", model=model)
    with pytest.raises(IntegrityError, match="gpt-4 is already an alias"), transaction.atomic():
        Model.objects.create(name="gpt-4")
    with pytest.raises(IntegrityError, match="llama is already a model"), transaction.atomic():
        Alias.objects.create(name="llama", model=model)


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"name": "Bad Name"}, "lower-case"),
        ({"engine": "warp"}, "warp"),
        ({"replicas": 1000}, "256"),
        ({"options": {"device": "tpu"}}, "device must be one of"),
        ({"engine": "transformers", "name": "nowhere"}, "say --path"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_whole(wish: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidDesire, match=complaint):
        deploy(**wish)
    assert not Deployment.objects.exists()
    assert not Model.objects.exists()


def test_an_unknown_deployment_is_answered_with_what_there_is() -> None:
    deploy()
    with pytest.raises(NotFound, match="Deployments: echo"):
        desired.find("eccho")


def test_a_deployment_that_runs_cannot_be_deleted(node: Node) -> None:
    deployment = deploy()
    reconcile_once()
    with pytest.raises(InvalidDesire, match="stop it first"):
        desired.delete(deployment, actor="ada")


@pytest.mark.django_db(transaction=True)
def test_many_control_processes_at_once_place_every_replica_exactly_once() -> None:
    device = ObservedDevice(index=0, kind="cpu", uuid="", name="a CPU", memory_total_bytes=10 * GIB)
    registration.join("a", uuid4(), [device])
    for number in range(6):
        deploy(name=f"echo-{number}", memory_bytes=2 * GIB)

    def turn() -> None:
        for _ in range(5):
            reconcile_once()
        connections.close_all()

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Worker.objects.count() == 6
    assert Worker.objects.filter(state=WorkerState.STARTING).count() == 5
    assert Device.objects.aggregate(sum=Sum("claims__bytes"))["sum"] == 10 * GIB
