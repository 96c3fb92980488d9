"""Commands about nodes."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from registry.models import Event, Node, Worker
from registry.states import WorkerState
from tests.registry import factories
from tests.registry.factories import GIB

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def long_ago() -> Any:
    return timezone.now() - timedelta(hours=1)


def simulated_node() -> Node:
    node = factories.node(simulated=True, labels={"zone": "a", "owner": "lab"}, disk_free_bytes=30 * GIB)
    for index in range(8):
        factories.device(node, index, simulated=True)
    return node


def test_a_node_is_one_line_with_all_that_it_has(run: Any) -> None:
    node = simulated_node()
    factories.worker(factories.deployment(), node.devices.all()[0])
    heading, line = run("nodes").out.splitlines()
    for words in ("node-a", "online (simulated)", "owner=lab, zone=a", "8 × H100 80 GiB", "4 GiB", "640 GiB"):
        assert words in line
    assert heading.split()[:2] == ["NAME", "STATE"]


def test_programs_get_every_node_with_its_devices(run: Any) -> None:
    node = simulated_node()
    factories.worker(factories.deployment(), node.devices.all()[0])
    [row] = json.loads(run("nodes", "--json").out)
    assert (row["workers"], row["memory_claimed_bytes"], row["memory_total_bytes"]) == (1, 4 * GIB, 640 * GIB)
    assert [device["memory_claimed_bytes"] for device in row["devices"]] == [4 * GIB, *[0] * 7]
    assert row["devices"][0]["simulated"]


def test_devices_are_listed_with_who_else_holds_them_and_why_nothing_goes_there(run: Any) -> None:
    node = factories.node()
    held = [{"pid": 12, "name": "python", "bytes": 3 * GIB}]
    factories.device(node, 0, foreign_bytes=3 * GIB, foreign_processes=held, utilization_percent=40, power_w=300)
    factories.device(node, 1, quarantine="pid 7 still holds 2 GiB")
    lines = run("nodes", "--devices").out.splitlines()
    assert lines[1].split()[:3] == ["node-a:0", "usable", "H100"]
    assert "40 %, 300 W" in lines[1]
    assert lines[2].split()[:2] == ["node-a:1", "quarantined"]
    assert lines[3] == "node-a:0: 3 GiB are held by python (pid 12, 3 GiB), not by Modelyard."
    assert lines[4] == "node-a:1 is in quarantine: pid 7 still holds 2 GiB"


def test_a_device_that_is_gone_counts_no_more(run: Any) -> None:
    node = factories.node()
    factories.device(node, 0)
    factories.device(node, 1, present=False)
    [row] = json.loads(run("nodes", "--json").out)
    assert (row["hardware"], row["memory_total_bytes"]) == ("H100 80 GiB", 80 * GIB)
    assert "absent" in run("nodes", "--devices").out


def test_nodes_take_a_constant_number_of_queries(run: Any, django_assert_num_queries: Any) -> None:
    factories.fleet(3)
    with django_assert_num_queries(4):
        run("nodes", "--devices")


def test_no_nodes_say_what_makes_one(run: Any) -> None:
    assert "`modelyard agent`" in run("nodes").out


def test_cordon_and_uncordon_are_shown_and_noted_with_who_it_was(run: Any) -> None:
    factories.node()
    assert run("cordon", "node-a").out == "node-a is cordoned; what runs there goes on (0 workers).\n"
    assert "cordoned" in run("nodes").out
    assert run("uncordon", "node-a").out == "node-a takes workers again.\n"
    assert not Node.objects.get().cordoned
    assert Event.objects.filter(subject="node node-a", actor__startswith="cli").count() == 2


def test_labels_are_set_and_deleted_in_one_go(run: Any) -> None:
    factories.node(labels={"zone": "a", "old": "x"})
    assert run("label", "node-a", "zone=b", "old-", "note=a=b").out == "node-a: note=a=b, zone=b\n"
    assert run("label", "node-a").out == "node-a: note=a=b, zone=b\n"
    assert Node.objects.get().labels == {"zone": "b", "note": "a=b"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cordon", "nope"], "There is no node 'nope'. Nodes: node-a."),
        (["uncordon", "nope"], "There is no node 'nope'. Nodes: node-a."),
        (["drain", "nope"], "There is no node 'nope'. Nodes: node-a."),
        (["drain", "node-a", "--timeout", "-1"], "from 0 to 604800 seconds"),
        (["drain", "node-a", "--timeout", "soon"], "invalid float value: 'soon'"),
        (["remove", "nope", "--yes"], "There is no node 'nope'. Nodes: node-a."),
        (["remove", "node-a"], "Removing node-a cannot be taken back: say --yes."),
        (["remove", "node-a", "--yes"], "The agent of node-a is running"),
        (["label", "node-a", "zone"], "write KEY=VALUE to set one, KEY- to delete it"),
        (["label", "node-a", "=a"], "write KEY=VALUE to set one, KEY- to delete it"),
        (["label", "node-a", "a=1", "a-"], "The same label is named twice"),
        (["label", "node-a", "a b=1"], "'a b' cannot be a label"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(run: Any, arguments: list[str], sentence: str) -> None:
    factories.node()
    done = run(*arguments)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert not Event.objects.exists()


def test_drain_cordons_and_sets_the_deadline(run: Any) -> None:
    node = factories.node()
    factories.worker(factories.deployment(), factories.device(node))
    assert run("drain", "node-a", "--timeout", "120").out == "node-a: told to drain; 1 worker there\n"
    node.refresh_from_db()
    assert node.cordoned
    assert node.drain_deadline is not None
    assert "draining" in run("nodes").out


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets something happen at the command's first pause, and turns pauses into nothing."""

    def arranged(happens: Any) -> None:
        module = import_module("registry.management.commands.drain")
        monkeypatch.setattr(module.time, "sleep", lambda _: happens())

    return arranged


