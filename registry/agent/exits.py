"""What an agent can judge of a worker's end: a pure judgement of what it saw and did."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from inference.protocol.causes import Cause

BY_MEMORY_KILLER = "the kernel's out-of-memory killer ended it"
BY_US_LATE = "killed by the agent after it did not stop in time"
BY_US_OVER = "killed by the agent, since its launch was over"
MACHINE_RESTARTED = "the machine was restarted"
NEVER_BORN = "the agent ended while it started the process"
LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A launch whose processes are gone, as one agent saw it."""

    code: int | None  # None: it was not our child, so the kernel tells us nothing
    seen_alive: bool  # by this agent
    other_boot: bool  # it was started in an earlier life of this machine
    recorded: bool  # the row knew the process
    killed: str = ""  # why we killed it, if we did
    memory_killer: bool = False  # the kernel killed something just now
    noted: str = ""  # what was noted at its start, such as that it has no log
    last_line: str = ""  # of its log


@dataclass(frozen=True, slots=True)
class Testimony:
    """What goes into the row."""

    note: str
    cause: str
    witnessed: bool


def judge(death: Death) -> Testimony:
    """The agent's part of the explanation."""
    witnessed = death.code is not None or death.seen_alive
    return Testimony(_note(death)[:LONGEST_NOTE], _cause(death), witnessed)


def _note(death: Death) -> str:
    if death.other_boot:
        return MACHINE_RESTARTED
    if not death.recorded:
        return NEVER_BORN
    return death.killed or (BY_MEMORY_KILLER if _memory_ran_out(death) else "") or death.last_line or death.noted


def _cause(death: Death) -> str:
    return Cause.HOST_MEMORY if _memory_ran_out(death) else ""


def _memory_ran_out(death: Death) -> bool:
    return death.memory_killer and not death.killed and death.code == -signal.SIGKILL


def last_line(log: str) -> str:
    """What a process said last, which is mostly why it ended."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else ""
