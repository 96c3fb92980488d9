"""The transitions table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry.errors import UndeclaredTransition
from registry.states import BADGES, BEATING, REPORTED, TERMINAL, TRANSITIONS, WorkerState, check_transition

BEAT_SQL = Path(__file__).parents[2] / "registry" / "sql" / "beat.sql"


def test_every_state_has_its_transitions_and_a_badge() -> None:
    assert set(TRANSITIONS) == set(BADGES) == set(WorkerState)


def test_stopped_and_failed_are_final() -> None:
    assert not TRANSITIONS[WorkerState.STOPPED] | TRANSITIONS[WorkerState.FAILED]


def test_an_undeclared_transition_raises() -> None:
    with pytest.raises(UndeclaredTransition, match="STOPPED → READY"):
        check_transition(WorkerState.STOPPED, WorkerState.READY)


def test_the_heartbeat_function_knows_exactly_the_declared_transitions_that_a_worker_may_report() -> None:
    pairs = set(re.findall(r"\('([A-Z]+)', '([A-Z]+)'\)", BEAT_SQL.read_text(encoding="utf-8")))
    declared = {(before, after) for before in BEATING for after in TRANSITIONS[before] if after in REPORTED}
    assert pairs == {(before.value, after.value) for before, after in declared}


def test_every_living_state_can_end() -> None:
    assert all(TRANSITIONS[state] & TERMINAL for state in set(WorkerState) - TERMINAL)
