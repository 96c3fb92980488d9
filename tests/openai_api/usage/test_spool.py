"""What was noted stays: when its process is killed, when the disk is full, and when there is no disk at all."""

from __future__ import annotations

import resource
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from openai_api.usage import spool as spooling
from openai_api.usage.spool import Spool

ROOT = Path(__file__).parents[3]
KILLED = """
import os, signal, sys
from pathlib import Path
from openai_api.usage.spool import Spool
spool = Spool(Path(sys.argv[1]))
for number in range(1000):
    spool.append(b'{"id": %d}\\n' % number)
os.kill(os.getpid(), signal.SIGKILL)
"""


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file of this process can grow beyond so many bytes: the kernel writes a part, or refuses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def on_disk(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines(keepends=True)]


@pytest.mark.parametrize("lines", [1, 3])
def test_what_a_dead_process_left_is_found_and_what_a_live_one_has_is_left_alone(tmp_path: Path, lines: int) -> None:
    dead, live, next_one = Spool(tmp_path), Spool(tmp_path), Spool(tmp_path)
    for spool in (dead, live, next_one):
        for _ in range(lines):
            spool.append(orjson.dumps({"id": str(uuid.uuid4())}) + b"\n")
    dead.close()
    found = [path for segments in next_one.orphans() for path in segments]
    assert [len(path.read_bytes().splitlines()) for path in found] == [lines]
    assert len(next_one.sealed()) == 1


def test_a_process_that_is_killed_loses_nothing_that_it_noted(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert [path for segments in Spool(tmp_path).orphans() for path in segments] == sorted(tmp_path.glob("*.jsonl"))
    assert [orjson.loads(line)["id"] for line in on_disk(tmp_path)] == list(range(1000))


def test_a_full_disk_gets_whole_lines_only_and_the_rest_waits_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path)
    with full_disk(25):
        for number in range(5):
            spool.append(b"line %d....\n" % number)
    assert on_disk(tmp_path) == [b"line 0....\n", b"line 1....\n"]
    spool.append(b"line 5\n")
    assert on_disk(tmp_path)[2:] == [b"line 5\n"]
    assert spool.take_unspooled() == [b"line 2....\n", b"line 3....\n", b"line 4....\n"]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_without_a_folder_lines_wait_in_memory_up_to_a_bound_and_each_trouble_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "MOST_IN_MEMORY", 3)
    folder = tmp_path / "spool"
    folder.write_text("no folder")
    spool = Spool(folder)
    for number in range(9):
        spool.append(b"%d\n" % number)
    assert len(caplog.records) == 2
    spool.put_back(spool.take_unspooled())
    folder.unlink()
    spool.append(b"9\n")
    assert "Lost for want of room: 6 rows" in caplog.text
    assert (spool.take_unspooled(), on_disk(folder)) == ([b"0\n", b"1\n", b"2\n"], [b"9\n"])
