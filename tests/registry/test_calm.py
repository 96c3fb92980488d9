"""When the control plane may look less often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from registry.plan import NodeView, Snapshot, WorkerView, calm
from registry.states import Order, WorkerState
from tests.registry.views import NODE, NOW, worker

SECONDS_AGO = NOW - timedelta(seconds=4)
READY = worker(heartbeat_at=NOW)
HEARD = replace(NODE, last_seen_at=NOW)


def is_calm(*workers: WorkerView, node: NodeView = HEARD, alarm: str = "") -> bool:
    return calm(Snapshot(now=NOW, deployments=(), workers=workers, devices=(), nodes=(node,), alarm=alarm))


def test_it_is_calm_when_all_is_ready_and_was_heard_or_was_stopped() -> None:
    assert is_calm()
    assert is_calm(READY, worker(WorkerState.STOPPED))
    assert is_calm(READY, node=replace(HEARD, last_seen_at=SECONDS_AGO, left_at=NOW))


@pytest.mark.parametrize(
    "restless",
    [
        *(worker(state, heartbeat_at=NOW) for state in WorkerState if state not in {"READY", "STOPPED"}),
        replace(READY, heartbeat_at=SECONDS_AGO),
        replace(READY, heartbeat_at=None),
        replace(READY, order=Order.DRAIN),
        replace(READY, stalled_s=1.0),
        replace(READY, unresponsive_since=NOW),
        replace(READY, exited_at=NOW),
        replace(READY, replaces=7),
        worker(WorkerState.STOPPED, claims=((1, 1),)),
    ],
)
def test_it_is_not_while_something_is_under_way_or_silent(restless: WorkerView) -> None:
    assert not is_calm(READY, restless)


def test_it_is_not_while_a_node_is_silent_or_drained_or_an_alarm_stands() -> None:
    assert not is_calm(READY, node=replace(HEARD, last_seen_at=SECONDS_AGO))
    assert not is_calm(READY, node=replace(HEARD, drain_deadline=NOW))
    assert not is_calm(READY, alarm="most nodes are silent")
