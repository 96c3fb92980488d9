"""`modelyard launch`, up to the rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.agent.identity import boot_id
from registry.models import Alias, Claim, Deployment, Event, Model
from registry.reconciler import reconcile_once
from tests.registry import factories
from tests.registry.management.conftest import run  # noqa: F401 - a fixture

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ECHO = ("--engine", "echo", "--memory", "4GiB", "--no-wait")


@pytest.fixture
def gpus() -> None:
    """A node with four simulated GPUs."""
    node = factories.node(simulated=True)
    for index in range(4):
        factories.device(node, index, simulated=True)


def placed() -> dict[str, str]:
    return dict(Deployment.objects.values_list("name", "devices"))


@pytest.mark.usefixtures("gpus")
def test_each_model_is_deployed_on_its_own_card_with_its_aliases(run: Any) -> None:  # noqa: F811
    done = run("launch", "/m/Qwen@gpt-4,gpt-4o", "/m/bge@text-embedding-ada-002", *ECHO)
    assert done.code == 0
    reconcile_once()
    assert sorted(Claim.objects.values_list("worker__deployment__name", flat=True)) == ["bge", "qwen"]
    assert len(set(Claim.objects.values_list("device", flat=True))) == 2
    assert set(Alias.objects.values_list("name", "model__name")) == {
        ("gpt-4", "Qwen"),
        ("gpt-4o", "Qwen"),
        ("text-embedding-ada-002", "bge"),
    }
    assert [line.split()[0] for line in done.out.splitlines()] == ["NAME", "qwen", "bge"]
    assert "about to start" in done.out


@pytest.mark.usefixtures("gpus")
def test_named_gpus_are_those_of_the_only_node(run: Any) -> None:  # noqa: F811
    run("launch", "/m/qwen@2,0", "/m/bge@node-a:3", "/m/bge@1", *ECHO)
    assert placed() == {"qwen": "node-a:2,0", "bge": "node-a:3 node-a:1"}
    assert dict(Deployment.objects.values_list("name", "gpus")) == {"qwen": 2, "bge": None}
    assert dict(Deployment.objects.values_list("name", "replicas")) == {"qwen": 1, "bge": 2}


@pytest.mark.usefixtures("gpus")
def test_programs_get_rows(run: Any) -> None:  # noqa: F811
    [row] = json.loads(run("launch", "/m/qwen@gpt-4@1", *ECHO, "--json").out)
    assert (row["name"], row["answers_to"], row["devices"]) == ("qwen", ["qwen", "gpt-4"], ["node-a:1"])
    assert (row["phase"], row["doing"]) == ("progress", "0/1 ready, about to start")


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["/m/a", "/m/b@gpt-4"], "gpt-4 is already an alias of other"),
        (["/m/a", "/m/b@other"], "other is already the name of a model"),
        (["/m/a@b", "/m/b"], "b is already an alias: choose another name."),
        (["/m/a", "/m/b@bad name"], "'bad name' cannot be a name. Use letters"),
        (["/m/a", "/n/other"], "other is the model in /models/other: deploy /n/other by another name."),
        (["/m/a", "/m/b@9"], "The node node-a has no device 9; it has 0, 1, 2, 3."),
        (["/m/a", "/m/b@node-x:0"], "There is no node 'node-x'. Nodes: node-a."),
        (["/m/a", "--memory", "1000GiB"], "a does not fit now, so nothing was launched. "),
        (["/m/a", "--replicas", "0"], "--replicas needs a number above 0."),
        (["/m/a", "--node", "node-x"], "There is no node 'node-x'. Nodes: node-a."),
        ([], "The following arguments are required"),
    ],
)
def test_when_one_cannot_be_none_is_deployed(run: Any, arguments: list[str], sentence: str) -> None:  # noqa: F811
    factories.alias("gpt-4", factories.model("other"))
    done = run("launch", *ECHO, *arguments)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
    assert not Deployment.objects.exists()
    assert list(Model.objects.values_list("name", flat=True)) == ["other"]
    assert not Event.objects.exists()


def test_what_runs_already_stays_where_it_is(run: Any) -> None:  # noqa: F811
    node = factories.node(simulated=True)
    first, _ = (factories.device(node, index, simulated=True) for index in range(2))
    made = factories.deployment("qwen", model=factories.model("qwen", path="/m/qwen"))
    factories.worker(made, first)
    done = run("launch", "/m/qwen", "/m/bge", "--engine", "echo", "--no-wait")
    reconcile_once()
    assert dict(Claim.objects.values_list("worker__deployment__name", "device__index")) == {"qwen": 0, "bge": 1}
    assert made.revisions.count() == 1
    assert "1/1 ready" in done.out


def test_a_cpu_is_shared_and_nothing_is_pinned(run: Any) -> None:  # noqa: F811
    factories.device(factories.node(), kind="cpu", name="CPU")
    assert run("launch", "/m/a", "/m/b", *ECHO).code == 0
    assert placed() == {"a": "", "b": ""}


def test_numbers_need_to_be_somebodys(run: Any) -> None:  # noqa: F811
    for name in ("node-a", "node-b"):
        factories.device(factories.node(name), simulated=True)
    assert "Say with --node whose GPUs the numbers mean. Nodes: node-a, node-b." in run("launch", "/m/a@0", *ECHO).err
    run("launch", "/m/a@0", *ECHO, "--node", "node-b")
    assert placed() == {"a": "node-b:0"}


def test_a_missing_path_is_refused_where_every_node_is_this_machine(run: Any, tmp_path: Path) -> None:  # noqa: F811
    node = factories.node(boot_id=boot_id())
    factories.device(node, kind="cpu", name="CPU")
    (tmp_path / "here").mkdir()
    refused = run("launch", str(tmp_path / "here"), str(tmp_path / "nowhere"), "--memory", "1GiB", "--no-wait")
    assert refused.err.startswith(f"There is nothing at {tmp_path}/nowhere: write the folder or .gguf file")
    assert "the name of a model on a hub" in refused.err
    assert not Deployment.objects.exists()
    factories.device(factories.node("node-b", boot_id="another"), kind="cpu", name="CPU")
    noted = run("launch", str(tmp_path / "here"), str(tmp_path / "nowhere"), "--memory", "1GiB", "--no-wait")
    assert noted.code == 0
    assert noted.err == (
        f"Note: {tmp_path}/nowhere does not exist on this machine; the node that runs it must have it.\n"
    )


def test_a_models_name_on_a_hub_is_kept_as_it_is(run: Any) -> None:  # noqa: F811
    factories.device(factories.node(boot_id=boot_id()), kind="cpu", name="CPU", memory_total_bytes=64 * factories.GIB)
    done = run("launch", "org/tiny-1B@small", "--no-wait")
    assert (done.code, done.err) == (
        0,
        "Note: org/tiny-1B is the name of a model on a hub; the node that runs it downloads it first.\n",
    )
    made = Deployment.objects.get(name="tiny-1b")
    assert made.model.path == "org/tiny-1B"
    assert "no node has downloaded it yet" in made.revisions.get().estimate["notes"][0]


def test_waiting_ends_well_when_all_are_ready(run: Any) -> None:  # noqa: F811
    node = factories.node(simulated=True)
    for index, name in enumerate(("a", "b")):
        made = factories.deployment(name, model=factories.model(name, path=f"/m/{name}"))
        factories.worker(made, factories.device(node, index, simulated=True))
    done = run("launch", "/m/a", "/m/b", "--engine", "echo")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[-2:] for line in done.out.splitlines()[1:]] == [["1/1", "ready"]] * 2


def test_waiting_ends_with_the_reason_and_the_hint_of_what_failed(run: Any, gpus: None, monkeypatch: Any) -> None:  # noqa: F811
    from registry.management.launching import progress

    def failing(_: float) -> None:
        factories.failed_worker(Deployment.objects.get(), "no such folder", attempt=4, hint="Check the path.")

    monkeypatch.setattr(progress.time, "sleep", failing)
    done = run("launch", "/m/a", "--engine", "echo")
    assert done.code == 1
    assert "a/0: a launch failed (no such folder)" in done.out
    assert done.err == "a: failed: no such folder\n  hint: Check the path.\n"


def test_waiting_has_an_end(run: Any, gpus: None) -> None:  # noqa: F811
    done = run("launch", "/m/a", "--engine", "echo", "--timeout", "0.1")
    assert done.code == 1
    assert done.err.splitlines() == [
        "a: 0/1 ready, about to start",
        "Not all are ready after 0.1 s; `modelyard ps` shows how far they are.",
    ]
