"""Servers that a bench starts, one at a time, and ends again: ours alone, ours behind its gateway, and peers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.load.target import Target
from modelyard.ports import kernel_port

START_S, STOP_S, POLL_S = 600, 30, 0.1
NAME = "bench"
_OURS = ("MODELYARD_", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "CELERY_BROKER_URL")


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody to measure: how a server of theirs is had. `reference` marks one that ours is compared with."""

    name: str
    start: Callable[[], AbstractContextManager[Target]]
    reference: bool = True


@dataclass(slots=True)
class Process:
    """A server's process, in a session of its own, with a log for when it does not start."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    _process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Process:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=dict(self.environment), start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        ours = self._family()
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        # Some servers leave children behind, which would run beside whoever is measured next.
        for process in psutil.wait_procs(ours, timeout=STOP_S)[1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    def until(self, look: Callable[[], Any]) -> Any:
        """What `look` sees, as soon as it sees something."""
        give_up_at = time.monotonic() + START_S
        while not (seen := look()):
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                sys.exit(f"{' '.join(self.command)} does not answer:\n{self.text()[-3000:]}")
            time.sleep(POLL_S)
        return seen

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _family(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of the bench's own, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="modelyard-bench-"))
    path.chmod(0o711)  # as root, Postgres runs under another account
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def alone(model: Path, options: Mapping[str, Any], home: Path) -> Contender:
    """`python -m inference`, without a database."""

    @contextmanager
    def start() -> Iterator[Target]:
        with worker(model, options, home) as (_, target):
            yield target

    return Contender("engine", start, reference=False)


@contextmanager
def worker(model: Path | None, options: Mapping[str, Any], home: Path) -> Iterator[tuple[Process, Target]]:
    """A worker that answers; without a model by the echo engine."""
    source = ["--engine", "echo", "--model", NAME] if model is None else ["--model", str(model)]
    command = [sys.executable, "-m", "inference", *source, "--name", NAME, "--port", "0"]
    command += ["--log-level", "warning", "--options", json.dumps(dict(options))]
    with Process(command, clean(os.environ), home / "engine.log") as process:
        url = process.until(lambda: _address(process.text()))
        process.until(lambda: answers(f"{url}/health"))
        yield process, Target(f"{url}/v1", NAME)


def _address(said: str) -> str:
    _, found, rest = said.partition(" at http://")
    address, ended, _ = rest.partition(" ")
    return f"http://{address}" if found and ended else ""


def gateway(model: Path | None, options: Mapping[str, Any], home: Path) -> Contender:
    """A whole platform with one deployment, asked through its gateway; without a model the echo engine's.

    The installation is kept for the next start.
    """
    source = ("--engine", "echo") if model is None else ("--path", str(model))
    where = ["--data-dir", str(home / "var")]
    port = str(kernel_port())

    def modelyard(*arguments: str, check: bool = True) -> None:
        command = [sys.executable, "-m", "modelyard", *arguments, *where]
        done = subprocess.run(command, env=clean(os.environ), capture_output=True, text=True, check=False)
        if check and done.returncode:
            sys.exit(f"`modelyard {arguments[0]}` failed:\n{done.stdout}{done.stderr}")

    @contextmanager
    def start() -> Iterator[Target]:
        try:
            modelyard("up", "--no-demo", "--detach", "--port", port)
            given = [word for name, value in options.items() for word in ("--option", f"{name}={json.dumps(value)}")]
            modelyard("deploy", NAME, *source, *given, "--wait", "--timeout", str(START_S))
            known = json.loads((home / "var" / "credentials.json").read_text(encoding="utf-8"))
            yield Target(known["base_url"], NAME, known["api_key"])
        finally:
            modelyard("down", check=False)

    return Contender("gateway", start, reference=False)


def transformers_serve(venv: Path, model: Path, home: Path, *, device: str) -> Contender:
    """The transformers library's own server, with its continuous batching."""
    options = ["--dtype", "bfloat16", "--device", device, "--continuous-batching"]
    if device == "cpu":
        options += ["--cb-num-blocks", "512"]  # else it takes most of the machine's memory
    return _peer("transformers serve", [venv / "bin" / "transformers", "serve"], options, model=model, home=home)


def vllm(venv: Path, model: Path, home: Path) -> Contender:
    """vLLM's CPU build."""
    options = ["--dtype", "bfloat16", "--max-model-len", "4096"]
    return _peer("vLLM", [venv / "bin" / "vllm", "serve"], options, model=model, home=home)


def _peer(name: str, program: Sequence[Path | str], options: Sequence[str], *, model: Path, home: Path) -> Contender:
    @contextmanager
    def start() -> Iterator[Target]:
        port = kernel_port()
        command = [*map(str, program), str(model), "--port", str(port), "--host", "127.0.0.1", *options]
        path = f"{Path(program[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = clean(os.environ) | {"PATH": path, "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "2"}
        with Process(command, environment, home / f"{name.replace(' ', '-')}.log") as process:
            process.until(lambda: answers(f"http://127.0.0.1:{port}/health"))
            yield Target(f"http://127.0.0.1:{port}/v1", str(model))

    return Contender(name, start)


def given(name: str, url: str, model: str) -> Contender:
    """A server that runs already. Its key is in OPENAI_API_KEY; without a model it is asked for its first."""

    @contextmanager
    def start() -> Iterator[Target]:
        key = os.environ.get("OPENAI_API_KEY", "EMPTY")
        yield Target(url.rstrip("/"), model or _first_model(url, key), key)

    return Contender(name, start)


def _first_model(url: str, key: str) -> str:
    request = urllib.request.Request(f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["data"][0]["id"])


def answers(url: str) -> bool:
    """Whether a GET there gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Nothing of another installation."""
    return {name: value for name, value in environ.items() if not name.startswith(_OURS)}
