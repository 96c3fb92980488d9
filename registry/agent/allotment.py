"""How much memory an engine is told to take, where it takes all at once: what its replica claims. Pure; bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.protocol.engines import EngineEntry

# Of a card that a replica has for itself: the rest is for the driver, and for what an engine does not count.
MOST = 0.92
LEAST_CACHE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a launch has of one device, and how large that is."""

    bytes: int
    total: int
    on_card: bool


def allotment(
    entry: EngineEntry, options: Mapping[str, Any], *, claims: Sequence[Claimed], estimate: Mapping[str, Any]
) -> dict[str, Any]:
    """Options to add to those of the deployment; none when these say it themselves."""
    if entry.card_option:
        return _of_each_card(entry.card_option, options, claims)
    if not entry.share_option or options.get(entry.share_option) or options.get(entry.cache_option):
        return {}
    shares = [claim.bytes / claim.total for claim in claims if claim.on_card and claim.total]
    if shares:
        # Rounded down: one that takes a byte more than its claim takes it from somebody.
        return {entry.share_option: min(MOST, math.floor(min(shares) * 1000) / 1000)}
    beside = int(estimate.get("weights_bytes", 0)) + int(estimate.get("overhead_bytes", 0))
    cache = sum(claim.bytes for claim in claims) - beside
    return {entry.cache_option: max(LEAST_CACHE, cache)} if entry.cache_option else {}


def _of_each_card(option: str, options: Mapping[str, Any], claims: Sequence[Claimed]) -> dict[str, Any]:
    sizes = [claim.bytes for claim in claims if claim.on_card]
    return {option: min(sizes)} if sizes and not options.get(option) else {}
