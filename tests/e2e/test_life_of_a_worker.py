"""From the admin's Deploy to the end of the process, on real processes."""

from __future__ import annotations

import os
import signal
import time

import openai
import pytest
from admin_session import AdminSession
from yard import ACTIVE, FAILED, Yard, alive, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

ASK = [{"role": "user", "content": "one two three four five six seven eight"}]


@pytest.fixture
def echo(yard: Yard) -> Yard:
    """A stopped deployment of the echo engine, slow enough to be caught in the middle."""
    yard.run("deploy", "echo", "--engine", "echo", "--option", "token_delay_ms=50", "--wait")
    yard.run("stop", "echo", "--wait")
    return yard


def words(yard: Yard) -> str:
    answer = yard.client().chat.completions.create(model="echo", messages=ASK)  # type: ignore[arg-type]
    return answer.choices[0].message.content or ""


def test_from_the_admin_to_a_stream_through_a_crash_to_the_stop(echo: Yard) -> None:
    press(echo, "deploy")
    first = echo.ready("echo")
    stream = echo.client().chat.completions.create(model="echo", messages=ASK, stream=True)  # type: ignore[call-overload]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream).split() == ASK[0]["content"].split()

    os.kill(first["pid"], signal.SIGKILL)
    killed_at = time.monotonic()
    until(lambda: echo.row(FAILED, "echo", "%signal 9%"), within=5, what="the row says why")
    second = echo.ready("echo", other_than=first["pid"])
    assert time.monotonic() - killed_at < 10
    assert (second["restarts"], words(echo)) == (1, ASK[0]["content"])

    press(echo, "stop")
    until(lambda: not echo.row(ACTIVE, "echo"), what="no worker is left")
    assert not alive(second["pid"])
    assert not any(row["claimed_bytes"] for row in echo.workers("echo", every=True))
    assert "admin stopped the deployment" in [event["reason"] for event in echo.json("events", "--deployment", "echo")]


def press(yard: Yard, verb: str) -> None:
    with AdminSession(yard) as admin:
        admin.order(verb, "echo")


def test_requests_to_a_model_that_is_not_ready_are_told_when_to_come_back(echo: Yard) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        words(echo)
    assert refused.value.status_code == 503
    assert int(refused.value.response.headers["retry-after"]) >= 1


def test_a_client_that_hangs_up_stops_the_engine_within_a_second(yard: Yard) -> None:
    yard.run("deploy", "echo", "--engine", "echo", "--option", "token_delay_ms=50", "--wait")
    worker = yard.ready("echo")
    stream = yard.client().chat.completions.create(  # type: ignore[call-overload]
        model="echo", messages=ASK, stream=True, max_tokens=2000, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    stream.close()
    until(lambda: yard.stats(worker)["engine"]["running"] == 0, within=1, what="the engine is idle")
    assert yard.stats(worker)["tokens_total"] < 100
    yard.run("stop", "echo")


def test_a_path_that_does_not_exist_ends_as_a_reason_for_people(yard: Yard) -> None:
    done = yard.run("deploy", "nowhere", "--path", "/models/nowhere", "--restart-budget", "2", "--wait", check=False)
    assert done.returncode == 1
    assert "/models/nowhere" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    failed = yard.workers("nowhere", every=True)
    assert len(failed) == 2
    assert {row["state"] for row in failed} == {"FAILED"}
    yard.run("stop", "nowhere", "--wait")


def test_broken_files_end_as_a_reason_for_people(yard: Yard) -> None:
    folder = yard.home / "broken"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(b"not weights at all")
    yard.run("deploy", "broken", "--path", str(folder))
    [reason] = until(lambda: yard.row(FAILED, "broken", "%"), what="a failed launch")
    yard.run("stop", "broken", "--wait")
    assert "safetensors" in reason
    assert "Traceback" not in reason


@pytest.mark.parametrize(
    "arguments",
    [
        ["scale", "unknown", "2"],
        ["stop", "unknown"],
        ["deploy", "Bad Name", "--path", "/x"],
        ["deploy", "x", "--engine", "warp"],
        ["scale", "echo", "many"],
        ["logs", "unknown"],
        ["nonsense"],
        ["ps", "--nonsense"],
    ],
)
def test_bad_input_to_a_command_is_one_sentence_and_exit_code_one(yard: Yard, arguments: list[str]) -> None:
    done = yard.run(*arguments, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert 0 < len(done.stderr.strip().splitlines()) <= 2
