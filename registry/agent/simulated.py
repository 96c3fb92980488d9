"""Devices that exist in name only, so that a laptop can try a cluster: the echo engine runs on them for real."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.agent.devices import ObservedDevice
from registry.errors import InvalidDesire
from registry.measures import parse_bytes

SPEC = re.compile(r"(\d{1,3})x(\d[\d.]*\s*[A-Za-z]*)(?::([\w .-]{1,60}))?")
MOST = 64  # devices of one node
DEFAULT_CARD = "GPU"
IDLE_C, FULL_C = 34.0, 78.0
IDLE_W, FULL_W = 70.0, 650.0


@dataclass(frozen=True, slots=True)
class Card:
    """One simulated device; memory in bytes."""

    memory: int
    name: str


def parse_cards(text: str) -> tuple[Card, ...]:
    """`8x80GiB:H100`, or several of these with commas between them. Raises `InvalidDesire`."""
    cards = tuple(card for part in text.split(",") for card in _parse(part.strip()))
    if not 1 <= len(cards) <= MOST:
        raise InvalidDesire(f"A node has from 1 to {MOST} simulated devices, not {len(cards)}.")
    return cards


def _parse(part: str) -> list[Card]:
    match = SPEC.fullmatch(part)
    memory = parse_bytes(match[2]) if match else 0
    if match is None or not memory:
        raise InvalidDesire(f"{part!r} says no simulated devices: write them like 8x80GiB:H100 or 2x24GiB:L4,4x80GiB.")
    return [Card(memory, match[3] or DEFAULT_CARD)] * int(match[1])


def observe(node: str, cards: Sequence[Card], *, held: Mapping[int, int]) -> list[ObservedDevice]:
    """As if these were cards of which running launches hold `held` bytes (by index); busy and warm in proportion."""
    return [_observed(f"SIM-{node}-{index}", card, (index, held.get(index, 0))) for index, card in enumerate(cards)]


def _observed(uuid: str, card: Card, place: tuple[int, int]) -> ObservedDevice:
    index, used = place
    share = min(1.0, used / card.memory)
    return ObservedDevice(
        index=index,
        kind="cuda",
        uuid=uuid,
        name=f"{card.name} (simulated)",
        memory_total_bytes=card.memory,
        memory_used_bytes=used,
        utilization_percent=round(100 * share, 1),
        temperature_c=round(IDLE_C + (FULL_C - IDLE_C) * share, 1),
        power_w=round(IDLE_W + (FULL_W - IDLE_W) * share, 1),
        simulated=True,
    )
