"""What a deployment does now, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from registry.states import Order, WorkerState
from registry.status import Launch, Phase, Status, Wanted, node_status, status_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=30)
ONE = Wanted(replicas=1, paused=False, launch_key="seven", restart_budget=5, renewed_at=BEFORE - timedelta(hours=1))
TWO = replace(ONE, replicas=2)


def launch(state: WorkerState = WorkerState.READY, **changes: object) -> Launch:
    view = Launch(
        id=1,
        deployment_id=1,
        launch_key="seven",
        replica=0,
        attempt=0,
        state=state,
        order=Order.RUN,
        created_at=BEFORE,
        state_changed_at=BEFORE,
        heartbeat_at=NOW,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def failed(attempt: int = 0, **changes: object) -> Launch:
    """A launch that failed a minute ago, after so many failures before it."""
    began, ended = NOW - timedelta(minutes=5), NOW - timedelta(minutes=1)
    view = launch(WorkerState.FAILED, attempt=attempt, window_started_at=began, ended_at=ended, reason="no such folder")
    return replace(view, **changes)  # type: ignore[arg-type]


def status(*launches: Launch, wanted: Wanted = ONE) -> Status:
    return status_of(wanted, launches, NOW)


@pytest.mark.parametrize(
    ("launches", "wanted", "phase", "words"),
    [
        ([], ONE, Phase.PROGRESS, "0/1 ready, about to start"),
        ([launch()], ONE, Phase.READY, "1/1 ready"),
        ([launch(), launch(id=2, replica=1)], TWO, Phase.READY, "2/2 ready"),
        ([launch(WorkerState.STARTING)], ONE, Phase.PROGRESS, "0/1 ready, starting"),
        ([launch(WorkerState.PENDING)], ONE, Phase.PROGRESS, "0/1 ready, looking for a place"),
        ([launch(WorkerState.STOPPED)], ONE, Phase.PROGRESS, "0/1 ready, about to start"),
        ([launch(WorkerState.LOST)], ONE, Phase.PROGRESS, "0/1 ready, about to start"),
        ([], replace(ONE, paused=True), Phase.STOPPED, "stopped"),
        ([], replace(ONE, replicas=0), Phase.STOPPED, "stopped"),
        ([launch()], replace(ONE, paused=True), Phase.PROGRESS, "stopping, 1 worker still there"),
        ([failed(4)], ONE, Phase.FAILED, "failed: no such folder"),
        ([failed(1)], ONE, Phase.WAITING, "0/1 ready, failed 2 of 5 times, tries again: no such folder"),
        ([failed(4, reason="")], ONE, Phase.FAILED, "failed: no reason was reported"),
    ],
)
def test_the_words_for_it(launches: list[Launch], wanted: Wanted, phase: Phase, words: str) -> None:
    found = status(*launches, wanted=wanted)
    assert (found.phase, found.words) == (phase, words)


def test_one_of_two_loads() -> None:
    loading = launch(WorkerState.LOADING, id=2, replica=1, progress=40, detail="reading weights")
    found = status(launch(), loading, wanted=TWO)
    assert found.words == "1/2 ready, loading 40 %"
    assert (found.ready, found.percent) == (1, 70)


def test_the_worst_replica_tells_the_story() -> None:
    loading = launch(WorkerState.LOADING, id=2, replica=1, progress=40)
    assert status(failed(4), loading, wanted=TWO).words == "failed: no such folder"
    assert status(launch(id=3), failed(4, id=4, replica=1), wanted=TWO).words == "1/2 ready, failed: no such folder"


def test_why_nothing_fits_is_the_reason_and_not_part_of_the_brief() -> None:
    waiting = launch(WorkerState.PENDING, reason="waiting for a place: node-a:0: the node is cordoned")
    found = status(waiting)
    assert (found.brief, found.reason) == ("0/1 ready, waiting for a place", "node-a:0: the node is cordoned")


@pytest.mark.parametrize("forgiven", [{"renewed_at": NOW}, {"launch_key": "eight"}])
def test_a_restart_and_a_new_revision_forgive(forgiven: dict[str, object]) -> None:
    wanted = replace(ONE, **forgiven)  # type: ignore[arg-type]
    assert status(failed(4), wanted=wanted).words == "0/1 ready, about to start"


def test_a_ready_worker_of_an_older_revision_serves_and_is_being_replaced() -> None:
    found = status(launch(launch_key="six"))
    assert (found.phase, found.words) == (Phase.PROGRESS, "1/1 ready, replacing")


def test_an_old_worker_that_finishes_its_requests_is_counted_apart() -> None:
    old = launch(WorkerState.DRAINING, order=Order.DRAIN)
    assert status(old, launch(id=2)).words == "1/1 ready, 1 stopping"
    assert status(launch(), launch(id=2, replica=1, order=Order.DRAIN)).words == "1/1 ready, 1 stopping"


def test_a_ready_row_without_a_heartbeat_is_not_believed() -> None:
    found = status(launch(heartbeat_at=NOW - timedelta(seconds=9)))
    assert (found.phase, found.words, found.ready) == (Phase.WAITING, "0/1 ready, no heartbeat for 9 s", 0)


@pytest.mark.parametrize(
    ("facts", "phase", "words"),
    [
        ({"last_seen_at": NOW}, Phase.READY, "online"),
        ({"last_seen_at": NOW, "cordoned": True}, Phase.WAITING, "cordoned"),
        (
            {"last_seen_at": NOW, "cordoned": True, "drain_deadline": NOW + timedelta(minutes=4)},
            Phase.WAITING,
            "draining, 4 min left",
        ),
        ({"last_seen_at": NOW, "cordoned": True, "drain_deadline": NOW}, Phase.WAITING, "drained"),
        ({"last_seen_at": NOW - timedelta(minutes=5)}, Phase.FAILED, "silent for 5 min"),
        ({"last_seen_at": NOW, "left_at": NOW - timedelta(hours=3)}, Phase.STOPPED, "left 3 h ago"),
        ({"last_seen_at": None}, Phase.WAITING, "never seen"),
    ],
)
def test_a_node_in_a_word_or_two(facts: dict[str, object], phase: Phase, words: str) -> None:
    known = {"cordoned": False, "left_at": None} | facts
    assert node_status(**known, now=NOW) == (phase, words)  # type: ignore[arg-type]
