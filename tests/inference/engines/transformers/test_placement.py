"""Where weights go, at the seam: options and a list of cards in, arguments of the libraries out."""

from __future__ import annotations

from typing import Any

import pytest

from inference.engines.transformers.memory import Need
from inference.engines.transformers.options import TransformersOptions
from inference.engines.transformers.placement import (
    Card,
    Placement,
    cache_room,
    check_placed,
    choose,
    layers_by_device,
    place,
)
from inference.errors import LoadError
from inference.protocol.causes import Cause

GB = 10**9
CARDS = [Card(0, 20 * GB, 24 * GB), Card(1, 24 * GB, 24 * GB)]
NEED = Need(30 * GB, cache_per_token=1000, context=1_000_000, device="cuda:0")


def options(**given: Any) -> TransformersOptions:
    return TransformersOptions.parse(given)


def placed(need: Need, cards: list[Card], *, host: int = 64 * GB, **given: Any) -> Placement:
    return place(need, cards, host_free=host, options=options(**given))


@pytest.mark.parametrize(
    ("device", "cards", "chosen"),
    [
        ("auto", CARDS, CARDS),
        ("auto", [], []),
        ("cpu", CARDS, []),
        ("cuda", CARDS, CARDS),
        ("cuda:1", CARDS, CARDS[1:]),
    ],
)
def test_the_option_chooses_among_the_cards_that_are_seen(device: str, cards: list[Card], chosen: list[Card]) -> None:
    assert choose(options(device=device), cards) == chosen


@pytest.mark.parametrize(
    ("device", "cards", "cause", "sentence"),
    [
        ("cuda", [], Cause.DRIVER_MISSING, "torch sees no CUDA device"),
        ("cuda:2", CARDS, Cause.OPTIONS, "which this process does not see. It has cuda:0, cuda:1"),
    ],
)
def test_a_card_that_is_not_there_is_refused(device: str, cards: list[Card], *, cause: Cause, sentence: str) -> None:
    with pytest.raises(LoadError, match=sentence) as caught:
        choose(options(device=device), cards)
    assert caught.value.failure.cause is cause


def test_one_card_is_loaded_directly_and_a_machine_without_cards_as_ever() -> None:
    small = Need(10 * GB, device="cuda:1")
    assert placed(small, CARDS[1:]) == Placement("cuda:1", {"device_map": {"": "cuda:1"}})
    assert placed(small, CARDS[1:], cpu_offload=True).offloaded is False
    assert placed(small, []) == Placement("cpu")
    assert placed(small, [], load_in_8bit=True).arguments == {"device_map": {"": "cpu"}}


def test_several_cards_keep_room_for_the_cache_of_a_request_and_nothing_goes_elsewhere() -> None:
    assert placed(NEED, CARDS) == Placement(
        "cuda:0",
        {"device_map": "auto", "max_memory": {0: 18 * GB - GB // 2, 1: int(21.6 * GB) - GB // 2, "cpu": 0}},
    )


def test_a_limit_on_each_card_counts() -> None:
    room = placed(Need(10 * GB, device="cuda:0"), CARDS, max_memory_per_gpu="10GB").arguments["max_memory"]
    assert room == {0: 9 * GB, 1: 9 * GB, "cpu": 0}
    with pytest.raises(LoadError, match=r"need 30\.0 GB, and 20\.0 GB are free on the GPU.*'cpu_offload'"):
        placed(NEED, CARDS, max_memory_per_gpu="10GB")


def test_what_the_cards_cannot_hold_goes_to_the_machine_when_that_is_allowed() -> None:
    placement = placed(NEED, CARDS[:1], cpu_offload=True)
    assert placement.arguments["max_memory"] == {0: 17 * GB, "cpu": int(57.6 * GB)}
    assert placement.offloaded
    assert placed(NEED, CARDS[:1], cpu_offload=True, max_cpu_memory="20GB").arguments["max_memory"]["cpu"] == 18 * GB
    with pytest.raises(LoadError, match="Not enough memory"):
        placed(NEED, CARDS[:1], cpu_offload=True, host=GB)


def test_a_limit_of_the_machines_memory_counts_without_cards() -> None:
    with pytest.raises(LoadError, match=r"need 30\.0 GB, and 20\.0 GB are free on this machine"):
        placed(NEED, [], max_cpu_memory="20GB")


def test_layers_that_landed_where_nobody_allowed_them_are_refused() -> None:
    spread = {"model.embed_tokens": "cuda:0", "model.layers.0": "cuda:0", "model.layers.1": "cpu"}
    check_placed(spread, Placement("cuda:0", offloaded=True), NEED)
    check_placed({}, Placement("cpu"), NEED)
    with pytest.raises(LoadError, match="Not enough memory on the GPUs"):
        check_placed(spread, Placement("cuda:0"), NEED)
    with pytest.raises(LoadError, match="Not enough memory on the GPUs"):
        check_placed({"model.layers.0": "disk"}, Placement("cuda:0", offloaded=True), NEED)


def test_the_cache_ends_where_the_first_device_is_full() -> None:
    spread = {"embed": "cuda:0", "layers.0": "cuda:0", "layers.1": "cuda:0", "layers.2": "cuda:1", "layers.3": "cpu"}
    layers = layers_by_device(spread, "cuda:0")
    assert layers == {"cuda:0": 3, "cuda:1": 1}
    assert cache_room({"cuda:0": 30, "cuda:1": 100}, layers) == 40
    assert cache_room({"cuda:0": 300, "cuda:1": 10}, layers) == 40
    assert layers_by_device({}, "cpu") == {"cpu": 1}
