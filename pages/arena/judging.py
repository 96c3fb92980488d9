"""Whether a vote counts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from pages.arena.leaks import Said, leaked

NO_ANSWER = gettext_noop("a model gave no answer")
LEAKED = gettext_noop("an answer said who gave it")
TOO_MANY = gettext_noop("too many votes within an hour")


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in a lane: the last answer and whether it came to its end, and the answers of all rounds and
    versions."""

    last: str
    failed: bool
    answers: Sequence[Said]
    rounds: int
    language: str


def why_set_aside(sides: Sequence[Heard], *, hidden: Sequence[str], counted: int, most: int) -> str:
    """Why a vote does not count; empty if it does.

    `hidden` are the names of the sides that nobody should have known, in their order, or none; `counted` this person's
    votes of the last hour that count.
    """
    if any(side.failed or not side.last.strip() for side in sides):
        return NO_ANSWER
    if hidden and any(leaked(side.answers, name, hidden) for side, name in zip(sides, hidden, strict=True)):
        return LEAKED
    return TOO_MANY if counted >= most else ""