def worker_ends() -> None:
    Worker.objects.update(state=WorkerState.STOPPED, ended_at=Now(), exited_at=Now())


def test_waiting_for_a_drain_shows_how_many_still_run_until_none_does(run: Any, meanwhile: Any) -> None:
    factories.worker(factories.deployment(), factories.device(factories.node()))
    meanwhile(worker_ends)
    done = run("drain", "node-a", "--wait")
    assert done.code == 0
    assert done.out.splitlines()[1:] == ["node-a: 1 worker there, 4 min left", "node-a is empty."]


def test_a_drain_that_had_to_stop_workers_ends_with_exit_code_1(run: Any, meanwhile: Any) -> None:
    factories.worker(factories.deployment(), factories.device(factories.node()))
    meanwhile(worker_ends)
    done = run("drain", "node-a", "--wait", "--timeout", "0")
    assert done.code == 1
    assert done.err == "node-a is empty, but 1 worker had to be stopped at the time-out.\n"


def test_a_drain_that_somebody_calls_off_is_said_to_be(run: Any, meanwhile: Any) -> None:
    factories.worker(factories.deployment(), factories.device(factories.node()))
    meanwhile(lambda: run("uncordon", "node-a"))
    assert "is not drained any more" in run("drain", "node-a", "--wait").err


def test_a_node_that_left_is_removed_and_may_be_asked_for_by_force_while_it_beats(run: Any) -> None:
    factories.node(left_at=Now())
    assert run("remove", "node-a", "--yes").out == "node-a is removed.\n"
    made = factories.worker(factories.deployment(), factories.device(factories.node("node-b")))
    assert "The agent of node-b is running" in run("remove", "node-b", "--yes").err
    assert run("remove", "node-b", "--force", "--yes").code == 0
    made.refresh_from_db()
    assert (made.state, made.node) == (WorkerState.LOST, None)


def test_a_silent_node_with_workers_is_not_removed_without_force(run: Any) -> None:
    node = factories.node(last_seen_at=long_ago())
    factories.worker(factories.deployment(), factories.device(node))
    assert "node-a has 1 worker that may still run" in run("remove", "node-a", "--yes").err
    assert Node.objects.exists()
