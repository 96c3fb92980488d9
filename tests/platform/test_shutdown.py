"""`modelyard shutdown --down`: parts of a real platform, and models."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from yard import Yard, alive, clean_environment, until

from modelyard.embedded.run_state import NAMES

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def running() -> Iterator[Yard]:
    yard = Yard("--no-demo")
    yard.up()
    launched = yard.run("launch", f"{yard.home}/echo@gpt-4", "--engine", "echo", "--memory", "64MiB")
    assert launched.stdout.splitlines()[-1].split()[-2:] == ["1/1", "ready"]
    yield yard
    yard.remove()


def parts(yard: Yard) -> dict[str, Any]:
    return {name: yard.process(name) for name in NAMES}


def answer(yard: Yard) -> str | None:
    question: Any = [{"role": "user", "content": "one two"}]
    return yard.client().chat.completions.create(model="echo", messages=question).choices[0].message.content


def test_what_was_launched_is_talked_to_with_the_installations_own_key(running: Yard) -> None:
    talk = [sys.executable, "-m", "modelyard", "chat", "gpt-4", "--data-dir", str(running.data_dir)]
    typed = "one two\n/retry\n"
    done = subprocess.run(
        talk, input=typed, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "one two\none two\n", "")


def test_a_part_stays_down_until_up_is_said_again(running: Yard) -> None:
    before = parts(running)
    done = running.run("shutdown", "--down", "web")
    assert done.stdout.startswith("web is stopped. There are no pages and no API meanwhile; models go on running.")
    assert parts(running)["web"]["state"] == "stopped"
    assert not alive(before["web"]["pid"])
    assert "An operator stopped web: `modelyard up` starts it again." in running.run("status").stdout
    again = running.run("up", "--port", str(running.port), "--no-demo")
    assert again.stdout.endswith("Starts again: web.\n")
    until(lambda: parts(running)["web"]["state"] == "running", what="web is back")
    assert {name: part["pid"] for name, part in parts(running).items() if name != "web"} == {
        name: part["pid"] for name, part in before.items() if name != "web"
    }


def test_control_and_agent_end_while_models_go_on_answering(running: Yard) -> None:
    worker = running.ready("echo")
    running.run("shutdown", "--down", "controller")
    running.run("shutdown", "--down", "agent")
    states = {name: part["state"] for name, part in parts(running).items()}
    assert states == {
        "postgres": "running",
        "web": "running",
        "agent": "stopped",
        "control": "stopped",
    }
    assert alive(worker["pid"])
    until(lambda: running.row("SELECT 1 FROM registry_node WHERE left_at IS NOT NULL"), what="the agent said goodbye")
    running.run("up", "--port", str(running.port), "--no-demo")
    until(lambda: {part["state"] for part in parts(running).values()} == {"running"}, what="all is back")
    assert running.ready("echo")["pid"] == worker["pid"]


def test_models_end_and_come_back_when_they_are_deployed(running: Yard) -> None:
    worker = running.ready("echo")
    done = running.run("shutdown", "--down", "models")
    assert done.stdout.splitlines()[0] == "echo: told to stop"
    assert done.stdout.splitlines()[-1].startswith("No worker of echo runs.")
    assert not alive(worker["pid"])
    assert running.run("shutdown", "--down", "echo").returncode == 0
    running.run("deploy", "echo", "--wait")
    assert until(lambda: answer(running)) == "one two"


def test_what_does_not_exist_is_a_sentence_that_says_what_does(running: Yard) -> None:
    refused = running.run("shutdown", "--down", "vllm_worker", check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        "There is nothing called 'vllm_worker': say all, models, agent, web, control, or a deployment. "
        "Deployments: echo.\n"
    )
    assert "arguments are required: --down" in running.run("shutdown", check=False).stderr


def test_all_ends_every_process_and_models_stay_stopped(running: Yard) -> None:
    worker = running.ready("echo")
    done = running.run("shutdown", "--down", "all")
    assert done.stdout.endswith("Everything is stopped.\n")
    assert not alive(worker["pid"])
    assert running.processes() == []
    again = running.run("shutdown", "--down", "web", check=False)
    assert (again.returncode, "there is nothing to stop" in again.stderr) == (1, True)
    running.up()
    assert running.json("ps") == []
