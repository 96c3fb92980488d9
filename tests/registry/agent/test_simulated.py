"""Simulated devices, and what else an agent is told when it is started."""

from __future__ import annotations

import pytest

from registry.agent.setup import checked_address, own_address
from registry.agent.simulated import Card, observe, parse_cards
from registry.errors import InvalidDesire
from registry.labels import parse_label

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("2x80GiB:H100", (Card(80 * GIB, "H100"),) * 2),
        ("1x24GiB:RTX 4090, 1x16GiB", (Card(24 * GIB, "RTX 4090"), Card(16 * GIB, "GPU"))),
        ("1x500MiB", (Card(500 * 2**20, "GPU"),)),
    ],
)
def test_devices_are_written_as_number_memory_and_name(text: str, cards: tuple[Card, ...]) -> None:
    assert parse_cards(text) == cards


@pytest.mark.parametrize(
    "text", ["", "80GiB", "x80GiB", "0x80GiB", "65x80GiB", "2x0GiB", "2x80parsecs", "-1x80GiB", ","]
)
def test_what_says_no_devices_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidDesire, match=r"GiB|from 1 to 64"):
        parse_cards(text)


def test_a_simulated_device_shows_what_its_claims_hold_and_nothing_random() -> None:
    idle, busy = observe("a", parse_cards("2x80GiB:H100"), held={1: 60 * GIB})
    assert (idle.uuid, idle.memory_used_bytes, idle.utilization_percent) == ("SIM-a-0", 0, 0)
    assert (busy.uuid, busy.memory_used_bytes, busy.utilization_percent) == ("SIM-a-1", 60 * GIB, 75)
    assert (busy.temperature_c or 0) > (idle.temperature_c or 0)
    assert (busy.power_w or 0) > (idle.power_w or 0)
    assert idle.simulated
    assert busy.simulated


def test_labels_are_pairs() -> None:
    assert dict(map(parse_label, ["zone=a", "note=x=y", "empty="])) == {"zone": "a", "note": "x=y", "empty": ""}
    for wrong in ("zone", "=a"):
        with pytest.raises(InvalidDesire, match="zone=a"):
            dict(map(parse_label, [wrong]))


def test_workers_listen_at_an_address_of_their_machine_or_the_agent_does_not_start() -> None:
    assert checked_address("127.0.0.1") == "127.0.0.1"
    for elsewhere in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(InvalidDesire, match="is no address of this machine"):
            checked_address(elsewhere)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "", "/run/postgresql", "no-such-host.invalid"])
def test_beside_its_database_a_node_is_reached_on_loopback(host: str) -> None:
    assert own_address(host) == "127.0.0.1"
