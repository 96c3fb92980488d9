"""What an agent testifies of a worker's end."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from inference.protocol.causes import Cause
from registry.agent.exits import BY_MEMORY_KILLER, BY_US_LATE, MACHINE_RESTARTED, Death, judge
from registry.agent.memory_killer import RECENT_S, MemoryKiller, kills

KILLED = Death(code=-signal.SIGKILL, seen_alive=True, other_boot=False, recorded=True, last_line="loading shard 3")


def test_the_last_line_of_the_log_says_why() -> None:
    assert judge(KILLED).note == "loading shard 3"


def test_the_out_of_memory_killer_is_named_when_it_was_at_work() -> None:
    testimony = judge(replace(KILLED, memory_killer=True))
    assert (testimony.note, testimony.cause) == (BY_MEMORY_KILLER, Cause.HOST_MEMORY)


@pytest.mark.parametrize("change", [{"code": 1}, {"code": None}, {"killed": BY_US_LATE}])
def test_it_is_not_blamed_for_another_end(change: dict[str, object]) -> None:
    assert judge(replace(KILLED, memory_killer=True, **change)).cause == ""  # type: ignore[arg-type]


def test_our_own_kill_is_owned_up_to() -> None:
    assert judge(replace(KILLED, killed=BY_US_LATE)).note == BY_US_LATE


def test_an_end_in_an_earlier_life_of_the_machine_was_seen_by_nobody() -> None:
    testimony = judge(replace(KILLED, code=None, seen_alive=False, other_boot=True))
    assert (testimony.note, testimony.witnessed) == (MACHINE_RESTARTED, False)


def test_without_a_log_its_absence_is_noted() -> None:
    assert judge(replace(KILLED, last_line="", noted="it has no log")).note == "it has no log"


def test_both_interfaces_of_control_groups_count_kills(tmp_path: Path) -> None:
    file = tmp_path / "memory.events"
    file.write_text("low 0\noom 4\noom_kill 3\noom_group_kill 1\n")
    assert (kills(file), kills(tmp_path / "none")) == (3, 0)


def test_only_a_kill_within_the_last_seconds_is_evidence(tmp_path: Path) -> None:
    counter, now = tmp_path / "vmstat", [100.0]
    counter.write_text("oom_kill 5\n")
    killer = MemoryKiller((counter,), clock=lambda: now[0])
    assert not killer.was_here()
    counter.write_text("oom_kill 6\n")
    assert killer.was_here()
    now[0] += RECENT_S / 2
    assert killer.was_here()
    now[0] += RECENT_S
    assert not killer.was_here()
