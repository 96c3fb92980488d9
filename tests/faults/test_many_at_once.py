"""Many operators and many control planes at once, on a real database: nothing is promised twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import Now
from faultreport import Report
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from yard import until

from registry import desired
from registry.agent import registration
from registry.agent.devices import ObservedDevice
from registry.desired import Wish
from registry.models import Claim, Deployment, Device, Node, Worker
from registry.reconciler import reconcile_once
from registry.states import ACTIVE, WorkerState

pytestmark = [pytest.mark.database]

GIB = 2**30
THREADS, DEPLOYMENTS, GPUS, GPU_GIB = 4, 50, 8, 80
MOST_TURNS = 20


def join(name: str, *gib: int) -> Node:
    cards = [
        ObservedDevice(
            index=index,
            kind="cuda",
            uuid=f"SIM-{name}-{index}",
            name="H100",
            memory_total_bytes=size * GIB,
            simulated=True,
        )
        for index, size in enumerate(gib)
    ]
    return registration.join(name, uuid4(), cards)


def deploy(name: str, *, gib: int, gpus: int = 1, replicas: int = 1) -> Deployment:
    wish = Wish(name=name, engine="echo", memory_bytes=gib * GIB, replicas=replicas, gpus=gpus)
    return desired.deploy(wish, actor="ada")


def at_once(*works: Callable[[], None]) -> None:
    """Each in a thread with a connection of its own; what they raise is raised here."""

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(run, work) for work in works]:
            done.result()


def reconcile_to_the_end() -> None:
    for _ in range(MOST_TURNS):
        if (turn := reconcile_once()) and not turn.done:
            return
    raise AssertionError("the control plane does not come to rest")


@dataclass(frozen=True)
class Room:
    """What is free of one device."""

    node: int
    free: int
    total: int


def rooms() -> list[Room]:
    devices = Device.objects.annotate(claimed=Sum("claims__bytes", default=0))
    return [Room(d.node_id, d.memory_total_bytes - d.claimed, d.memory_total_bytes) for d in devices]


def exact() -> None:
    """No device is promised twice, no launch is half placed, and what waits truly finds no room."""
    found = rooms()
    assert all(room.free >= 0 for room in found), found
    for worker in Worker.objects.filter(state__in=ACTIVE).annotate(held=Sum("claims__bytes"), cards=Count("claims")):
        wanted, gpus = worker.revision.claim_bytes, worker.revision.snapshot["gpus"]
        share = -(-wanted // gpus)
        if worker.state == WorkerState.PENDING:
            assert worker.held is None, worker
            fitting = [room.node for room in found if room.free >= share]
            assert all(fitting.count(node) < gpus for node in set(fitting)), (worker, found)
        else:
            assert (worker.held, worker.cards) == (share * gpus, gpus), worker


@pytest.mark.django_db(transaction=True)
def test_fifty_deployments_from_four_threads_on_eight_gpus(report: Report) -> None:
    join("a", *[GPU_GIB] * GPUS)
    chance = random.Random(7)
    names = [f"d{number}" for number in range(DEPLOYMENTS)]
    wishes = [(name, chance.randint(5, 40), chance.choice((1, 1, 1, 2))) for name in names]

    def deploy_share(of: int) -> None:
        for name, gib, gpus in wishes[of::THREADS]:
            deploy(name, gib=gib, gpus=gpus)
            reconcile_once()

    begun = time.monotonic()
    at_once(*(lambda of=of: deploy_share(of) for of in range(THREADS)))
    reconcile_to_the_end()
    seconds = time.monotonic() - begun
    exact()
    assert Worker.objects.count() == DEPLOYMENTS
    placed, claimed = Worker.objects.exclude(state="PENDING").count(), Claim.objects.aggregate(sum=Sum("bytes"))["sum"]
    assert claimed > 0.9 * GPUS * GPU_GIB * GIB
    note = f"{placed} placed on {claimed / GIB:.0f} of {GPUS * GPU_GIB} GiB, {DEPLOYMENTS - placed} wait"
    report.add("50 deployments from 4 threads on 8 GPUs", seconds, note=note)


@pytest.mark.django_db(transaction=True)
def test_operators_who_change_one_deployment_at_once_make_one_revision_each() -> None:
    join("a", 80)
    deploy("chat", gib=1)

    def edit(number: int) -> None:
        for step in range(4):
            desired.deploy(Wish(name="chat", options={"token_delay_ms": 10 * number + step}), actor=f"op-{number}")
            reconcile_once()

    at_once(*(lambda number=number: edit(number) for number in range(1, 1 + THREADS)))
    reconcile_to_the_end()
    numbers = sorted(Deployment.objects.get().revisions.values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    newest = Deployment.objects.get().revisions.order_by("-number")[0]
    assert newest.snapshot == Deployment.objects.get().snapshot()
    [worker] = Worker.objects.filter(order="run").exclude(ended_at__isnull=False)
    assert worker.revision == newest


@pytest.mark.django_db(transaction=True)
def test_the_same_new_deployment_from_four_threads_is_made_once() -> None:
    join("a", 80)

    def make() -> None:
        desired.deploy(Wish(name="chat", engine="echo", memory_bytes=GIB), actor="ada")

    at_once(*[make] * THREADS)
    reconcile_to_the_end()
    assert Deployment.objects.count() == 1
    assert Worker.objects.filter(~Q(state="STOPPED")).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_deploy_that_waits_for_a_scale_leaves_the_scale_as_it_is() -> None:
    join("a", 80)
    chat = deploy("chat", gib=1)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            desired.scale(chat, 3, actor="ada")
            editing = threads.submit(edit_and_hang_up, "chat", token_delay_ms=5)
            until(lambda: blocked() > 0, what="the second operator waits for the first")
        editing.result()
    chat.refresh_from_db()
    assert (chat.replicas, chat.options) == (3, {"token_delay_ms": 5})


def edit_and_hang_up(name: str, **options: int) -> None:
    try:
        desired.deploy(Wish(name=name, options=options), actor="bob")
    finally:
        connections.close_all()


def blocked() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        count: int = cursor.fetchone()[0]
    return count


EXIT = "UPDATE registry_worker SET exited_at = now(), exit_code = -9 WHERE exited_at IS NULL AND state = 'READY'"


@pytest.mark.django_db(transaction=True)
def test_an_exit_that_is_written_between_any_two_looks_of_the_control_plane_keeps_its_reason() -> None:
    join("a", 80)
    deploy("chat", gib=1)
    for query in range(16):
        desired.restart(Deployment.objects.get(), actor="ada")
        reconcile_to_the_end()
        Worker.objects.filter(state="STARTING").update(state="READY", launching_at=Now(), pid=1, heartbeat_at=Now())
        with exit_before(query):
            reconcile_once()
        reconcile_once()
        ended = Worker.objects.filter(exited_at__isnull=False)
        assert ended.exists()
        assert not ended.filter(state="FAILED", reason=""), f"an exit before query {query} has no reason"
        Worker.objects.all().delete()


@contextmanager
def exit_before(number: int) -> Iterator[None]:
    """Another connection writes the exits of all that is READY, just before this one's query of that number."""
    other, queries = connection.copy(), count()

    def write_exit() -> None:
        with other.cursor() as cursor:
            cursor.execute(EXIT)

    def wrapper(execute: Callable[..., object], *arguments: object) -> object:
        if next(queries) == number:
            write_exit()
        return execute(*arguments)

    with connection.execute_wrapper(wrapper):
        yield
    write_exit()
    other.close()


class Undone(Exception):
    """Ends a transaction without a trace."""


fleets = st.lists(st.lists(st.sampled_from((16, 24, 80)), min_size=2, max_size=4), min_size=1, max_size=3)
waves = st.lists(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 90), st.sampled_from((1, 1, 2)), st.integers(0, 3)), max_size=4
    ),
    min_size=1,
    max_size=3,
)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # to shrink an example takes minutes here
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(fleets, waves)
@pytest.mark.django_db
def test_random_fleets_are_never_overbooked_and_refuse_only_what_does_not_fit(
    fleet: list[list[int]], changes: list[list[tuple[int, int, int, int]]]
) -> None:
    with suppress(Undone), transaction.atomic():
        for number, cards in enumerate(fleet):
            join(f"n{number}", *cards)
        for wave in changes:
            for number, gib, gpus, replicas in wave:
                deploy(f"d{number}", gib=gib, gpus=gpus, replicas=replicas)
            reconcile_to_the_end()
            exact()
        raise Undone
