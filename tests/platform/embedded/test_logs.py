"""Logs that rotate, and that neither lose lines nor stop anybody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelyard.embedded.logs import LogPump, RotatingLog, tail


def test_a_full_log_moves_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "web.log", max_bytes=10, keep=2)
    for number in range(5):
        log.write(b"line %d....\n" % number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", "web.log.1", "web.log.2"]
    assert (tmp_path / "web.log").read_text() == "line 4....\n"
    assert (tmp_path / "web.log.2").read_text() == "line 2....\n"


def test_a_log_that_cannot_be_written_says_later_how_much_was_lost(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "gone" / "web.log")
    log.write(b"12345")
    (tmp_path / "gone").mkdir()
    log.write(b"back\n")
    log.write(b"again\n")
    assert log.path.read_text() == "[5 bytes of log were lost here]\nback\nagain\n"


def test_a_full_disk_stops_nobody() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    log = RotatingLog(Path("/dev/full"))
    log.write(b"no room")
    log.write(b"no room")
    assert log.lost_bytes == 14


def test_what_comes_through_a_pipe_is_in_the_log_when_the_pipe_ends(tmp_path: Path) -> None:
    read, write = os.pipe()
    drained = LogPump().add(os.fdopen(read, "rb", buffering=0), RotatingLog(tmp_path / "a.log"))
    for _ in range(200):
        os.write(write, b"x" * 999 + b"\n")
    os.close(write)
    assert drained.wait(5)
    assert (tmp_path / "a.log").stat().st_size == 200_000


def test_the_tail_is_the_last_lines_and_nothing_of_a_log_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("".join(f"line {number}\n" for number in range(5_000)))
    assert tail(tmp_path / "a.log", lines=2) == "line 4998\nline 4999"
    assert tail(tmp_path / "none.log") == ""
