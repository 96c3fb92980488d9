"""What is done to a platform's processes and disks: killed, frozen, filled."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from yard import Yard, alive, until


def kill_worker(worker: dict[str, Any]) -> float:
    """SIGKILL by pid, when it still is this launch's process; returns, once it is dead, when that was."""
    begun = time.monotonic()
    signal_worker(worker, signal.SIGKILL)
    until(lambda: not alive(worker["pid"]), what="a killed process is dead")
    return begun


def signal_worker(worker: dict[str, Any], number: signal.Signals) -> None:
    process = psutil.Process(worker["pid"])
    assert str(worker["launch_id"]) in process.cmdline()
    process.send_signal(number)


def kill_services(yard: Yard, names: Sequence[str]) -> dict[str, int]:
    """SIGKILL to processes of `up`, all at once; their pids of before."""
    pids = {name: int(yard.process(name)["pid"]) for name in names}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    return pids


def wait_for_services(yard: Yard, before: dict[str, int]) -> None:
    """Until the supervisor has started each of these anew."""

    def back(name: str) -> bool:
        row = yard.process(name)
        return row["state"] == "running" and row["pid"] != before[name]

    until(lambda: all(map(back, before)), what=f"{sorted(before)} run again")


@contextmanager
def frozen(*processes: psutil.Process) -> Iterator[None]:
    """SIGSTOP, and SIGCONT when the block is left to those that still are."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own over this folder; yields a file in it. Growing that file fills the disk."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", str(folder)], check=True)
    try:
        yield folder / "ballast"
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Take the last byte of the file's disk."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
