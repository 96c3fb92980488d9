"""Who meets whom."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from pages.arena.draw import drawn

READY = ["a", "b", "c"]


def counted(times: int = 3_000, **given: object) -> Counter[frozenset[str]]:
    chance = Random(1)
    found = [drawn(READY, chance, **({"weights": {}, "pairs": {}} | given)) for _ in range(times)]
    return Counter(frozenset(pair) for pair in found if pair)


def test_every_pair_is_as_likely() -> None:
    assert all(900 < count < 1_100 for count in counted().values())


def test_each_model_is_as_often_on_either_side() -> None:
    chance = Random(2)
    firsts = Counter(drawn(["a", "b"], chance, weights={}, pairs={})[0] for _ in range(2_000))  # type: ignore[index]
    assert 900 < firsts["a"] < 1_100


def test_weights_multiply() -> None:
    found = counted(weights={"a": 2.0}, pairs={("c", "b"): 0.5})
    assert found[frozenset("ab")] > 3 * found[frozenset("bc")]


def test_a_weight_of_zero_is_never() -> None:
    assert set(counted(weights={"c": 0.0})) == {frozenset("ab")}
    assert frozenset("ab") not in counted(pairs={("b", "a"): 0.0})


@pytest.mark.parametrize("ready", [[], ["a"], ["a", "a"]])
def test_one_model_cannot_battle(ready: list[str]) -> None:
    assert drawn(ready, Random(1), weights={}, pairs={}) is None


def test_nobody_may_meet_anybody() -> None:
    assert drawn(READY, Random(1), weights=dict.fromkeys(READY, 0.0), pairs={}) is None
