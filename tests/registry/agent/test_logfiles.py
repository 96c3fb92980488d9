"""Logs of ended launches do not pile up, and no log is no reason not to run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from registry.agent import files, logfiles
from registry.agent.identity import ProcessIdentity
from registry.agent.logfiles import opened, prune, read_tail


def test_the_oldest_logs_go_and_those_of_running_launches_stay(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "newer", "older", "oldest"]):
        log = tmp_path / f"{name}.log"
        log.write_text(name)
        os.utime(log, (1000 - age, 1000 - age))
    prune(tmp_path, running={"oldest"}, keep=2)
    assert {log.stem for log in tmp_path.iterdir()} == {"newest", "newer", "oldest"}


def test_a_log_is_appended_to_and_its_tail_read_back(tmp_path: Path) -> None:
    log = tmp_path / "workers" / "one.log"
    for line in (b"first\n", b"second\n"):
        with opened(log) as (output, problem):
            output.write(line)
        assert problem == ""
    assert read_tail(log) == ("first\nsecond\n", 13)


def test_where_no_log_can_be_written_a_worker_writes_into_the_void(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("a file where the folder should be")
    with opened(tmp_path / "workers" / "one.log") as (output, problem):
        output.write(b"lost")
    assert problem.startswith("it has no log: ")
    assert read_tail(tmp_path / "workers" / "one.log") == ("", 0)


def test_on_a_full_disk_no_log_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "ROOM", 2**62)  # more than any disk has free
    with opened(tmp_path / "one.log") as (_, problem):
        pass
    assert "bytes are free" in problem
    assert not (tmp_path / "one.log").exists()


def test_identities_that_cannot_be_written_read_or_deleted_end_nothing(tmp_path: Path) -> None:
    (tmp_path / files.FOLDER).write_text("a file where the folder should be")
    files.write(tmp_path, "launch", ProcessIdentity("boot", 1, 1))
    files.forget(tmp_path, "launch")
    assert list(files.known(tmp_path)) == []
    prune(tmp_path / files.FOLDER, running=())
