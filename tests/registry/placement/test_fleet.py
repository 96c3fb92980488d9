"""Placement: which devices a replica gets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from registry.placement import DeviceView, Fleet, Group, Placement, Request, Unplaceable, place

GIB = 2**30


def device(label: str = "a:0", *, total: int = 80, claimed: int = 0, **facts: Any) -> DeviceView:
    node, _, index = label.partition(":")
    known = {"kind": "cuda", "holders": int(claimed > 0)} | facts
    identity = {"id": ord(node[0]) * 100 + int(index), "node_id": ord(node[0]), "node": node, "index": int(index)}
    return DeviceView(**identity, total=total * GIB, claimed=claimed * GIB, **known)


def request(gib: float, **wishes: Any) -> Request:
    return Request(int(gib * GIB), **{"engine": "echo"} | wishes)


def where(outcome: Placement | Unplaceable) -> str:
    return outcome.label if isinstance(outcome, Placement) else "nowhere"


def group(written: str) -> Group:
    node, _, indices = written.partition(":")
    return tuple((node, int(index)) for index in indices.split(","))


def test_spread_takes_the_emptiest_device_and_pack_the_fullest_that_fits() -> None:
    devices = [device("a:0", claimed=40), device("b:0", claimed=10), device("c:0", claimed=75)]
    assert where(place(request(10), devices)) == "b:0"
    assert where(place(request(10, strategy="pack"), devices)) == "a:0"


def test_equal_devices_are_filled_in_their_order() -> None:
    fleet = Fleet([device("a:0"), device("a:1"), device("b:0")])
    assert [where(fleet.take(request(50))) for _ in range(4)] == ["a:0", "a:1", "b:0", "nowhere"]


def test_auto_means_a_gpu_wherever_one_may_be_used() -> None:
    cpu = device("c:0", kind="cpu", total=500)
    assert where(place(request(10), [cpu, device("a:0", claimed=75)])) == "nowhere"
    assert where(place(request(10), [cpu, device("a:0", unusable="the node is cordoned")])) == "c:0"
    assert where(place(request(10, engine="transformers"), [cpu, device("a:0", simulated=True)])) == "c:0"


def test_simulated_devices_run_the_echo_engine_only() -> None:
    devices = [device("a:0", simulated=True)]
    assert where(place(request(10, engine="transformers", device="cuda"), devices)) == "nowhere"
    assert where(place(request(10), devices)) == "a:0"


def test_several_gpus_lie_on_one_node_and_share_evenly() -> None:
    devices = [device("a:0"), device("b:0"), device("b:1", claimed=30), device("b:2")]
    outcome = place(Request(101, gpus=2, engine="echo"), devices)
    assert isinstance(outcome, Placement)
    assert outcome.label == "b:0,2"
    assert [size for _, size in outcome.claims] == [51, 51]


def test_two_gpus_are_not_found_on_two_nodes() -> None:
    outcome = place(request(10, gpus=2), [device("a:0"), device("b:0")])
    assert where(outcome) == "nowhere"


@pytest.mark.parametrize(
    ("gib", "limit", "place_of_it"), [(60, None, "a:0"), (100, None, "a:0,1"), (60, 20, "a:0,1,2,3")]
)
def test_without_a_number_it_takes_as_few_gpus_as_are_big_enough(gib: int, limit: int | None, place_of_it: str) -> None:
    devices = [device(f"a:{index}") for index in range(6)]
    wished = request(gib, max_per_gpu=limit * GIB if limit else None)
    assert where(place(wished, devices)) == place_of_it


def test_a_busy_gpu_that_is_big_enough_is_waited_for_and_not_split() -> None:
    devices = [device("a:0", claimed=40), device("a:1", claimed=40)]
    outcome = place(request(60), devices)
    assert isinstance(outcome, Unplaceable)
    assert outcome.advice.startswith("2 GPUs of 30 GiB each would fit on a:0,1 now")


def test_named_devices_keep_their_order_and_may_be_a_choice() -> None:
    devices = [device(f"a:{index}", claimed=60 * (index == 3)) for index in range(4)]
    assert where(place(request(20, groups=(group("a:2,0"),)), devices)) == "a:2,0"
    assert where(place(request(60, groups=(group("a:3,2,0"),), gpus=1), devices)) == "a:2"


def test_each_replica_begins_at_its_own_group_and_goes_on_to_the_next() -> None:
    wished = request(50, groups=(group("a:0"), group("a:1")))
    fleet = Fleet([device("a:0"), device("a:1")])
    assert [where(fleet.take(wished.for_replica(replica))) for replica in (1, 0)] == ["a:1", "a:0"]
    fleet = Fleet([device("a:0", claimed=60), device("a:1")])
    assert where(fleet.take(wished.for_replica(0))) == "a:1"


def test_labels_choose_nodes() -> None:
    zone = frozenset({("zone", "a")})
    devices = [device("a:0"), device("b:0", labels=zone | {("fast", "yes")}, claimed=10)]
    assert where(place(request(10, labels=zone), devices)) == "b:0"


def test_an_exclusive_replica_takes_all_that_is_ours_of_an_empty_device() -> None:
    fleet = Fleet([device("a:0", claimed=1), device("a:1", foreign=5 * GIB)])
    outcome = fleet.take(request(10, exclusive=True))
    assert isinstance(outcome, Placement)
    assert outcome.claims == ((9701, 75 * GIB),)
    assert [where(fleet.take(request(size))) for size in (0, 10)] == ["a:0", "a:0"]
    assert where(fleet.take(request(1, groups=(group("a:1"),)))) == "nowhere"


def test_spread_keeps_replicas_apart_where_another_node_has_room() -> None:
    devices = [device("a:0"), device("a:1"), device("b:0", claimed=60)]
    assert where(place(request(10, avoid=frozenset({97})), devices)) == "b:0"
    assert where(place(request(30, avoid=frozenset({97})), devices)) == "a:0"
    assert where(place(request(10, avoid=frozenset({97}), strategy="pack"), [device("a:0")])) == "a:0"


def test_nodes_with_the_files_come_first_and_others_after() -> None:
    fleet = Fleet([device("a:0"), device("b:0", claimed=50)], {98: frozenset({"/m"})})
    assert [where(fleet.take(request(20, path="/m"))) for _ in range(2)] == ["b:0", "a:0"]


def test_what_is_given_back_can_be_taken_again() -> None:
    fleet = Fleet([device("a:0", total=10)])
    first = fleet.take(request(8))
    assert isinstance(first, Placement)
    assert where(fleet.take(request(8))) == "nowhere"
    assert where(fleet.look_without(request(8), first.claims)) == "a:0"
    assert where(fleet.look(request(8))) == "nowhere"
    fleet.give_back(first.claims)
    assert where(fleet.take(request(8))) == "a:0"


def test_a_large_fleet_is_placed_on_within_a_second() -> None:
    # 8,000 devices, 2,000 requests of many kinds: 0.15 s where this was written.
    devices = [
        DeviceView(8 * node + index, node, f"n{node}", index, "cuda", 80 * GIB, 0)
        for node in range(1000)
        for index in range(8)
    ]
    wishes = [request(10 + number / 100, gpus=(None, 1, 2, 4)[number % 4]) for number in range(2000)]
    begun = time.process_time()
    fleet = Fleet(devices)
    placed = [fleet.take(wish) for wish in wishes] + [fleet.take(request(200 + n, gpus=2)) for n in range(500)]
    assert time.process_time() - begun < 2
    assert sum(isinstance(outcome, Placement) for outcome in placed) == 2000
