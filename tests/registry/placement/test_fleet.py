"""Placement: the best device, or every refusal with its reason."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.placement import DeviceView, Placement, Request, Unplaceable, place

GIB = 2**30


def device(number: int, *, kind: str = "cuda", total: int = 80, claimed: int = 0, unusable: str = "") -> DeviceView:
    node = f"node-{number}"
    return DeviceView(number, number, node, 0, kind, total * GIB, claimed * GIB, unusable=unusable)


def test_the_device_with_the_most_free_memory_is_taken() -> None:
    outcome = place(Request(10 * GIB), [device(1, claimed=40), device(2, claimed=10), device(3, claimed=60)])
    assert isinstance(outcome, Placement)
    assert outcome.label == "node-2:0"


def test_equal_devices_are_filled_in_their_order() -> None:
    outcome = place(Request(10 * GIB), [device(1), device(2)])
    assert isinstance(outcome, Placement)
    assert outcome.node_id == 1


def test_auto_means_a_gpu_wherever_the_fleet_has_one() -> None:
    outcome = place(Request(10 * GIB), [device(1, kind="cpu", total=500), device(2, claimed=75)])
    assert isinstance(outcome, Unplaceable)
    assert [refusal.reason for refusal in outcome.refusals] == [
        "is a cpu device, cuda is wanted",
        "5 GiB of 80 GiB are free, 10 GiB are needed",
    ]


def test_a_gpu_that_cannot_be_used_now_does_not_keep_auto_from_the_cpu() -> None:
    outcome = place(Request(10 * GIB), [device(1, unusable="the node's agent has left"), device(2, kind="cpu")])
    assert isinstance(outcome, Placement)
    assert outcome.node_id == 2


def test_the_cpu_is_taken_where_there_is_no_gpu() -> None:
    assert isinstance(place(Request(10 * GIB), [device(1, kind="cpu")]), Placement)


def test_an_unusable_device_is_refused_with_its_own_reason() -> None:
    outcome = place(Request(1), [device(1, unusable="the node is cordoned")])
    assert isinstance(outcome, Unplaceable)
    assert outcome.sentence == "node-1:0: the node is cordoned"


def test_without_any_device_the_sentence_says_that_no_node_has_joined() -> None:
    outcome = place(Request(1), [])
    assert isinstance(outcome, Unplaceable)
    assert "no node has joined" in outcome.sentence


@given(
    frees=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=8),
    wanted=st.integers(1, 100),
)
def test_what_is_placed_fits_and_what_is_refused_does_not(frees: list[tuple[int, int]], wanted: int) -> None:
    devices = [device(i, total=max(pair), claimed=min(pair)) for i, pair in enumerate(frees)]
    outcome = place(Request(wanted * GIB), devices)
    if isinstance(outcome, Placement):
        [(device_id, size)] = outcome.claims
        assert size <= devices[device_id].free
    else:
        assert all(each.free < wanted * GIB for each in devices)
        assert len(outcome.refusals) == len(devices)
