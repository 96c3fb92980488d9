"""`modelyard chat` as a person and as a script use it: the real program, in a pseudo-terminal and in a pipe."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from echo_worker import EchoWorker
from gateway_rig import SECRET, eventually, model, rig

pytestmark = pytest.mark.processes

WIDTH = 4000  # columns: no line is broken


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Of a machine that has no installation."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("MODELYARD_", "DATABASE_URL"))}
    return mine | {"MODELYARD_DATA_DIR": str(folder / "var"), "TERM": "dumb"} | variables


def command(url: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "modelyard", "chat", "echo", "--base-url", f"{url}/v1", *options]


class Terminal:
    """A pseudo-terminal with the program in it."""

    def __init__(self, arguments: list[str], variables: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (50, WIDTH))
        # setsid makes it the program's controlling terminal: only that turns Ctrl-C into a signal.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *arguments], env=variables, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, text: str, *, within: float = 20) -> str:
        """What was printed up to this text."""
        return self._read(lambda: text in self.seen, f"{text!r} is shown", within).partition(text)[0]

    def end(self, *, within: float = 20) -> int:
        self._read(lambda: self.process.poll() is not None, "it ended", within)
        return self.process.wait()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self, done: Callable[[], bool], what: str, within: float) -> str:
        deadline = time.monotonic() + within
        while True:
            try:
                self.seen += os.read(self._master, 4096).decode(errors="replace").replace("\r", "")
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # the program has ended and closed its side
                time.sleep(0.02)
            if done():
                return self.seen
            assert time.monotonic() < deadline, f"not in time: {what}; seen: {self.seen}"

    def forget(self) -> None:
        self.seen = ""


def talk(terminal: Terminal, worker: EchoWorker) -> int:
    """A person at the keyboard; returns the exit code."""
    terminal.until("echo listens. /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.\n> ")
    terminal.type("one two three\n")
    terminal.until("one two three\none two three\n> ")
    terminal.forget()
    terminal.type("word " * 499 + "word\n")
    terminal.until("word word\nword word word")
    assert worker.running == 1
    terminal.type("\x03")
    terminal.until("(stopped)\n> ")
    terminal.forget()
    terminal.type("half a line\x03")
    terminal.until("\n> ")
    terminal.type("\x04")
    return terminal.end()


async def test_a_person_talks_stops_an_answer_and_leaves(worker: EchoWorker, tmp_path: Path) -> None:
    async with rig(model("echo", worker.replica)) as here:
        terminal = Terminal(command(here.url), environment(tmp_path, MODELYARD_API_KEY=SECRET))
        try:
            code = await asyncio.to_thread(talk, terminal, worker)
            await eventually(lambda: worker.running == 0, within=2)
        finally:
            terminal.close()
    assert code == 0
    assert "Traceback" not in terminal.seen


async def test_a_script_gets_answers_and_nothing_else(worker: EchoWorker, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(f"{SECRET}\n")
    async with rig(model("echo", worker.replica)) as here:
        arguments = command(here.url, "--api-key-file", str(key), "--max-tokens", "3")
        done = await asyncio.to_thread(pipe, arguments, environment(tmp_path), "one two three four\n/reset\nfive\n")
        wrong = await asyncio.to_thread(pipe, command(here.url), environment(tmp_path, MODELYARD_API_KEY="no"), "one\n")
    assert (done.returncode, done.stdout) == (0, "one two three\nfive\n")
    assert done.stderr == "This is a new conversation.\n"
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("This API key is not known here")
    assert not (tmp_path / "var").exists()


def pipe(arguments: list[str], variables: dict[str, str], typed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, env=variables, input=typed, capture_output=True, text=True, timeout=60, check=False
    )


async def test_without_a_key_nothing_is_sent(tmp_path: Path) -> None:
    done = await asyncio.to_thread(pipe, command("http://127.0.0.1:9"), environment(tmp_path), "one\n")
    assert done.returncode == 1
    assert done.stderr == ("No key for http://127.0.0.1:9/v1: say --api-key-file FILE, or set MODELYARD_API_KEY.\n")
