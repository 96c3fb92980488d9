"""The plan against random fleets and misfortunes: it never double-books, and it comes to rest where it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from fleetworld import GIB, START, Machine, Process, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.placement import Request
from registry.plan import DeploymentView
from registry.states import ACTIVE, WorkerState

QUIET_TURNS, MOST_TURNS = 8, 400
CARE = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)

machines = st.lists(st.lists(st.sampled_from((16, 24, 80)), min_size=1, max_size=3), min_size=1, max_size=4)
wishes = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from((1, 6, 20, 70, 200)), st.sampled_from((None, None, 1, 2))),
    min_size=1,
    max_size=4,
)
Happening = tuple[Callable[[World, int], None], int, int]  # what, to whom, and the seconds before


def world_of(sizes: list[list[int]], wished: list[tuple[int, int, int | None]]) -> World:
    nodes = [Machine(number, tuple(size * GIB for size in cards)) for number, cards in enumerate(sizes, 1)]
    views = {number: deployment(number, *wish) for number, wish in enumerate(wished, 1)}
    return World(nodes, views)


def deployment(number: int, replicas: int, gib: int, gpus: int | None) -> DeploymentView:
    return DeploymentView(
        id=number,
        name=f"d{number}",
        replicas=replicas,
        revision_id=number,
        launch_key="1",
        request=Request(gib * GIB, gpus=gpus, engine="echo"),
        restart_budget=1000,
        renewed_at=START - timedelta(hours=1),
        changed_by="ada",
    )


def kill(world: World, target: int) -> None:
    if victim := _victim(world, target):
        del world.processes[victim.worker_id]


def hang(world: World, target: int) -> None:
    if victim := _victim(world, target):
        victim.hangs = True


def end_agent(world: World, target: int) -> None:
    _machine(world, target).agent = False


def end_node(world: World, target: int) -> None:
    machine = _machine(world, target)
    machine.agent = False
    world.processes = {key: value for key, value in world.processes.items() if value.node_id != machine.id}


def cut_off(world: World, target: int) -> None:
    _machine(world, target).connected = False


def cut_off_all_but_one(world: World, target: int) -> None:
    for machine in world.machines:
        machine.connected = machine.id == _machine(world, target).id


def heal(world: World, target: int) -> None:
    machine = _machine(world, target)
    machine.agent = machine.connected = True


def drain(world: World, target: int) -> None:
    _machine(world, target).drain_deadline = world.now + timedelta(seconds=target * 5)


def undrain(world: World, target: int) -> None:
    _machine(world, target).drain_deadline = None


def scale(world: World, target: int) -> None:
    wish = _wish(world, target)
    world.deployments[wish.id] = replace(wish, replicas=target % 4)


def edit(world: World, target: int) -> None:
    wish = _wish(world, target)
    world.deployments[wish.id] = replace(wish, launch_key=wish.launch_key + "x")


def restart(world: World, target: int) -> None:
    wish = _wish(world, target)
    world.deployments[wish.id] = replace(wish, renewed_at=world.now)


def _machine(world: World, target: int) -> Machine:
    return world.machines[target % len(world.machines)]


def _victim(world: World, target: int) -> Process | None:
    running = sorted(world.processes)
    return world.processes[running[target % len(running)]] if running else None


def _wish(world: World, target: int) -> DeploymentView:
    return world.deployments[1 + target % len(world.deployments)]


MISFORTUNES = (
    kill,
    kill,
    hang,
    end_agent,
    end_node,
    cut_off,
    cut_off_all_but_one,
    heal,
    drain,
    undrain,
    scale,
    edit,
    restart,
)
misfortunes = st.lists(
    st.tuples(st.sampled_from(MISFORTUNES), st.integers(0, 11), st.integers(0, 16)), min_size=1, max_size=10
)


def live_through(world: World, happens: list[Happening]) -> None:
    for strike, target, seconds in happens:
        for _ in range(1 + seconds):
            world.tick()
            world.turn()
            never_overbooked(world)
            one_of_each(world)
            assert not world.wronged, world.wronged
        strike(world, target)


def never_overbooked(world: World) -> None:
    """Neither by the rows nor by what really runs, those included that the rows have given up."""
    for view in world.devices():
        assert view.claimed <= view.total, view
        running = (claim for process in world.processes.values() for claim in process.claims)
        assert sum(size for device, size in running if device == view.id) <= view.total, view


def one_of_each(world: World) -> None:
    """At most one launch that should run for each replica, and one successor for each launch."""
    running = [worker for worker in world.workers.values() if worker.running]
    mains = [(worker.deployment_id, worker.replica) for worker in running if worker.replaces is None]
    successors = [worker.replaces for worker in running if worker.replaces is not None]
    assert len(mains) == len(set(mains)), mains
    assert len(successors) == len(set(successors)), successors


def come_to_rest(world: World) -> None:
    """Heal everything, and let time pass until nothing is planned any more but to wait for room."""
    for machine in world.machines:
        machine.agent = machine.connected = True
        machine.drain_deadline = None
    quiet = 0
    for _ in range(MOST_TURNS):
        world.tick(5)
        actions = world.turn()
        never_overbooked(world)
        quiet = quiet + 1 if len(actions) == len(world.refused) else 0
        if quiet == QUIET_TURNS and all(worker.state not in MOVING for worker in world.workers.values()):
            return
    raise AssertionError(f"no rest: {actions}")


MOVING = ACTIVE - {WorkerState.READY, WorkerState.PENDING}


def at_rest_all_is_as_wished(world: World) -> None:
    for wish in world.deployments.values():
        mine = [worker for worker in world.workers.values() if worker.deployment_id == wish.id and worker.active]
        mains = {worker.replica: worker for worker in mine if worker.replaces is None}
        assert sorted(mains) == list(range(wish.replicas)), (wish, mine)
        for main in mains.values():
            old = main.launch_key != wish.launch_key or main.created_at < wish.renewed_at
            waits = main.state == WorkerState.PENDING or old
            assert not waits or not world.fits(wish.request), (wish, main)
    active = {worker.id for worker in world.workers.values() if worker.active and worker.state != WorkerState.PENDING}
    assert set(world.processes) == active
    assert {worker.id for worker in world.workers.values() if worker.claims} == active


@CARE
@given(machines, wishes, misfortunes)
def test_whatever_happens_nothing_is_double_booked_and_at_the_end_all_that_fits_runs(
    sizes: list[list[int]], wished: list[tuple[int, int, int | None]], happens: list[Happening]
) -> None:
    world = world_of(sizes, wished)
    live_through(world, happens)
    come_to_rest(world)
    at_rest_all_is_as_wished(world)


@CARE
@given(wishes, misfortunes)
def test_with_room_for_all_every_replica_is_ready_again(
    wished: list[tuple[int, int, int | None]], happens: list[Happening]
) -> None:
    world = world_of([[4000, 4000], [4000, 4000], [4000, 4000]], wished)
    live_through(world, happens)
    come_to_rest(world)
    ready = [worker for worker in world.workers.values() if worker.active]
    assert len(ready) == sum(wish.replicas for wish in world.deployments.values())
    assert {worker.state for worker in ready} <= {WorkerState.READY}
    assert all(worker.launch_key == world.deployments[worker.deployment_id].launch_key for worker in ready)
