"""Commands that show something."""

from __future__ import annotations

import json
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from registry.models import Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

PS_KEYS = "id launch_id deployment model node devices state progress pid address restarts reason heartbeat_age_s"


@pytest.fixture
def logs(tmp_path: Path, settings: Any) -> Path:
    settings.MODELYARD_LOG_DIR = tmp_path
    folder = tmp_path / "workers"
    folder.mkdir()
    return folder


def write(folder: Path, worker: Worker, text: str) -> None:
    (folder / f"{worker.launch_id}.log").write_text(text)


def ready() -> Worker:
    return factories.worker(factories.deployment(), factories.device(factories.node()), pid=77)


def test_ps_gives_programs_every_fact(run: Any) -> None:
    worker = ready()
    [row] = json.loads(run("ps", "--json").out)
    assert set(PS_KEYS.split()) <= set(row)
    assert (row["launch_id"], row["devices"], row["state"], row["pid"]) == (
        str(worker.launch_id),
        ["node-a:0"],
        "READY",
        77,
    )
    assert row["heartbeat_age_s"] < 60


def test_ps_shows_what_runs_and_below_it_what_was_given_up(run: Any) -> None:
    ready()
    factories.failed_worker(factories.deployment("broken"), "no such folder", attempt=4)
    lines = run("ps").out.splitlines()
    assert lines[0].split()[:3] == ["DEPLOYMENT", "REPLICA", "LAUNCH"]
    assert lines[1].startswith("chat ")
    assert lines[2] == "broken: failed: no such folder (`modelyard logs broken`)"
    assert [row["deployment"] for row in json.loads(run("ps", "--all", "--json").out)] == ["broken", "chat"]


def test_empty_lists_say_what_to_do_first(run: Any) -> None:
    assert "`modelyard deploy NAME --path DIR`" in run("ps").out
    assert "`modelyard deploy NAME --path DIR`" in run("models").out
    assert json.loads(run("ps", "--json").out) == json.loads(run("models", "--json").out) == []


def test_models_are_listed_with_their_names_and_their_state(run: Any) -> None:
    made = factories.deployment()
    factories.alias("gpt-4", made.model)
    factories.worker(made, factories.device(factories.node()), capabilities=["chat"], address="http://127.0.0.1:1")
    [row] = json.loads(run("models", "--json").out)
    assert (row["name"], row["aliases"], row["capabilities"]) == ("chat", ["gpt-4"], ["chat"])
    assert (row["state"], row["path"]) == ("ready", "/models/chat")


def test_events_are_told_oldest_first(run: Any) -> None:
    made = factories.deployment()
    factories.failed_worker(made, "no such\nfolder")
    lines = run("events", "--deployment", "chat").out.splitlines()
    assert "chat (ada)  create: 1 × chat on echo, revision 1" in lines[0]
    assert "chat/0 (reconciler)  LOADING → FAILED  no such folder" in lines[1]
    [event] = json.loads(run("events", "-n", "1", "--json").out)
    assert (event["from"], event["to"], event["reason"]) == ("LOADING", "FAILED", "no such\nfolder")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--deployment", "nope"], "There is no deployment 'nope'. Deployments: none yet."),
        (["-n", "0"], "-n needs a number above 0."),
        (["-f", "--json"], "-f and --json do not go together"),
    ],
)
def test_events_refuses_in_a_sentence(run: Any, arguments: list[str], sentence: str) -> None:
    done = run("events", *arguments)
    assert done.code == 1
    assert sentence in done.err


def test_logs_are_read_from_the_file_of_this_machine(run: Any, logs: Path) -> None:
    worker = ready()
    write(logs, worker, "".join(f"line {number}\n" for number in range(300)))
    assert run("logs", "chat", "-n", "2").out == "line 298\nline 299\n"
    assert len(run("logs", str(worker.launch_id)[:8]).out.splitlines()) == 100


def test_logs_of_another_machine_are_the_last_lines_in_the_row(run: Any, logs: Path) -> None:
    failed = factories.failed_worker(factories.deployment(), log_tail="one\ntwo\nout of memory")
    assert not list(logs.iterdir())
    assert run("logs", "chat", "-n", "1").out == "out of memory\n"
    assert run("logs", str(failed.launch_id), "-n", "2").out == "two\nout of memory\n"


def test_logs_prefers_the_launch_that_runs_and_finds_the_one_before(run: Any, logs: Path) -> None:
    made = factories.deployment()
    write(logs, factories.failed_worker(made), "it broke\n")
    running = factories.worker(made, factories.device(factories.node()))
    write(logs, running, "it runs\n")
    write(logs, factories.failed_worker(made, replica=1), "another replica\n")
    assert run("logs", "chat").out == "it runs\n"
    assert run("logs", "chat", "--previous").out == "it broke\n"
    assert run("logs", "chat", "--replica", "1").out == "another replica\n"


def test_following_goes_on_to_the_last_line_of_a_launch_that_is_over(run: Any, logs: Path) -> None:
    failed = factories.failed_worker(factories.deployment())
    write(logs, failed, "first\nlast\n")
    assert run("logs", "chat", "-f", "-n", "1").out == "last\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope"], "There is no deployment and no launch 'nope'. Deployments: broken, chat, fresh."),
        (["fresh"], "fresh was never launched, so there is no log"),
        (["chat", "--replica", "9"], "chat has no replica 9"),
        (["chat", "--previous"], "is the first launch of this replica"),
        (["chat", "-n", "0"], "-n needs a number above 0."),
        (["broken"], "was not started, so there is no log: no such folder"),
        (["chat"], "has no log here: it runs on node node-a"),
    ],
)
def test_logs_that_are_not_there_are_explained(run: Any, logs: Path, arguments: list[str], sentence: str) -> None:
    worker = ready()
    Worker.objects.filter(pk=worker.pk).update(launching_at=worker.created_at)
    factories.failed_worker(factories.deployment("broken"), "no such folder")
    factories.deployment("fresh")
    done = run("logs", *arguments)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err


@pytest.mark.parametrize("name", ["deploy", "scale", "stop", "restart", "delete", "models", "ps", "logs", "events"])
def test_help_ends_with_examples_and_the_command_understands_them(run: Any, name: str) -> None:
    done = run(name, "--help")
    assert (done.code, f"examples:\n  modelyard {name}" in done.out) == (0, True)
    command = import_module(f"registry.management.commands.{name}").Command()
    for example in command.examples:
        command.create_parser("modelyard", name).parse_args(shlex.split(example))
