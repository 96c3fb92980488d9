"""What an agent does for one launch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from registry.agent.duty import BIRTH_LIMIT, DRAIN_GRACE, ENDED_LIMIT, STOP_LIMIT, Duty, Life, Seen, duty
from registry.states import TERMINAL, Order, WorkerState

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DRAIN_LIMIT = timedelta(seconds=60)
RUNNING = Seen(
    state=WorkerState.READY,
    order=Order.RUN,
    ordered_at=NOW - timedelta(hours=1),
    drain_limit=DRAIN_LIMIT,
    launching_at=NOW - timedelta(hours=1),
    ended_at=None,
    recorded=True,
    exited=False,
    life=Life.RUNNING,
    now=NOW,
)
ORDERED = replace(RUNNING, state=WorkerState.STARTING, launching_at=None, recorded=False, life=Life.GONE)


def test_a_running_worker_needs_nothing() -> None:
    assert duty(RUNNING) is Duty.NOTHING


def test_an_ordered_launch_is_started() -> None:
    assert duty(ORDERED) is Duty.LAUNCH


@pytest.mark.parametrize("order", [Order.DRAIN, Order.STOP])
def test_a_launch_that_was_called_off_is_not_started(order: Order) -> None:
    assert duty(replace(ORDERED, order=order)) is Duty.NOTHING


def test_a_process_that_an_earlier_agent_started_is_adopted() -> None:
    assert duty(replace(RUNNING, recorded=False)) is Duty.ADOPT


@pytest.mark.parametrize("order", list(Order))
def test_a_process_that_is_gone_is_recorded_whatever_its_order(order: Order) -> None:
    assert duty(replace(RUNNING, life=Life.GONE, order=order)) is Duty.RECORD_EXIT


def test_a_recorded_exit_is_not_recorded_twice() -> None:
    assert duty(replace(RUNNING, life=Life.GONE, exited=True)) is Duty.NOTHING


def test_a_launch_that_another_agent_just_took_on_gets_a_moment_to_appear() -> None:
    taken_on = replace(RUNNING, recorded=False, life=Life.GONE, launching_at=NOW - BIRTH_LIMIT + SECOND)
    assert duty(taken_on) is Duty.NOTHING
    assert duty(replace(taken_on, now=NOW + 2 * SECOND)) is Duty.RECORD_EXIT


def test_what_a_gone_worker_left_behind_is_killed_before_its_end_is_recorded() -> None:
    assert duty(replace(RUNNING, life=Life.REMNANTS)) is Duty.KILL


@pytest.mark.parametrize(("order", "limit"), [(Order.DRAIN, DRAIN_LIMIT + DRAIN_GRACE), (Order.STOP, STOP_LIMIT)])
def test_a_worker_that_does_not_follow_its_order_in_time_is_killed(order: Order, limit: timedelta) -> None:
    ordered = replace(RUNNING, order=order, ordered_at=NOW - limit)
    assert duty(ordered) is Duty.NOTHING
    assert duty(replace(ordered, now=NOW + SECOND)) is Duty.KILL


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_ended_launch_that_is_to_stop_is_killed_at_once(state: WorkerState) -> None:
    assert duty(replace(RUNNING, state=state, order=Order.STOP, ordered_at=NOW, ended_at=NOW)) is Duty.KILL


@pytest.mark.parametrize("order", [Order.RUN, Order.DRAIN])
def test_an_ended_launch_may_finish_its_streams_for_a_while(order: Order) -> None:
    ended = replace(RUNNING, state=WorkerState.LOST, order=order, ended_at=NOW - ENDED_LIMIT)
    assert duty(ended) is Duty.NOTHING
    assert duty(replace(ended, now=NOW + SECOND)) is Duty.KILL
