"""`modelyard logs`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from registry.models import Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.MODELYARD_LOG_DIR = tmp_path
    (tmp_path / "workers").mkdir()
    return tmp_path / "workers"


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What happens while a follower waits: one step each time that it sleeps."""
    module = import_module("registry.management.commands.logs")

    def script(*steps: Callable[[], object]) -> None:
        rest = list(steps)
        monkeypatch.setattr(module.time, "sleep", lambda seconds: rest.pop(0)())

    return script


def write(folder: Path, worker: Worker, text: str) -> None:
    with (folder / f"{worker.launch_id}.log").open("a", encoding="utf-8") as file:
        file.write(text)


def ready() -> Worker:
    return factories.worker(factories.deployment(), factories.device(factories.node()), launching_at=Now())


def fail(worker: Worker, reason: str = "out of memory") -> None:
    Worker.objects.filter(pk=worker.pk).update(state="FAILED", reason=reason, exited_at=Now())


def test_logs_are_read_from_the_file_of_this_machine(run: Any, folder: Path) -> None:
    worker = ready()
    write(folder, worker, "".join(f"line {number}\n" for number in range(300)))
    assert run("logs", "chat", "-n", "2").out == "line 298\nline 299\n"
    assert len(run("logs", str(worker.launch_id)[:8]).out.splitlines()) == 100


def test_logs_of_an_ended_launch_elsewhere_are_the_last_lines_in_the_row(run: Any, folder: Path) -> None:
    failed = factories.failed_worker(factories.deployment(), log_tail="one\ntwo\nout of memory")
    assert run("logs", "chat", "-n", "1").out == "out of memory\n"
    assert run("logs", str(failed.launch_id), "-n", "2").out == "two\nout of memory\n"


def test_logs_prefers_the_launch_that_runs_and_finds_the_one_before(run: Any, folder: Path) -> None:
    made = factories.deployment()
    write(folder, factories.failed_worker(made), "it broke\n")
    running = factories.worker(made, factories.device(factories.node()))
    write(folder, running, "it runs\n")
    write(folder, factories.failed_worker(made, replica=1), "another replica\n")
    assert run("logs", "chat").out == "it runs\n"
    assert run("logs", "chat", "--previous").out == "it broke\n"
    assert run("logs", "chat", "--replica", "1").out == "another replica\n"


def test_following_a_launch_ends_with_its_last_line(run: Any, folder: Path, meanwhile: Any) -> None:
    worker = ready()
    write(folder, worker, "first\nsecond\n")
    meanwhile(lambda: write(folder, worker, "half a "), lambda: (write(folder, worker, "line\n"), fail(worker)))
    assert run("logs", str(worker.launch_id), "-f", "-n", "1").out == "second\nhalf a line\n"


def test_following_a_deployment_goes_on_with_the_replicas_next_launch(run: Any, folder: Path, meanwhile: Any) -> None:
    worker = ready()
    write(folder, worker, "it is short of")

    def begin_again() -> None:
        write(folder, factories.failed_worker(worker.deployment, "again"), "it is back\n")

    meanwhile(lambda: fail(worker), begin_again, worker.deployment.delete)
    done = run("logs", "chat", "-f")
    assert done.out == "it is short of\nit is back\n"
    said = done.err.splitlines()
    assert said[0].endswith("ended: FAILED (out of memory). Its next launch follows here, Ctrl-C ends this.")
    assert said[1].startswith("==> chat/0 ")
    assert said[1].endswith(" begins.")
    assert said[-1] == "==> chat was deleted."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope"], "There is no deployment and no launch 'nope'. Deployments: broken, chat, fresh."),
        (["fresh"], "fresh was never launched, so there is no log"),
        (["chat", "--replica", "9"], "chat has no replica 9"),
        (["chat", "--previous"], "is the first launch of this replica"),
        (["chat", "--previous", "-f"], "-f and --previous do not go together"),
        (["chat", "-n", "0"], "-n needs a number above 0."),
        (["broken"], "was not started, so there is no log: no such folder"),
        (["chat"], "starts on node node-a and has not said yet where it can be reached"),
    ],
)
def test_logs_that_are_not_there_are_explained(run: Any, folder: Path, arguments: list[str], sentence: str) -> None:
    ready()
    factories.failed_worker(factories.deployment("broken"), "no such folder")
    factories.deployment("fresh")
    done = run("logs", *arguments)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
