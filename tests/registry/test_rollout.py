"""Replacing workers: one after the other, the new one ready before the old one goes, where there is room for both."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from registry.placement import Placement, Unplaceable
from registry.plan import Command, Create, End, NodeView, Place, Promote, Release
from registry.states import Order, WorkerState
from tests.registry.views import CHAT, CPU, GIB, NODE, NOW, planned, worker

NEWER = replace(CHAT, launch_key="two", revision_number=2)
TWO = replace(NEWER, replicas=2)
OLD = worker(claims=((1, 4 * GIB),))
OTHER = replace(OLD, id=2, replica=1)
FULL = replace(CPU, claimed=14 * GIB)
CHANGED = "ada changed the options (revision 2)"


def test_a_changed_revision_first_launches_a_successor() -> None:
    [create] = planned(OLD, deployment=NEWER)
    assert isinstance(create, Create)
    assert (create.replica, create.replaces) == (0, OLD.id)
    assert isinstance(create.outcome, Placement)


def test_the_old_worker_is_drained_when_its_successor_is_ready() -> None:
    successor = worker(id=3, launch_key="two", replaces=1)
    assert planned(OLD, successor, deployment=NEWER) == [Command(1, Order.DRAIN, CHANGED), Promote(3)]


def test_while_the_successor_loads_nothing_else_happens() -> None:
    successor = worker(WorkerState.LOADING, id=3, launch_key="two", replaces=1)
    assert planned(OLD, OTHER, successor, deployment=TWO) == []


def test_replicas_are_replaced_one_after_the_other() -> None:
    [create] = planned(OLD, OTHER, deployment=TWO)
    assert isinstance(create, Create)
    promoted = worker(id=3, launch_key="two")
    leaving = replace(OLD, order=Order.DRAIN)
    [second] = planned(leaving, OTHER, promoted, deployment=TWO)
    assert isinstance(second, Create)
    assert (create.replaces, second.replaces) == (1, 2)


def test_without_room_for_both_the_old_one_goes_first() -> None:
    drain, create = planned(OLD, OTHER, deployment=TWO, devices=(FULL,))
    assert drain == Command(1, Order.DRAIN, f"{CHANGED}; there is no room for both")
    assert isinstance(create, Create)
    assert create.replaces is None
    assert isinstance(create.outcome, Unplaceable)


def test_the_next_replica_waits_until_the_room_of_the_first_is_taken_again() -> None:
    leaving = replace(OLD, order=Order.DRAIN, state=WorkerState.DRAINING)
    waiting = worker(WorkerState.PENDING, id=3, launch_key="two", launching_at=None, node_id=None)
    [place] = planned(leaving, OTHER, waiting, deployment=TWO, devices=(FULL,))
    assert isinstance(place, Place)


def test_what_would_not_even_fit_alone_leaves_the_old_worker_serving() -> None:
    greedy = replace(NEWER, request=replace(NEWER.request, bytes=100 * GIB))
    [create] = planned(OLD, deployment=greedy)
    assert isinstance(create, Create)
    assert create.replaces == OLD.id
    assert isinstance(create.outcome, Unplaceable)


def test_a_successor_that_fails_is_tried_again_while_the_old_worker_serves() -> None:
    failed = worker(WorkerState.FAILED, id=3, launch_key="two", ended_at=NOW - timedelta(seconds=2), exited_at=NOW)
    [create] = planned(OLD, OTHER, failed, deployment=TWO)
    assert isinstance(create, Create)
    assert (create.replaces, create.attempt) == (1, 1)


def test_a_revision_that_always_fails_stops_at_the_first_replica() -> None:
    spent = worker(
        WorkerState.FAILED,
        id=3,
        launch_key="two",
        attempt=4,
        window_started_at=NOW - timedelta(minutes=5),
        ended_at=NOW - timedelta(minutes=1),
        exited_at=NOW,
    )
    assert planned(OLD, OTHER, spent, deployment=TWO) == []


def test_going_back_to_the_old_options_sends_the_successor_away() -> None:
    successor = worker(WorkerState.LOADING, id=3, launch_key="two", replaces=1)
    [drain] = planned(OLD, successor, deployment=CHAT)
    assert drain == Command(3, Order.DRAIN, "the worker that it was to replace is wanted again")


def test_a_successor_takes_over_at_once_when_the_old_worker_dies() -> None:
    dead = replace(OLD, exited_at=NOW)
    successor = worker(WorkerState.LOADING, id=3, launch_key="two", replaces=1)
    end, promote = planned(dead, successor, deployment=NEWER)
    assert isinstance(end, End)
    assert promote == Promote(3)


def test_a_worker_that_serves_nobody_yet_is_replaced_at_once() -> None:
    loading = worker(WorkerState.LOADING, claims=((1, 4 * GIB),))
    drain, create = planned(loading, deployment=NEWER)
    assert drain == Command(1, Order.DRAIN, CHANGED)
    assert isinstance(create, Create)


def test_the_room_of_a_launch_that_nobody_took_on_is_there_for_the_next_one() -> None:
    starting = worker(WorkerState.STARTING, launching_at=None, heartbeat_at=None, claims=((1, 4 * GIB),))
    end, create = planned(starting, deployment=NEWER, devices=(FULL,))
    assert end == End(1, WorkerState.STOPPED, CHANGED)
    assert isinstance(create, Create)
    assert isinstance(create.outcome, Placement)


def test_a_restart_is_a_rollout_too() -> None:
    [create] = planned(OLD, deployment=replace(CHAT, renewed_at=NOW))
    assert isinstance(create, Create)
    assert create.replaces == OLD.id


def test_a_replica_without_a_place_does_not_hold_up_the_others() -> None:
    waiting = worker(WorkerState.PENDING, id=3, replica=1, launch_key="two", launching_at=None, node_id=None)
    actions = planned(OLD, waiting, deployment=TWO, devices=(FULL,))
    assert [type(action) for action in actions] == [Command, Create, Place]


def test_a_drained_node_hands_its_replicas_over() -> None:
    draining = replace(NODE, drain_deadline=NOW + timedelta(minutes=5), changed_by="bob")
    there = replace(CPU, unusable="the node is cordoned")
    elsewhere = replace(CPU, id=2, node_id=2, node="b")
    [create] = planned(OLD, devices=(there, elsewhere), nodes=(draining, NodeView(2, "b", NOW)))
    assert isinstance(create, Create)
    assert create.replaces == OLD.id
    successor = worker(id=3, replaces=1, node_id=2)
    drain, _ = planned(OLD, successor, devices=(there, elsewhere), nodes=(draining, NodeView(2, "b", NOW)))
    assert drain == Command(1, Order.DRAIN, "bob drains a")


def test_what_cannot_go_elsewhere_is_stopped_at_the_deadline_of_the_drain() -> None:
    draining = replace(NODE, drain_deadline=NOW, changed_by="bob")
    waiting = worker(WorkerState.PENDING, id=3, replaces=1, launching_at=None, node_id=None)
    there = replace(CPU, unusable="the node is cordoned")
    stop, *_ = planned(OLD, waiting, devices=(there,), nodes=(draining,))
    assert stop == Command(1, Order.STOP, "bob drained a, and its deadline is over")


def test_claims_that_are_released_make_room_in_the_same_plan() -> None:
    gone = worker(WorkerState.FAILED, launch_key="one", ended_at=NOW, exited_at=NOW, claims=((1, 14 * GIB),))
    release, create = planned(gone, deployment=NEWER, devices=(FULL,))
    assert release == Release(1)
    assert isinstance(create, Create)
    assert isinstance(create.outcome, Placement)


def test_replicas_go_to_different_nodes_where_they_can() -> None:
    gpus = tuple(
        replace(CPU, id=id_, node_id=node_id, node=name, index=index, kind="cuda", claimed=index * GIB)
        for id_, node_id, name, index in [(1, 1, "a", 0), (2, 1, "a", 1), (3, 2, "b", 4), (4, 2, "b", 5)]
    )
    actions = planned(deployment=replace(CHAT, replicas=3), devices=gpus)
    places = [action.outcome for action in actions if isinstance(action, Create)]
    assert [place.label for place in places if isinstance(place, Placement)] == ["a:0", "b:4", "a:1"]
