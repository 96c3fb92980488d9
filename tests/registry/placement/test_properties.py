"""Placement over random fleets and requests, held against a slow second opinion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.placement import DeviceView, Fleet, Placement, Request, Unplaceable, place
from tests.registry.placement.oracle import Held, fits, standing

ZONES = [frozenset[tuple[str, str]](), frozenset({("zone", "a")}), frozenset({("zone", "a"), ("fast", "yes")})]
PATHS = ["", "/models/a", "/models/b"]
NAMES = [(f"n{node}", index) for node in range(4) for index in range(5)]


@st.composite
def fleets(draw: st.DrawFn) -> list[DeviceView]:
    """Up to four nodes with up to four devices of up to ten bytes each: small numbers meet their limits often."""
    devices: list[DeviceView] = []
    for node in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["cuda", "cuda", "cpu"]))
        labels = draw(st.sampled_from(ZONES))
        simulated = draw(st.integers(0, 3)) == 0
        for index in range(1 if kind == "cpu" else draw(st.integers(1, 4))):
            total = draw(st.integers(0, 10))
            claimed = draw(st.integers(0, total)) if draw(st.booleans()) else 0
            devices.append(
                DeviceView(
                    *(len(devices) + 1, node + 1, f"n{node}", index, kind, total, claimed),
                    foreign=draw(st.integers(0, total - claimed)) if draw(st.booleans()) else 0,
                    holders=draw(st.integers(1, 2)) if claimed else 0,
                    simulated=simulated,
                    labels=labels,
                    unusable="the node is cordoned" if draw(st.integers(0, 5)) == 0 else "",
                )
            )
    return devices


@st.composite
def requests(draw: st.DrawFn) -> Request:
    named = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
    groups = [
        tuple((f"n{node}", index) for index in dict.fromkeys(index for _, index in draw(named)))
        for node in draw(st.lists(st.integers(0, 4), max_size=2))
    ]
    return Request(
        bytes=draw(st.integers(1, 24)),
        device=draw(st.sampled_from(["auto", "auto", "auto", "cpu", "cuda"])),
        gpus=draw(st.sampled_from([None, None, 1, 2, 3])),
        groups=tuple(groups) if draw(st.integers(0, 2)) == 0 else (),
        labels=draw(st.sampled_from([*ZONES, ZONES[0], frozenset({("zone", "b")})])),
        max_per_gpu=draw(st.sampled_from([None, None, 2, 5])),
        exclusive=draw(st.integers(0, 3)) == 0,
        strategy=draw(st.sampled_from(["spread", "pack"])),
        engine=draw(st.sampled_from(["echo", "transformers"])),
        path=draw(st.sampled_from(PATHS)),
        avoid=draw(st.frozensets(st.integers(1, 4), max_size=2)),
    )


# A few kinds of requests, many times, so that a fleet fills up: an operation takes one of them, or gives one back.
kinds = st.lists(requests(), min_size=1, max_size=3)
operations = st.lists(st.tuples(st.sampled_from(["take", "take", "give back"]), st.integers(0, 8)), max_size=24)
owned = st.dictionaries(st.integers(1, 4), st.frozensets(st.sampled_from(PATHS[1:])))


@settings(max_examples=250, deadline=None)
@given(devices=fleets(), wanted=kinds, sequence=operations, files=owned)
def test_nothing_is_booked_twice_and_what_is_refused_truly_does_not_fit(
    devices: list[DeviceView], wanted: list[Request], sequence: list[tuple[str, int]], files: dict[int, frozenset[str]]
) -> None:
    fleet, held, placed = Fleet(devices, files), Held.of(devices), list[Placement]()
    for operation, number in sequence:
        if operation == "give back":
            if placed:
                gone = placed.pop(number % len(placed))
                fleet.give_back(gone.claims)
                held.add(gone.claims, -1)
            continue
        request = wanted[number % len(wanted)]
        expected = place(request, standing(devices, held), files)
        outcome = fleet.take(request)
        assert isinstance(outcome, Placement) == fits(request, devices, held)
        if isinstance(outcome, Placement):
            assert outcome == expected  # following the changes is as good as beginning anew
            check_claims(request, outcome, devices)
            held.add(outcome.claims)
            placed.append(outcome)
    for device in devices:
        assert held.claimed[device.id] + device.foreign <= device.total


def check_claims(request: Request, placement: Placement, devices: Sequence[DeviceView]) -> None:
    by_id = {device.id: device for device in devices}
    taken = [by_id[device_id] for device_id, _ in placement.claims]
    assert {device.node_id for device in taken} == {placement.node_id}
    assert len({device.id for device in taken}) == len(taken)
    assert sum(size for _, size in placement.claims) >= request.bytes
    assert placement.label == f"{taken[0].node}:{','.join(str(device.index) for device in taken)}"
    if request.groups:
        orders = [[name for name in group if name[1] in {d.index for d in taken}] for group in request.groups]
        assert [(device.node, device.index) for device in taken] in orders
    else:
        assert [device.index for device in taken] == sorted(device.index for device in taken)
    if not request.exclusive:
        assert {size for _, size in placement.claims} == {request.share(len(taken))}


@settings(max_examples=200, deadline=None)
@given(devices=fleets(), request=requests(), files=owned)
def test_equal_input_gives_an_equal_answer_that_covers_the_whole_fleet(
    devices: list[DeviceView], request: Request, files: dict[int, frozenset[str]]
) -> None:
    outcome = place(request, devices, files)
    assert outcome == place(request, list(devices), dict(files))
    if isinstance(outcome, Unplaceable):
        refused = [refusal.device for refusal in outcome.refusals]
        assert refused[: len(devices)] == [device.label for device in devices]
        assert all(refusal.reason for refusal in outcome.refusals)
        assert len(outcome.sentence) < 1500


@settings(max_examples=200, deadline=None)
@given(devices=fleets(), request=requests())
def test_the_emptiest_device_is_taken_or_the_fullest_that_fits(devices: list[DeviceView], request: Request) -> None:
    request = replace(request, gpus=1, groups=(), exclusive=False, device="cuda", path="", avoid=frozenset())
    outcome = place(request, devices)
    if isinstance(outcome, Placement):
        free = {device.id: device.free for device in devices}
        held, one = Held.of(devices), [[device] for device in devices]
        fitting = [free[alone[0].id] for alone in one if fits(request, alone, held)]
        best = max(fitting) if request.strategy == "spread" else min(fitting)
        assert free[outcome.claims[0][0]] == best


@settings(max_examples=200, deadline=None)
@given(devices=fleets(), request=requests(), files=owned)
def test_nodes_that_have_the_files_come_first_but_are_never_a_condition(
    devices: list[DeviceView], request: Request, files: dict[int, frozenset[str]]
) -> None:
    request = replace(request, groups=(), gpus=request.gpus or 1, device="cuda")
    outcome = place(request, devices, files)
    assert isinstance(outcome, Placement) == isinstance(place(request, devices), Placement)
    at_home = [device for device in devices if request.path in files.get(device.node_id, ())]
    if isinstance(outcome, Placement) and fits(request, at_home, Held.of(devices)):
        assert request.path in files[outcome.node_id]
