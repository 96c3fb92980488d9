"""Logs from every place that has them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now
from yard import until

from registry import logs
from registry.agent.logfiles import read_tail
from registry.errors import LogUnavailable
from registry.logs import KeptLog, WorkerLog
from registry.models import Worker
from registry.tokens import worker_token
from tests.registry import factories

SERVING = re.compile(r"Serving \S+ at (http://[^/]+)/v1")


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """Where this machine keeps logs."""
    settings.MODELYARD_LOG_DIR = tmp_path
    (tmp_path / "workers").mkdir()
    return tmp_path / "workers"


@dataclass(frozen=True)
class Elsewhere:
    """A real worker whose log this machine does not know of."""

    process: subprocess.Popen[bytes]
    log: Path
    launch_id: UUID
    address: str

    def write(self, text: str) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write(text)


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    launch_id, log = uuid4(), tmp_path_factory.mktemp("elsewhere") / "worker.log"
    command = [sys.executable, "-m", "inference", "--model", "echo", "--name", "echo", "--engine", "echo"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--port", "0", "--launch-id", str(launch_id)],
            env=os.environ | {"MODELYARD_WORKER_TOKEN": worker_token(launch_id)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        served = until(lambda: SERVING.search(log.read_text()), what="it serves")
        yield Elsewhere(process, log, launch_id, served[1])
    finally:
        process.kill()
        process.wait()


def running(launch_id: UUID | None = None, **fields: Any) -> Worker:
    moments = {"launching_at": Now(), "launch_id": launch_id or uuid4()}
    return factories.worker(factories.deployment(), factories.device(factories.node()), **moments | fields)


@pytest.mark.processes
def test_a_worker_anywhere_shows_its_own_log_to_who_has_its_token(elsewhere: Elsewhere) -> None:
    log = WorkerLog(elsewhere.address, worker_token(elsewhere.launch_id))
    before = log.read(0)
    assert "Serving echo at" in before["text"]
    assert worker_token(elsewhere.launch_id) not in before["text"] + repr(log)
    elsewhere.write("zwölf\n")
    assert log.read(before["end"])["text"] == "zwölf\n"
    with pytest.raises(LogUnavailable, match="does not show its log \\(HTTP 401\\)"):
        WorkerLog(elsewhere.address, worker_token(uuid4())).read(0)


@pytest.mark.processes
def test_a_worker_that_hangs_or_is_gone_is_said_to_be_so(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ANSWER_S", 0.2)
    log = WorkerLog(elsewhere.address, worker_token(elsewhere.launch_id))
    elsewhere.process.send_signal(signal.SIGSTOP)
    with pytest.raises(LogUnavailable, match="does not answer within"):
        log.read(0)
    elsewhere.process.kill()
    elsewhere.process.wait()
    with pytest.raises(LogUnavailable, match=r"cannot be reached .*; its last lines come when it has ended"):
        log.read(0)


@pytest.mark.parametrize("written", ["one\ntwo\n", "one\ntwo", "ä\n" * 900, "x" * 50_000 + "\nend\n", "a\0b\xff\n"])
def test_what_the_agent_keeps_goes_on_where_a_reader_of_the_file_stood(tmp_path: Path, written: str) -> None:
    file = tmp_path / "worker.log"
    file.write_bytes(written.encode("latin-1" if "\xff" in written else "utf-8"))
    kept = KeptLog(*read_tail(file))
    size = file.stat().st_size
    assert kept.read(0)["size"] == kept.read(0)["end"] == size
    assert kept.read(size - 4)["text"].endswith(written[-1])
    assert len(kept.read(size - 4)["text"].encode()) <= 4
    assert kept.read(size)["text"] == ""


def test_the_end_of_a_log_says_how_much_is_before_it() -> None:
    kept = KeptLog("eight\nnine\n", size=1000)
    assert kept.read(0) == {"start": 989, "end": 1000, "size": 1000, "text": "eight\nnine\n"}
    assert kept.read(995) == {"start": 995, "end": 1000, "size": 1000, "text": "nine\n"}
    assert kept.read(-5)["start"] == 995


@pytest.mark.database
@pytest.mark.django_db
def test_a_reader_is_told_what_it_missed_and_how_much_is_to_come(folder: Path) -> None:
    worker = running(log_tail="eight\nnine\n", log_bytes=1000, exited_at=Now())
    assert logs.news(worker, 100) == logs.News(end=1000, text="eight\nnine\n", missing=889)
    (folder / f"{worker.launch_id}.log").write_text("0123456789")
    assert logs.news(worker, 2, 4) == logs.News(end=6, text="2345", behind=4)


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"state": "STARTING", "launching_at": None}, "was not started, so there is no log: it is about to be."),
        ({"state": "STARTING"}, "starts on node node-a and has not said yet where it can be reached."),
        ({"exited_at": Now(), "exit_note": "killed"}, "ended without a word in its log: killed."),
        ({"address": "http://127.0.0.1:1"}, "cannot be reached"),
    ],
)
def test_a_log_that_cannot_be_read_is_explained(folder: Path, fields: dict[str, Any], sentence: str) -> None:
    assert sentence in logs.news(running(**fields), 0).note


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.processes
def test_a_follower_goes_from_the_living_worker_to_what_is_kept_of_it(folder: Path, elsewhere: Elsewhere) -> None:
    worker = running(elsewhere.launch_id, address=elsewhere.address)
    following = logs.follow(worker, start=0)
    assert "Serving echo at" in next(following).text
    elsewhere.write("while it lives\n")
    assert next(following).text == "while it lives\n"
    elsewhere.write("out of memory\n")
    elsewhere.process.kill()
    tail, size = read_tail(elsewhere.log)
    Worker.objects.filter(pk=worker.pk).update(state="FAILED", exited_at=Now(), log_tail=tail, log_bytes=size)
    assert [found.text for found in following] == ["out of memory\n"]


@pytest.mark.database
@pytest.mark.django_db
def test_a_follower_is_told_once_why_nothing_comes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PATIENCE_S", 0)
    monkeypatch.setattr(logs, "POLL_S", 0)
    worker = running(address="http://127.0.0.1:1")
    following = logs.follow(worker, start=0)
    assert "cannot be reached" in next(following).note
    (folder / f"{worker.launch_id}.log").write_text("back\n")
    assert next(following).text == "back\n"
    Worker.objects.filter(pk=worker.pk).delete()
    assert list(following) == []


@pytest.mark.database
@pytest.mark.django_db
def test_the_launches_of_a_replica_follow_one_another(folder: Path) -> None:
    made = factories.deployment()
    first, other, second = (factories.failed_worker(made, replica=replica) for replica in (0, 1, 0))
    assert logs.next_launch(first) == logs.newest_launch(first) == second
    assert logs.previous_launch(second) == first
    assert logs.next_launch(other) is None
    assert logs.previous_launch(other) is None
