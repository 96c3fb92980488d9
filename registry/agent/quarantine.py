"""Whether a card's memory came back after a worker's end: a pure judgement of what the driver lists."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from registry.agent.holders import Holder, Standing
from registry.measures import format_bytes

PATIENCE_S = 10.0  # a driver needs a moment to give the memory of a large process back


class Verdict(enum.Enum):
    """What follows for the launch that ended."""

    WAIT = "wait"
    CLEAR = "clear"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Departure:
    """A launch whose processes are gone. Seconds are monotonic; `suspects` by card: held ever since."""

    cards: frozenset[str]  # uuids
    since: float
    suspects: Mapping[str, tuple[Holder, ...]] | None = None  # None: nobody looked yet


def judge(departure: Departure, cards: Mapping[str, Sequence[Holder]] | None, now: float) -> tuple[Verdict, Departure]:
    """One more look. `cards` is what a look that began after the end shows, None while there is none."""
    waited_long = now - departure.since >= PATIENCE_S
    if cards is None:
        # A driver that does not answer tells nothing; its devices count as absent by then.
        return (Verdict.CLEAR if waited_long else Verdict.WAIT), departure
    suspects = {uuid: _held_on(departure, uuid, cards.get(uuid, ())) for uuid in departure.cards}
    departure = replace(departure, suspects={uuid: held for uuid, held in suspects.items() if held})
    if not departure.suspects:
        return Verdict.CLEAR, departure
    return (Verdict.STUCK if waited_long else Verdict.WAIT), departure


def _held_on(departure: Departure, uuid: str, held: Sequence[Holder]) -> tuple[Holder, ...]:
    gone = [holder for holder in held if holder.standing is Standing.GONE]
    if departure.suspects is None:
        return tuple(gone)
    before = {holder.pid for holder in departure.suspects.get(uuid, ())}
    return tuple(holder for holder in gone if holder.pid in before)


def freed(held: Sequence[Holder]) -> bool:
    """Whether a quarantined card is good again: nothing that does not live holds memory of it."""
    return all(holder.standing is not Standing.GONE for holder in held)


def sentence(launch: str, held: Sequence[Holder]) -> str:
    """Why the card is in quarantine, for its page."""
    guilty = ", ".join(_guilty(holder) for holder in held)
    return (
        f"{launch} has ended, but the driver still holds its memory: {guilty}. It is used again as soon as that is "
        "given back; if it never is, restart the machine or reset the card."
    )


def _guilty(holder: Holder) -> str:
    size = "an unknown amount" if holder.bytes is None else format_bytes(holder.bytes)
    return f"pid {holder.pid} ({holder.name or 'gone'}, {size})"
