"""Which cards each launched model gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from registry.errors import InvalidDesire
from registry.management.launching.cards import Dealer, Need
from registry.placement import DeviceView, Fleet, Request

GIB = 2**30


def cards(*sizes: int, node: str = "a", kind: str = "cuda", **facts: Any) -> list[DeviceView]:
    return [
        DeviceView(id=100 * ord(node[0]) + index, node_id=ord(node[0]), node=node, index=index, kind=kind,
                   total=size * GIB, claimed=0, **facts)
        for index, size in enumerate(sizes)
    ]  # fmt: skip


def need(name: str, size: int, replicas: int = 1, **facts: Any) -> Need:
    return Need(name, Request(bytes=size * GIB, **facts), replicas)


def deal(devices: Sequence[DeviceView], *needs: Need, names_cpus: bool = False) -> dict[str, str]:
    return Dealer(Fleet(devices), devices, names_cpus).deal(needs)


def test_where_each_falls_on_its_own_card_anyway_nothing_is_named() -> None:
    dealt = deal(cards(80, 80, 80), need("x", 10), need("y", 10), need("z", 10))
    assert dealt == {"x": "", "y": "", "z": ""}


def test_each_model_gets_a_card_of_its_own_while_there_are_enough() -> None:
    dealt = deal(cards(80, 24, 24), need("x", 10), need("y", 10), need("z", 10))
    assert sorted(dealt.values()) == ["a:0", "a:1", "a:2"]


def test_a_small_empty_card_is_better_than_a_part_of_a_large_one() -> None:
    assert deal(cards(80, 24), need("x", 10), need("y", 20)) == {"y": "a:0", "x": "a:1"}
    assert deal(cards(80, 24), need("y", 60), need("x", 10)) == {"x": "", "y": ""}


def test_when_there_are_too_few_cards_are_shared() -> None:
    dealt = deal(cards(80, 80), need("x", 10), need("y", 10), need("z", 10))
    assert sorted(dealt.values()) in (["a:0", "a:0", "a:1"], ["a:0", "a:1", "a:1"])


def test_the_largest_model_chooses_first() -> None:
    assert deal(cards(24, 80), need("small", 10), need("large", 60)) == {"small": "a:0", "large": "a:1"}


def test_a_card_on_which_somebody_is_counts_as_taken() -> None:
    devices = [*cards(80, node="b", holders=1), *cards(24)]
    assert deal(devices, need("x", 10)) == {"x": "a:0"}


def test_each_replica_is_dealt_its_own() -> None:
    assert sorted(deal(cards(80, 24, 24), need("x", 10, replicas=3))["x"].split()) == ["a:0", "a:1", "a:2"]
    assert deal(cards(80, 80, 80), need("x", 10, replicas=3)) == {"x": ""}


def test_named_cards_are_kept_and_nobody_else_is_put_there() -> None:
    named = Need("x", Request(bytes=10 * GIB), 1, groups=((("a", 0),),))
    assert deal(cards(80, 24), need("y", 10), named) == {"x": "a:0", "y": "a:1"}
    assert deal(cards(24, 80), need("y", 10), named) == {"x": "a:0", "y": ""}


def test_a_model_that_is_too_large_for_one_card_is_spread() -> None:
    dealt = deal(cards(24, 24, 80, 24, 24), need("x", 90), need("y", 10), names_cpus=True)
    assert dealt["x"].count(",") >= 1
    assert set(dealt["x"].removeprefix("a:").split(",")).isdisjoint(dealt["y"].removeprefix("a:").split(","))


def test_a_cpu_is_shared_and_named_only_when_its_node_is() -> None:
    cpu = cards(64, kind="cpu")
    assert deal(cpu, need("x", 4), need("y", 4)) == {"x": "", "y": ""}
    assert deal(cpu, need("x", 4), names_cpus=True) == {"x": "a:0"}


def test_full_gpus_are_shared_before_anything_goes_to_a_cpu() -> None:
    devices = [*cards(80, holders=1), *cards(512, node="b", kind="cpu")]
    assert deal(devices, need("x", 4)) == {"x": "a:0"}


def test_what_does_not_fit_is_refused_with_the_reason_of_each_card() -> None:
    with pytest.raises(InvalidDesire, match=r"x does not fit now, so nothing was launched\. a:0: .*24 GiB"):
        deal(cards(24), need("x", 60))
