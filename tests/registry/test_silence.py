"""Silence: of nodes, of workers, of the control plane itself, and when it means something."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from registry.plan import Action, Alarm, Command, Create, End, Limits, NodeBack, NodeLost, NodeView
from registry.states import Order, WorkerState
from tests.registry.views import CHAT, GIB, NODE, NOW, planned, worker

LATE = NOW - timedelta(seconds=11)
SILENT = replace(NODE, last_seen_at=LATE)
CLAIM = ((1, 4 * GIB),)


def kinds(actions: list[Action]) -> list[type[Action]]:
    return [type(action) for action in actions]


def test_a_silent_node_is_said_to_be_lost_once() -> None:
    assert planned(worker(), nodes=(SILENT,)) == [NodeLost(1, timedelta(seconds=11))]
    assert planned(worker(), nodes=(replace(SILENT, lost_at=NOW),)) == []


def test_a_worker_that_beats_outlives_its_silent_agent() -> None:
    assert End not in kinds(planned(worker(heartbeat_at=NOW), nodes=(SILENT,)))


def test_a_worker_that_is_silent_with_its_node_is_lost_and_made_good_at_once() -> None:
    lost, end, create = planned(worker(heartbeat_at=LATE, claims=CLAIM), nodes=(SILENT,))
    assert isinstance(lost, NodeLost)
    assert isinstance(end, End)
    assert (end.state, end.cause) == (WorkerState.LOST, "node_lost")
    assert isinstance(create, Create)
    assert create.attempt == 0


def test_a_silent_worker_is_lost_with_an_agent_that_left() -> None:
    left = replace(NODE, left_at=NOW - timedelta(seconds=1))
    assert kinds(planned(worker(heartbeat_at=LATE), nodes=(left,))) == [End, Create]


def test_a_node_that_is_heard_again_is_back() -> None:
    lost = replace(NODE, lost_at=NOW - timedelta(seconds=40))
    assert planned(worker(), nodes=(lost,)) == [NodeBack(1, timedelta(seconds=40))]


def test_silence_counts_only_while_somebody_listened() -> None:
    silent = worker(heartbeat_at=LATE, unresponsive_since=LATE)
    assert planned(silent, nodes=(SILENT,), listening_since=NOW - timedelta(seconds=2)) == []


def test_a_launch_on_a_lost_node_that_nobody_took_on_goes_elsewhere() -> None:
    waiting = worker(WorkerState.STARTING, launching_at=None, heartbeat_at=None, state_changed_at=LATE, claims=CLAIM)
    _, end, create = planned(waiting, nodes=(SILENT,))
    assert isinstance(end, End)
    assert end.state == WorkerState.LOST
    assert isinstance(create, Create)


@pytest.mark.parametrize(("late", "braked"), [(1, False), (2, True), (3, True)])
def test_when_most_nodes_are_silent_at_once_nobody_is_evicted(late: int, braked: bool) -> None:
    nodes = tuple(NodeView(number, f"n{number}", LATE if number <= late else NOW) for number in (1, 2, 3))
    actions = planned(worker(heartbeat_at=LATE), nodes=nodes)
    assert (kinds(actions) == [Alarm]) is braked
    assert (End in kinds(actions)) is not braked


def test_the_alarm_ends_with_its_cause() -> None:
    nodes = tuple(NodeView(number, f"n{number}", NOW) for number in (1, 2, 3))
    assert planned(worker(), nodes=nodes, alarm="2 of 3 nodes are silent") == [Alarm("")]


def test_nodes_that_were_lost_before_do_not_count_for_the_brake() -> None:
    gone = [NodeView(number, f"n{number}", LATE, lost_at=NOW - timedelta(minutes=2)) for number in (2, 3)]
    nodes = (SILENT, *gone, NodeView(4, "n4", NOW), NodeView(5, "n5", NOW))
    assert NodeLost in kinds(planned(worker(), nodes=nodes))


def test_a_worker_that_neither_beats_nor_answers_is_hung() -> None:
    hung = worker(heartbeat_at=NOW - timedelta(seconds=7), unresponsive_since=NOW - timedelta(seconds=4), claims=CLAIM)
    [end] = planned(hung)
    assert isinstance(end, End)
    assert (end.state, end.cause, end.kill) == (WorkerState.FAILED, "hung", True)
    assert "neither beats nor answers" in end.reason


def test_a_worker_that_answers_its_agent_is_not_hung_however_long_the_database_misses_it() -> None:
    assert planned(worker(heartbeat_at=NOW - timedelta(minutes=5))) == []


def test_an_engine_that_makes_no_step_is_hung() -> None:
    [end] = planned(worker(stalled_s=121))
    assert isinstance(end, End)
    assert "made no step for 121 s" in end.reason
    assert planned(worker(stalled_s=119)) == []


@pytest.mark.parametrize(
    ("state", "facts", "says"),
    [
        (WorkerState.STARTING, {"launching_at": None}, "did not take the launch on"),
        (WorkerState.STARTING, {}, "no sign of life"),
        (WorkerState.LOADING, {}, "loading took longer than 30 s"),
    ],
)
def test_each_part_of_a_start_has_its_time_out(state: WorkerState, facts: dict[str, object], says: str) -> None:
    quick = replace(CHAT, limits=Limits(start=timedelta(seconds=30), load=timedelta(seconds=30)))
    slow = worker(state, state_changed_at=NOW - timedelta(seconds=31), **facts)
    [end] = planned(slow, deployment=quick)
    assert isinstance(end, End)
    assert (end.state, end.cause) == (WorkerState.FAILED, "timeout")
    assert says in end.reason


def test_a_drain_that_takes_too_long_becomes_a_stop() -> None:
    draining = worker(WorkerState.DRAINING, order=Order.DRAIN, ordered_at=NOW - timedelta(seconds=61), reason="why")
    stopped = replace(CHAT, replicas=0)
    assert planned(draining, deployment=stopped) == [Command(1, Order.STOP, "why")]
    assert planned(replace(draining, ordered_at=NOW), deployment=stopped) == []


def nodes_silent_for(*seconds: float) -> tuple[NodeView, ...]:
    heard = ((number, NOW - timedelta(seconds=ago)) for number, ago in enumerate(seconds, 1))
    return tuple(replace(NODE, id=number, name=f"n{number}", last_seen_at=at) for number, at in heard)


def test_nodes_that_fall_silent_together_are_not_given_up_one_after_the_other() -> None:
    [alarm] = planned(worker(heartbeat_at=LATE), nodes=nodes_silent_for(10.4, 10.1, 9.6, 0.3))
    assert isinstance(alarm, Alarm)
    assert "3 of 4 nodes" in alarm.text


def test_a_node_that_was_given_up_just_before_counts_for_the_brake() -> None:
    first, *others = nodes_silent_for(18, 12, 12, 0.3)
    just_lost = replace(first, lost_at=NOW - timedelta(seconds=8))
    assert kinds(planned(nodes=(just_lost, *others), deployment=replace(CHAT, replicas=0))) == [Alarm]
    long_lost = replace(first, lost_at=NOW - timedelta(hours=1), last_seen_at=NOW - timedelta(hours=2))
    two_of_four = (long_lost, *nodes_silent_for(0, 12, 12, 0.3, 0.3)[1:])
    assert kinds(planned(nodes=two_of_four, deployment=replace(CHAT, replicas=0))) == [NodeLost, NodeLost]


def test_there_is_no_alarm_before_anybody_would_be_given_up() -> None:
    assert planned(worker(heartbeat_at=NOW), nodes=nodes_silent_for(6, 6, 6)) == []
