"""Parts die, everything dies, and two live side by side."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import openai
import pytest
from yard import Yard, alive, running, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]

ASK = [{"role": "user", "content": "still here"}]


@pytest.fixture(scope="module")
def lone() -> Iterator[Yard]:
    """A platform that may be broken; its one model is the echo engine."""
    with running("--no-demo") as started:
        started.run("deploy", "echo", "--engine", "echo", "--option", "token_delay_ms=20", "--wait")
        yield started


def answer(yard: Yard) -> str | None:
    try:
        said = yard.client().chat.completions.create(model="echo", messages=ASK)  # type: ignore[arg-type]
    except (openai.APIConnectionError, openai.APIStatusError):
        return None
    return said.choices[0].message.content


@pytest.mark.parametrize("names", [("agent", "control"), ("web",)])
def test_parts_that_are_killed_come_back_and_the_model_runs_on(lone: Yard, names: tuple[str, ...]) -> None:
    worker = lone.ready("echo")
    before = {name: lone.process(name) for name in names}
    for process in before.values():
        os.kill(process["pid"], signal.SIGKILL)
    for name, process in before.items():
        after = until(lambda name=name, pid=process["pid"]: _back(lone, name, pid), what=f"{name} is back")
        assert after["restarts"] == process["restarts"] + 1
        assert f"{name} ended (signal KILL); next try in" in (lone.data_dir / "logs" / "up.log").read_text()
    assert until(lambda: answer(lone)) == "still here"
    assert lone.ready("echo")["pid"] == worker["pid"]


def _back(yard: Yard, name: str, old_pid: int) -> dict[str, int] | None:
    process = yard.process(name)
    return process if process["state"] == "running" and process["pid"] != old_pid else None


def test_a_stream_outlives_agent_control_and_database(lone: Yard) -> None:
    stream = lone.client().chat.completions.create(  # type: ignore[call-overload]
        model="echo", messages=ASK, stream=True, max_tokens=100, extra_body={"ignore_eos": True}
    )
    pieces = iter(stream)
    next(pieces)
    for name in ("agent", "control", "postgres"):
        os.kill(lone.process(name)["pid"], signal.SIGKILL)
    assert sum(bool(chunk.choices[0].delta.content) for chunk in pieces) >= 98
    until(lambda: lone.process("postgres")["state"] == "running" and lone.process("agent")["state"] == "running")
    assert until(lambda: answer(lone)) == "still here"


def test_after_everything_was_killed_the_next_start_has_the_same_keys_and_models(lone: Yard) -> None:
    until(lambda: answer(lone))
    key = lone.credentials["api_key"]
    lone.kill_everything()
    lone.up()
    assert lone.credentials["api_key"] == key
    assert until(lambda: answer(lone)) == "still here"


def test_a_killed_supervisor_leaves_models_that_the_next_start_adopts(lone: Yard) -> None:
    worker = lone.ready("echo")
    [supervisor] = [process for process in lone.processes() if "up" in process.cmdline()]
    supervisor.kill()
    until(lambda: len(lone.processes()) == 1, what="only the model is left")
    lone.up()
    assert lone.ready("echo")["pid"] == worker["pid"]
    assert until(lambda: answer(lone)) == "still here"


def test_two_installations_run_side_by_side_and_down_leaves_nothing(lone: Yard) -> None:
    with running("--no-demo") as other:
        assert {model.id for model in other.client().models.list()} == set()
        with pytest.raises(openai.AuthenticationError):
            other.client().with_options(api_key=lone.credentials["api_key"]).models.list()
        other.down()
        assert other.processes() == []
        assert {process["state"] for process in other.json("status")["processes"]} == {"stopped"}
    assert until(lambda: answer(lone)) == "still here"


def test_down_stops_the_models_too(lone: Yard) -> None:
    pid = lone.ready("echo")["pid"]
    lone.down()
    assert lone.processes() == []
    assert not alive(pid)
