"""Commands that ask for something."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from registry.models import Deployment, Event, Model
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_deploy_makes_a_model_and_a_deployment_and_says_who_it_was(run: Any, tmp_path: Path) -> None:
    done = run("deploy", "smol", "--path", str(tmp_path), "--replicas", "2", "--memory", "2GiB")
    made = Deployment.objects.get()
    assert (done.code, done.out) == (0, "smol: 2 × smol on transformers\n")
    assert (made.model.path, made.replicas, made.memory_bytes) == (str(tmp_path), 2, 2**31)
    assert Event.objects.get().actor == f"cli:{getpass.getuser()}"


def test_a_relative_path_is_made_absolute_and_a_missing_one_is_noted(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("deploy", "smol", "--path", "weights")
    assert Model.objects.get().path == str(tmp_path / "weights")
    assert done.code == 0
    assert "does not exist on this machine; the node that runs it must have it" in done.err


def test_options_are_json_or_else_text(run: Any) -> None:
    run("deploy", "e", "--engine", "echo", "-o", "token_delay_ms=5", "-o", "dtype=bfloat16", "-o", 'stop=["a=b"]')
    assert Deployment.objects.get().options == {"token_delay_ms": 5, "dtype": "bfloat16", "stop": ["a=b"]}


def test_each_part_of_a_workers_life_has_a_time_out_of_the_deployments_own(run: Any) -> None:
    run("deploy", "echo", "--engine", "echo", "--load-timeout", "90", "--hang-timeout", "5")
    deployment = Deployment.objects.get()
    assert (deployment.load_timeout_s, deployment.hang_timeout_s, deployment.drain_timeout_s) == (90, 5, 60)
    refused = run("deploy", "echo", "--start-timeout", "0")
    assert refused.code == 1
    assert "start_timeout_s" in refused.err


def test_what_deploy_does_not_name_stays_as_it_is(run: Any) -> None:
    factories.deployment(replicas=3, options={"token_delay_ms": 5}, paused=True)
    run("deploy", "chat", "--memory", "1GiB")
    made = Deployment.objects.get()
    assert (made.replicas, made.options, made.paused) == (3, {"token_delay_ms": 5}, False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["deploy", "Bad Name", "--path", "/x"], "Use lower-case letters"),
        (["deploy", "chat2"], "There is no model 'chat2': say --path"),
        (["deploy", "x", "--engine", "warp"], "invalid choice: 'warp'"),
        (["deploy", "x", "--engine", "echo", "-o", "dtype"], "--option dtype: write it as KEY=VALUE"),
        (["deploy", "x", "--engine", "echo", "-o", "device=tpu"], "device must be one of auto, cpu, cuda"),
        (["deploy", "x", "--engine", "echo", "--memory", "big"], "'big' is not an amount of memory"),
        (["deploy", "x", "--engine", "echo", "--replicas", "-1"], "replicas: "),
        (["scale", "chat", "many"], "invalid int value: 'many'"),
        (["scale", "chat", "0"], "use `modelyard stop chat`"),
        (["scale", "nope", "1"], "There is no deployment 'nope'. Deployments: chat."),
        (["stop", "nope"], "There is no deployment 'nope'. Deployments: chat."),
        (["restart", "nope"], "There is no deployment 'nope'. Deployments: chat."),
        (["delete", "nope", "--yes"], "There is no deployment 'nope'. Deployments: chat."),
    ],
)
def test_bad_input_is_one_sentence_exit_code_one_and_nothing_kept(
    run: Any, arguments: list[str], sentence: str
) -> None:
    factories.deployment()
    done = run(*arguments)
    assert done.code == 1
    assert sentence in done.err
    assert "Traceback" not in done.err
    assert Deployment.objects.count() == Model.objects.count() == 1


def test_waiting_ends_with_what_is_ready(run: Any) -> None:
    made = factories.deployment()
    factories.worker(made, factories.device(factories.node()))
    done = run("deploy", "chat", "--wait")
    assert (done.code, done.out.splitlines()[-1]) == (0, "chat: 1/1 ready")


def test_waiting_fails_with_the_workers_own_reason(run: Any) -> None:
    made = factories.deployment(replicas=2)
    factories.worker(made, factories.device(factories.node()))
    factories.failed_worker(made, "The model path /m does not exist. Check the path.", replica=1, attempt=4)
    done = run("scale", "chat", "2", "--wait")
    assert done.code == 1
    assert done.err == "chat: 1/2 ready, failed: The model path /m does not exist. Check the path.\n"


def test_waiting_has_an_end_that_says_how_far_it_is(run: Any) -> None:
    factories.deployment()
    done = run("deploy", "chat", "--wait", "--timeout", "0.1")
    assert done.code == 1
    assert "chat: 0/1 ready, about to start" in done.out
    assert "chat is not ready after 0.1 s (0/1 ready, about to start)" in done.err


def test_stop_waits_until_nothing_is_left(run: Any) -> None:
    made = factories.deployment()
    assert run("stop", "chat", "--wait").out == "chat: told to stop\nchat: stopped\n"
    made.refresh_from_db()
    assert made.paused


def test_restart_renews_and_lets_run(run: Any) -> None:
    made = factories.deployment(paused=True)
    assert run("restart", "chat").code == 0
    after = Deployment.objects.get()
    assert not after.paused
    assert after.renewed_at > made.renewed_at


def test_delete_asks_for_a_yes_where_nobody_can_be_asked(run: Any) -> None:
    factories.deployment()
    refused = run("delete", "chat")
    assert (refused.code, refused.err) == (1, "Deleting chat cannot be taken back: say --yes.\n")
    assert run("delete", "chat", "--yes").out == "chat is deleted.\n"
    assert not Deployment.objects.exists()


def test_what_runs_is_not_deleted(run: Any) -> None:
    factories.worker(factories.deployment(), factories.device(factories.node()))
    assert "chat still has workers: stop it first" in run("delete", "chat", "--yes").err
    assert Deployment.objects.exists()
