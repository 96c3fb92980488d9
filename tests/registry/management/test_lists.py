"""Commands that show something."""

from __future__ import annotations

import json
import shlex
from importlib import import_module
from typing import Any

import pytest

from registry.models import Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

PS_KEYS = "id launch_id deployment model node devices state progress pid address restarts reason heartbeat_age_s"


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


@pytest.mark.parametrize("name", ["deploy", "scale", "stop", "restart", "delete", "models", "ps", "logs", "events"])
def test_help_ends_with_examples_and_the_command_understands_them(run: Any, name: str) -> None:
    done = run(name, "--help")
    assert (done.code, f"examples:\n  modelyard {name}" in done.out) == (0, True)
    command = import_module(f"registry.management.commands.{name}").Command()
    for example in command.examples:
        command.create_parser("modelyard", name).parse_args(shlex.split(example))
