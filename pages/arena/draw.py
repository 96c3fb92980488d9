"""Which two models meet. Pure: chance is passed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from random import Random

Pair = tuple[str, str]


def drawn(
    ready: Sequence[str], chance: Random, *, weights: Mapping[str, float], pairs: Mapping[Pair, float]
) -> Pair | None:
    """Two different models in random order, or None where no two may meet.

    The weight of a pair is the product of its models' weights and its own; what is not listed weighs 1. `pairs` are
    found in either order.
    """
    possible = list(combinations(sorted(set(ready)), 2))
    found = [weights.get(a, 1.0) * weights.get(b, 1.0) * pairs.get((a, b), pairs.get((b, a), 1.0)) for a, b in possible]
    if not any(found):
        return None
    [(first, second)] = chance.choices(possible, found)
    return (first, second) if chance.random() < 0.5 else (second, first)
