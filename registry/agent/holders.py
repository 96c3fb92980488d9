"""Whose the processes on a card are: a launch's of ours, somebody else's, or nobody's any more."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from registry.agent import identity, processes
from registry.agent.devices import CardProcess, ObservedDevice


class Standing(enum.Enum):
    """Who holds the memory."""

    OURS = "ours"  # a launch of this node that is not over; its claim accounts for it
    FOREIGN = "foreign"
    GONE = "gone"  # the driver lists a process that does not live


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds memory of a card; bytes None where the driver does not tell."""

    pid: int
    name: str
    bytes: int | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Running:
    """The launches of this node: their ids, and the sessions that their workers lead."""

    launch_ids: Collection[str]
    sessions: Collection[int]


@dataclass(frozen=True, slots=True)
class Sight:
    """How processes are looked up. In a container (`complete` false) a driver's pids may mean nothing here."""

    stat: Callable[[int], processes.ProcessStat | None] = processes.stat
    name: Callable[[int], str] = processes.name
    launch_of: Callable[[int], str] = identity.launch_of
    complete: bool = True


def sight() -> Sight:
    """Of this machine."""
    return Sight(complete=processes.sees_all_pids())


def holders(listed: Sequence[CardProcess], running: Running, sight: Sight) -> tuple[Holder, ...]:
    """Each listed process with its name and whose it is."""
    return tuple(
        Holder(process.pid, sight.name(process.pid), process.bytes, _standing(process.pid, running, sight))
        for process in listed
    )


def _standing(pid: int, running: Running, sight: Sight) -> Standing:
    found = sight.stat(pid)
    if found is None or found.dead:
        if sight.complete:
            return Standing.GONE
        # A container sees its own processes only: while it has some, an unknown pid may be one of them.
        return Standing.OURS if running.launch_ids else Standing.FOREIGN
    ours = found.session in running.sessions or sight.launch_of(pid) in running.launch_ids
    return Standing.OURS if ours else Standing.FOREIGN


def foreign_bytes(device: ObservedDevice, held: Sequence[Holder]) -> int:
    """What others hold. Where a process's bytes are not told: whatever is used and not ours."""
    others = [holder for holder in held if holder.standing is not Standing.OURS]
    if all(holder.bytes is not None for holder in others):
        return sum(holder.bytes or 0 for holder in others)
    ours = sum(holder.bytes or 0 for holder in held if holder.standing is Standing.OURS)
    return max(0, (device.memory_used_bytes or 0) - ours)


def described(held: Sequence[Holder]) -> list[Mapping[str, object]]:
    """The processes that are not ours, as the device's row lists them."""
    return [
        {"pid": holder.pid, "name": holder.name or "unknown", "bytes": holder.bytes}
        for holder in held
        if holder.standing is not Standing.OURS
    ]
