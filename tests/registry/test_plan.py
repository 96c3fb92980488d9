"""The plan: from a snapshot to actions, with the clock passed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from registry.placement import Placement, Unplaceable
from registry.plan import Command, Create, End, Ending, Place, Release, backoff_s
from registry.states import Order, WorkerState
from tests.registry.views import CHAT, CPU, GIB, NOW, planned, worker


def test_a_missing_replica_is_created_with_a_place() -> None:
    [action] = planned()
    assert isinstance(action, Create)
    assert action.outcome == Placement(node_id=1, claims=((1, 4 * GIB),), label="a:0")


def test_a_replica_that_runs_is_left_alone() -> None:
    assert planned(worker()) == []


def test_replicas_created_in_one_plan_share_the_room_that_is_there() -> None:
    actions = planned(deployment=replace(CHAT, replicas=5))
    placed = [action for action in actions if isinstance(action, Create) and isinstance(action.outcome, Placement)]
    assert (len(actions), len(placed)) == (5, 4)


def test_a_waiting_replica_is_placed_when_room_comes() -> None:
    [action] = planned(worker(WorkerState.PENDING, launching_at=None))
    assert isinstance(action, Place)
    assert isinstance(action.outcome, Placement)


def test_a_replica_without_room_waits_and_says_why() -> None:
    [action] = planned(devices=(replace(CPU, claimed=14 * GIB),))
    assert isinstance(action, Create)
    assert isinstance(action.outcome, Unplaceable)
    assert "a:0: 2 GiB of 16 GiB are free, 4 GiB are needed" in action.outcome.sentence


def test_a_paused_deployment_drains_its_workers() -> None:
    [action] = planned(worker(), deployment=replace(CHAT, replicas=0))
    assert action == Command(1, Order.DRAIN, "ada stopped the deployment")


def test_a_launch_that_no_agent_took_on_is_simply_ended_by_a_stop() -> None:
    [action] = planned(worker(WorkerState.STARTING, launching_at=None), deployment=replace(CHAT, replicas=0))
    assert action == End(1, WorkerState.STOPPED, "ada stopped the deployment")


def test_a_drained_worker_whose_process_is_gone_is_stopped_with_the_reason_of_its_order() -> None:
    gone = worker(WorkerState.DRAINING, order=Order.DRAIN, exited_at=NOW, reason="ada stopped the deployment")
    [action] = planned(gone, deployment=replace(CHAT, replicas=0))
    assert action == End(1, WorkerState.STOPPED, "ada stopped the deployment")


def test_an_unexpected_exit_is_a_failure_and_the_next_launch_waits_for_the_back_off() -> None:
    assert planned(worker(exited_at=NOW, ending=Ending("killed"))) == [End(1, WorkerState.FAILED, "killed")]


def test_an_exit_that_nobody_watched_is_a_loss_and_is_made_good_at_once() -> None:
    lost, created = planned(worker(exited_at=NOW, ending=Ending("gone", witnessed=False)))
    assert lost == End(1, WorkerState.LOST, "gone")
    assert isinstance(created, Create)
    assert created.attempt == 0


@pytest.mark.parametrize(("ago", "created"), [(0.5, False), (1.1, True)])
def test_after_the_first_failure_the_next_launch_comes_a_second_later(ago: float, created: bool) -> None:
    failed = worker(WorkerState.FAILED, ended_at=NOW - timedelta(seconds=ago), exited_at=NOW)
    assert [type(action) for action in planned(failed)] == ([Create] if created else [])


def test_failures_are_counted_within_their_window() -> None:
    ended = NOW - timedelta(seconds=30)
    [action] = planned(
        worker(WorkerState.FAILED, attempt=2, window_started_at=NOW - timedelta(minutes=9), ended_at=ended)
    )
    assert isinstance(action, Create)
    assert (action.attempt, action.window_started_at) == (3, NOW - timedelta(minutes=9))


def test_an_old_window_is_forgotten() -> None:
    ended = NOW - timedelta(seconds=30)
    [action] = planned(
        worker(WorkerState.FAILED, attempt=4, window_started_at=NOW - timedelta(minutes=11), ended_at=ended)
    )
    assert isinstance(action, Create)
    assert (action.attempt, action.window_started_at) == (1, ended)


def test_a_spent_budget_ends_the_tries_until_an_operator_renews() -> None:
    spent = worker(
        WorkerState.FAILED,
        attempt=4,
        window_started_at=NOW - timedelta(hours=2),
        ended_at=NOW - timedelta(hours=1, minutes=59),
    )
    patient = replace(CHAT, renewed_at=NOW - timedelta(hours=3))
    assert planned(spent, deployment=patient) == []
    [action] = planned(spent, deployment=replace(CHAT, renewed_at=NOW))
    assert isinstance(action, Create)
    assert action.attempt == 0


def test_scaling_down_drains_the_highest_replicas_only() -> None:
    deployment = replace(CHAT, replicas=1)
    [action] = planned(worker(), worker(id=2, replica=1), deployment=deployment)
    assert action == Command(2, Order.DRAIN, "ada scaled to 1")


def test_a_failed_worker_keeps_its_claims_until_its_process_is_gone() -> None:
    failed = worker(WorkerState.FAILED, ended_at=NOW, claims=((1, 4 * GIB),))
    assert planned(failed) == []
    assert planned(replace(failed, exited_at=NOW)) == [Release(1)]


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (50, 300)])
def test_the_back_off_doubles_up_to_five_minutes(failures: int, seconds: int) -> None:
    assert backoff_s(failures) == seconds
