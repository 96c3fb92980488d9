"""What an agent writes down of its devices, its node and the models' files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from registry.agent import modelfiles, registration
from registry.agent.devices import ObservedDevice
from registry.agent.inventory import differ, facts_of, mark_missing, write
from registry.agent.room import Room
from registry.agent.setup import Setup
from registry.agent.simulated import observe, parse_cards
from registry.errors import InvalidDesire, Superseded
from registry.models import Device, Event, ModelFiles, Node
from tests.registry.factories import model, node

GIB = 2**30
CARDS = parse_cards("8x80GiB:H100")
CPU = ObservedDevice(0, "cpu", "", "CPU", memory_total_bytes=8 * GIB, memory_used_bytes=GIB)

database = [pytest.mark.database, pytest.mark.django_db]


def sensed(**held: int) -> dict[int, Any]:
    cards = observe("a", CARDS, held={int(index[1:]): size for index, size in held.items()})
    return {device.index: facts_of(device) for device in cards}


def test_noise_is_not_worth_writing_down() -> None:
    assert not differ(sensed(), sensed(_0=10 * 2**20))
    assert differ(sensed(), sensed(_0=GIB))


def test_a_device_that_comes_or_goes_is_worth_it() -> None:
    seven = {index: facts for index, facts in sensed().items() if index}
    assert differ(sensed(), seven)
    assert differ(seven, sensed())


class TestRows:
    pytestmark = database

    def test_eight_devices_are_one_statement(self, django_assert_num_queries: Callable[[int], Any]) -> None:
        here = node()
        write(here, sensed())
        with django_assert_num_queries(1):
            write(here, sensed(_3=40 * GIB))
        assert list(Device.objects.values_list("memory_used_bytes", flat=True)) == [0, 0, 0, 40 * GIB, 0, 0, 0, 0]

    def test_a_device_that_is_no_longer_seen_stays_and_is_marked_once(self) -> None:
        here = node()
        write(here, sensed())
        left = {index: facts for index, facts in sensed().items() if index != 2}
        for _ in range(2):
            write(here, left)
            mark_missing(here, left)
        assert list(Device.objects.filter(present=False).values_list("index", flat=True)) == [2]
        assert Event.objects.filter(subject="device node-a:2").count() == 1

    def test_joining_writes_who_and_where_and_keeps_other_labels(self) -> None:
        node("a", labels={"rack": "7"})
        setup = Setup(address="10.0.0.7", labels={"zone": "a"}, cards=CARDS)
        joined = registration.join("a", uuid4(), observe("a", CARDS, held={}), setup=setup)
        stored = Node.objects.get(pk=joined.pk)
        assert (stored.address, stored.simulated, stored.labels) == ("10.0.0.7", True, {"rack": "7", "zone": "a"})
        assert stored.devices.filter(simulated=True).count() == len(CARDS)

    def test_a_name_whose_agent_lives_on_another_machine_is_refused(self) -> None:
        node("a", boot_id="another machine", agent_session=uuid4(), hostname="gpu-1")
        with pytest.raises(InvalidDesire, match=r"its agent runs on gpu-1\. Give this machine another name"):
            registration.join("a", uuid4(), [CPU])

    @pytest.mark.parametrize("change", [{"left_at": Now()}, {"last_seen_at": None}, {"boot_id": ""}])
    def test_a_name_that_nobody_holds_is_free(self, change: dict[str, Any]) -> None:
        node("a", **{"boot_id": "another machine", "agent_session": None} | change)
        assert registration.join("a", uuid4(), [CPU]).name == "a"

    def test_on_the_same_machine_the_newer_agent_takes_over(self) -> None:
        first, second = uuid4(), uuid4()
        joined = registration.join("a", first, [CPU])
        registration.join("a", second, [CPU])
        registration.beat(joined, second)
        with pytest.raises(Superseded, match="another agent has joined"):
            registration.beat(joined, first)

    def test_a_removed_nodes_agent_is_told_so(self) -> None:
        joined = registration.join("a", uuid4(), [CPU])
        Node.objects.all().delete()
        with pytest.raises(Superseded, match="was removed"):
            registration.beat(joined, uuid4())

    def test_the_files_of_models_are_noted_and_forgotten_with_them(self, tmp_path: Path) -> None:
        here, gone = node(), str(tmp_path / "gone")
        model("here", path=str(tmp_path))
        found = modelfiles.look(frozenset({str(tmp_path), gone}), lambda path: {"parameters": 7})
        modelfiles.write(here, found)
        assert ModelFiles.objects.get(path=str(tmp_path)).facts == {"parameters": 7}
        assert not ModelFiles.objects.get(path=gone).present
        modelfiles.write(here, {gone: None})
        assert list(ModelFiles.objects.values_list("path", flat=True)) == [gone]


def test_downloaded_models_are_found_by_their_names_on_the_hub(tmp_path: Path, settings: Any) -> None:
    settings.MODELYARD_CACHE_DIR = tmp_path
    (snapshot := tmp_path / "hub" / "models--org--tiny" / "snapshots" / "abc").mkdir(parents=True)
    (tmp_path / "hub" / "models--org--tiny" / "refs").mkdir()
    (tmp_path / "hub" / "models--org--tiny" / "refs" / "main").write_text("abc")
    found = modelfiles.look(frozenset({"org/tiny", "org/tiny@v2"}), lambda path: {"path": path})
    assert found == {"org/tiny": {"path": str(snapshot)}, "org/tiny@v2": None}


def test_free_disk_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    facts = Room(tmp_path / "not" / "yet").facts()
    assert 0 < (facts["disk_free_bytes"] or 0) < (facts["disk_total_bytes"] or 0)
