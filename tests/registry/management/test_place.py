"""`modelyard place` and the flags that it shares with `deploy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.models import Deployment
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_place_says_where_each_replica_would_go_and_stores_nothing(run: Any) -> None:
    factories.device(factories.node())
    done = run("place", "chat", "--engine", "echo", "--replicas", "2", "--memory", "30GiB", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Fits: 2 replicas on node-a:0, 30 GiB each.")
    assert not Deployment.objects.exists()


def test_place_exits_with_1_and_names_every_refused_device(run: Any) -> None:
    node = factories.node()
    factories.device(node)
    factories.device(node, index=1, quarantine="pid 7 holds 3 GiB")
    done = run("place", "chat", "--engine", "echo", "--memory", "90GiB", "--gpus", "1", "--dry-run")
    assert done.code == 1
    assert "node-a:0  80 GiB of 80 GiB are free, 90 GiB are needed" in done.out
    assert "node-a:1  is in quarantine: pid 7 holds 3 GiB" in done.out


def test_place_prints_json_for_programs(run: Any) -> None:
    factories.device(factories.node())
    answer = json.loads(run("place", "chat", "--engine", "echo", "--dry-run", "--json").out)
    assert (answer["fits"], answer["replicas"][0]["place"]) == (True, "node-a:0")
    assert answer["estimate"]["total"] == answer["claim_bytes"] == 64 * 2**20


def test_place_of_files_that_no_deployment_has_yet(run: Any, tmp_path: Path) -> None:
    factories.device(factories.node(), kind="cpu")
    done = run("place", "--path", str(tmp_path), "--dry-run")
    assert done.code == 0
    assert "has no weights" in done.out


def test_place_begins_with_what_the_deployment_is(run: Any) -> None:
    factories.device(factories.node())
    factories.deployment(memory_bytes=50 * factories.GIB)
    assert run("place", "chat", "--replicas", "2", "--dry-run").code == 1
    assert run("place", "chat", "--replicas", "2", "--memory", "20GiB", "--dry-run").code == 0


def test_without_dry_run_place_points_to_deploy(run: Any) -> None:
    done = run("place", "chat")
    assert (done.code, done.out) == (1, "")
    assert "`modelyard deploy`" in done.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--devices", "node-x:0"], "There is no node 'node-x'. Nodes: node-a."),
        (["--devices", "node-a:0,7"], "The node node-a has no device 7; it has 0, 1."),
        (["--devices", "node-a:0,0"], "node-a:0,0: the device 0 is named twice in one group."),
        (["--devices", "gpu0"], "'gpu0' names no devices: write a node and its devices, such as node-a:2,3"),
        (["--gpus", "4"], "No node has 4 GPUs: the most is 2, on node-a."),
        (["--gpus", "0"], "--gpus 0: write how many GPUs, 1 or more, or auto."),
        (["--gpus", "many"], "--gpus many: write how many GPUs, 1 or more, or auto."),
        (["--gpus", "2", "--devices", "node-a:1"], "2 GPUs are asked for, but node-a:1 names only 1."),
        (["--gpus", "1", "--option", "device=cpu"], "The option device is cpu, so no GPUs can be asked for"),
        (["--memory", "0"], "A replica needs some memory"),
        (["--memory=-4GiB"], "'-4GiB' is not an amount of memory: write it like 4GiB or 512MiB."),
        (["--max-memory-per-gpu", "0"], "The limit for one GPU must be more than nothing"),
        (["--label", "zone"], "--label zone: write it as KEY=VALUE, such as zone=a."),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_one_sentence(run: Any, arguments: list[str], sentence: str) -> None:
    node = factories.node()
    factories.device(node)
    factories.device(node, index=1)
    for command in (("deploy", "chat"), ("place", "chat", "--dry-run")):
        done = run(*command, "--engine", "echo", *arguments)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert sentence in done.err
    assert not Deployment.objects.exists()


def test_deploy_stores_where_replicas_may_go(run: Any) -> None:
    node = factories.node()
    factories.device(node, index=2)
    factories.device(node, index=3)
    where = ["--devices", "node-a:3,2", "--gpus", "2", "--label", "zone=a", "--max-memory-per-gpu", "40GiB"]
    assert run("deploy", "chat", "--engine", "echo", *where, "--exclusive", "--strategy", "pack").code == 0
    made = Deployment.objects.get()
    assert (made.devices, made.gpus, made.node_labels) == ("node-a:3,2", 2, {"zone": "a"})
    assert (made.max_memory_per_gpu_bytes, made.exclusive, made.strategy) == (40 * factories.GIB, True, "pack")


def test_a_flag_takes_a_value_back(run: Any) -> None:
    factories.device(factories.node())
    factories.deployment(
        memory_bytes=5,
        gpus=1,
        devices="node-a:0",
        node_labels={"zone": "a"},
        max_memory_per_gpu_bytes=9,
        exclusive=True,
    )
    back = ["--memory", "estimated", "--gpus", "auto", "--devices", "any", "--label", "none", "--no-exclusive"]
    assert run("deploy", "chat", *back, "--max-memory-per-gpu", "none").code == 0
    made = Deployment.objects.get()
    assert (made.memory_bytes, made.gpus, made.max_memory_per_gpu_bytes) == (None, None, None)
    assert (made.devices, made.node_labels, made.exclusive) == ("", {}, False)


def test_a_deployment_whose_node_is_gone_can_still_be_stopped(run: Any) -> None:
    node = factories.node()
    factories.device(node)
    factories.deployment(devices="node-a:0")
    node.delete()
    assert run("stop", "chat").code == 0
