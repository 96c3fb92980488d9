"""Placement: why there is no place, and what would fit."""

from __future__ import annotations

from typing import Any

import pytest

from registry.placement import DeviceView, Fleet, Refusal, Request, Unplaceable, place
from tests.registry.placement.test_fleet import GIB, device, group, request


def refused(wished: Request, *devices: DeviceView) -> Unplaceable:
    outcome = place(wished, devices)
    assert isinstance(outcome, Unplaceable)
    return outcome


@pytest.mark.parametrize(
    ("wishes", "facts", "reason"),
    [
        ({}, {"unusable": "the node is cordoned"}, "the node is cordoned"),
        ({"device": "cpu"}, {}, "is a cuda device, cpu is wanted"),
        ({"labels": frozenset({("zone", "a")})}, {}, "its node lacks the label zone=a"),
        ({"engine": "vllm"}, {"simulated": True}, "is simulated: only the engine echo runs there"),
        ({}, {"claimed": 75}, "5 GiB of 80 GiB are free, 10 GiB are needed"),
        (
            {},
            {"foreign": 75 * GIB},
            "5 GiB of 80 GiB are free (75 GiB are held by other programs), 10 GiB are needed",
        ),
        ({"exclusive": True}, {"claimed": 1}, "is held by 1 worker, and is wanted whole"),
        ({"max_per_gpu": 2 * GIB}, {}, "10 GiB are needed, at most 2 GiB of one may be taken"),
        ({"gpus": 2}, {}, "has room, but fewer than 2 devices of its node have, and 2 are needed"),
        ({"groups": (group("b:0"),)}, {}, "is not among the named devices"),
    ],
)
def test_each_device_is_refused_with_its_own_reason(wishes: Any, facts: Any, reason: str) -> None:
    outcome = refused(request(10, **wishes), device("a:0", **facts))
    assert outcome.refusals[0].device == "a:0"
    assert outcome.refusals[0].reason == reason


def test_named_devices_that_do_not_exist_are_said() -> None:
    outcome = refused(request(10, groups=(group("x:3"),)), device("a:0"))
    assert outcome.sentence.startswith("x:3: there is no such device")


def test_without_any_device_the_sentence_says_that_no_node_has_joined() -> None:
    assert "no node has joined" in refused(request(1)).sentence


def test_a_large_fleet_is_summed_up_by_kinds_with_the_nearest_named() -> None:
    full = [device(f"a:{index}", claimed=75) for index in range(20)]
    away = [device(f"b:{index}", unusable="the node is cordoned") for index in range(30)]
    outcome = refused(request(10), device("c:0", claimed=71), *full, *away)
    assert outcome.sentence.startswith("c:0: 9 GiB of 80 GiB are free, 10 GiB are needed; a:0: 5 GiB")
    assert "and 43 more devices: 30 × the node is cordoned, 13 × too little of its memory is free" in outcome.sentence
    assert outcome.sentence.endswith("; up to 9 GiB would fit on c:0 now")
    assert len(outcome.refusals) == 51


def test_refusals_tell_of_the_moment_when_it_was_refused() -> None:
    fleet = Fleet([device("a:0"), device("a:1", claimed=70)])
    outcome = fleet.look(request(85, gpus=1))
    fleet.take(request(50))
    assert isinstance(outcome, Unplaceable)
    assert outcome.refusals[0].reason == "80 GiB of 80 GiB are free, 85 GiB are needed"


@pytest.mark.parametrize(
    ("wishes", "advice"),
    [
        ({"bytes": 60 * GIB}, "2 GPUs of 30 GiB each would fit on a:0,1 now; up to 50 GiB would fit on a:0 now"),
        ({"gpus": 4}, "1 GPU of 30 GiB would fit on a:0 now"),
        ({"exclusive": True}, "Shared instead of exclusive it would fit on a:0 now"),
        ({"labels": frozenset({("zone", "a")})}, "Without its labels it would fit on a:0 now"),
        ({"groups": (group("a:1"),), "bytes": 45 * GIB}, "Without named devices it would fit on a:0 now"),
        ({"gpus": 1, "max_per_gpu": GIB}, "Without the limit for one GPU it would fit on a:0 now"),
        ({"bytes": 900 * GIB}, "Up to 2 × 40 GiB would fit on a:0,1 now"),
    ],
)
def test_the_advice_is_what_would_fit_instead(wishes: Any, advice: str) -> None:
    devices = [device("a:0", claimed=30), device("a:1", claimed=40), device("b:0", claimed=80)]
    wished = Request(**{"bytes": 30 * GIB, "engine": "echo"} | wishes)
    assert refused(wished, *devices).advice.startswith(advice)


def test_an_answer_made_by_hand_sums_up_its_own_refusals() -> None:
    outcome = Unplaceable(tuple(Refusal(f"a:{index}", "is full") for index in range(10)))
    assert outcome.sentence.endswith("a:7: is full; and 2 more devices: 2 × is full")
