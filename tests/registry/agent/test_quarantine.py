"""Whose the processes on a card are, and when a card whose memory does not come back is put aside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.agent.devices import CardProcess, ObservedDevice
from registry.agent.holders import Holder, Running, Sight, Standing, described, foreign_bytes, holders
from registry.agent.processes import ProcessStat
from registry.agent.quarantine import PATIENCE_S, Departure, Verdict, freed, judge, sentence

GIB = 2**30
OURS, CHILD, STRANGER, ZOMBIE, DEAD = 10, 11, 20, 30, 40
LIVING = {
    OURS: ProcessStat(OURS, "S", OURS, 1),
    CHILD: ProcessStat(CHILD, "S", 99, 2),  # left its worker's session
    STRANGER: ProcessStat(STRANGER, "R", STRANGER, 3),
    ZOMBIE: ProcessStat(ZOMBIE, "Z", ZOMBIE, 4),
}
SIGHT = Sight(stat=LIVING.get, name=lambda pid: f"p{pid}", launch_of=lambda pid: "launch" if pid == CHILD else "")
RUNNING = Running({"launch"}, {OURS})
STUCK = (Holder(DEAD, "", 9 * GIB, Standing.GONE),)
LEFT = Departure(frozenset({"GPU-0"}), since=100.0)


def standings(sight: Sight, running: Running, *pids: int) -> list[Standing]:
    return [holder.standing for holder in holders([CardProcess(pid, GIB) for pid in pids], running, sight)]


def test_ours_are_the_sessions_and_the_heirs_of_our_launches() -> None:
    found = standings(SIGHT, RUNNING, OURS, CHILD, STRANGER, ZOMBIE, DEAD)
    assert found == [Standing.OURS, Standing.OURS, Standing.FOREIGN, Standing.GONE, Standing.GONE]


def test_in_a_container_an_unknown_pid_is_never_taken_for_dead() -> None:
    inside = replace(SIGHT, complete=False)
    assert standings(inside, RUNNING, DEAD) == [Standing.OURS]
    assert standings(inside, Running(set(), set()), DEAD) == [Standing.FOREIGN]


@pytest.mark.parametrize(("told", "foreign"), [(6 * GIB, 6 * GIB), (None, 15 * GIB)])
def test_foreign_memory_is_summed_or_else_what_is_used_and_not_ours(told: int | None, foreign: int) -> None:
    card = ObservedDevice(0, "cuda", "GPU-0", "H100", memory_total_bytes=80 * GIB, memory_used_bytes=20 * GIB)
    held = (Holder(OURS, "python", 5 * GIB, Standing.OURS), Holder(STRANGER, "blender", told, Standing.FOREIGN))
    assert foreign_bytes(card, held) == foreign
    assert described(held) == [{"pid": STRANGER, "name": "blender", "bytes": told}]


def test_a_card_that_lists_nothing_dead_is_clear_at_once() -> None:
    assert judge(LEFT, {"GPU-0": ()}, 100.5)[0] is Verdict.CLEAR


def test_memory_that_stays_is_waited_for_and_then_puts_the_card_aside() -> None:
    verdict, departure = judge(LEFT, {"GPU-0": STUCK}, 100.5)
    assert verdict is Verdict.WAIT
    verdict, departure = judge(departure, {"GPU-0": STUCK}, 100.0 + PATIENCE_S)
    assert verdict is Verdict.STUCK
    assert departure.suspects == {"GPU-0": STUCK}


def test_what_dies_later_on_the_same_card_is_not_this_launchs_doing() -> None:
    _, departure = judge(LEFT, {"GPU-0": STUCK}, 100.5)
    later = (Holder(DEAD + 1, "", GIB, Standing.GONE),)
    assert judge(departure, {"GPU-0": later}, 100.0 + PATIENCE_S)[0] is Verdict.CLEAR


def test_a_driver_that_does_not_answer_holds_an_end_up_for_a_while_only() -> None:
    assert judge(LEFT, None, 101.0)[0] is Verdict.WAIT
    assert judge(LEFT, None, 100.0 + PATIENCE_S)[0] is Verdict.CLEAR


def test_the_quarantine_names_the_guilty_and_ends_with_them() -> None:
    assert "chat/0 has ended" in sentence("chat/0", STUCK)
    assert f"pid {DEAD} (gone, 9 GiB)" in sentence("chat/0", STUCK)
    assert not freed(STUCK)
    assert freed((Holder(STRANGER, "blender", GIB, Standing.FOREIGN),))
