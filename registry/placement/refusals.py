"""The answer «it does not fit»: which devices were refused, why, and what would fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SHOWN = 8  # devices that a sentence names; the rest is counted
NO_NODE = "no node has joined yet; its agent registers it"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A device, and why it was not taken. `group` is the reason without this device's figures, to count by."""

    device: str
    reason: str
    group: str = ""

    @property
    def kind(self) -> str:
        return self.group or self.reason


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """Nothing fits now: every refused device, what would fit instead, and both in one sentence of bounded length."""

    refusals: Sequence[Refusal]
    advice: str = ""
    sentence: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.sentence:
            rest = Counter(refusal.kind for refusal in self.refusals[SHOWN:])
            object.__setattr__(self, "sentence", summary(self.refusals[:SHOWN], rest, advice=self.advice))


def summary(shown: Iterable[Refusal], rest: Mapping[str, int], *, advice: str = "") -> str:
    """Some devices with their reasons, the others counted by kind, and the advice."""
    parts = [f"{refusal.device}: {refusal.reason}" for refusal in shown]
    if count := sum(rest.values()):
        kinds = sorted(rest.items(), key=lambda item: (-item[1], item[0]))
        words = ", ".join(f"{number:,} × {kind}" for kind, number in kinds if number)
        parts.append(f"and {count:,} more devices: {words}")
    return ". ".join(filter(None, ["; ".join(parts) or NO_NODE, advice]))
