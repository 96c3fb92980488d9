"""A whole platform for a test: `modelyard up` in a folder of its own, driven by its commands and its API alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2 as httpx
import openai
import psutil
import psycopg
from converted import CONVERTED
from django.utils.crypto import salted_hmac

from modelyard.embedded.run_state import RunState, rows
from modelyard.installation import Installation

T = TypeVar("T")

READY = """
    SELECT w.launch_id FROM registry_worker w JOIN registry_deployment d ON d.id = w.deployment_id
    WHERE d.name = %s AND w.state = 'READY' AND w.pid <> %s
"""
ACTIVE = """
    SELECT w.launch_id FROM registry_worker w JOIN registry_deployment d ON d.id = w.deployment_id
    WHERE d.name = %s AND w.state NOT IN ('STOPPED', 'FAILED', 'LOST')
"""
FAILED = """
    SELECT w.reason FROM registry_worker w JOIN registry_deployment d ON d.id = w.deployment_id
    WHERE d.name = %s AND w.state = 'FAILED' AND w.reason LIKE %s
"""

START_S, SETTLE_S = 180, 30


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def until(look: Callable[[], T | None], *, within: float = SETTLE_S, what: str = "") -> T:
    """Look again and again until there is something to see; the deadline is for broken code, not for slow machines."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within} s: {what or look}"
        time.sleep(0.05)


class Yard:
    """One installation, started and stopped as a user would."""

    def __init__(self, *options: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="modelyard-yard-"))
        self.home.chmod(0o711)  # as root, Postgres runs under another account
        self.data_dir = self.home / "var"
        CONVERTED.mkdir(exist_ok=True)
        self.data_dir.mkdir(mode=0o711)
        (self.data_dir / "models").symlink_to(CONVERTED)
        (self.data_dir / "static").symlink_to(CONVERTED)
        self.port = free_port()
        self.options = options
        self.announcement = ""
        self._client: openai.OpenAI | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        content: dict[str, str] = json.loads((self.data_dir / "credentials.json").read_text())
        return content

    def up(self) -> str:
        """Start everything; returns what a user reads."""
        self.announcement = self.run("up", "--detach", "--port", str(self.port), *self.options, timeout=START_S).stdout
        return self.announcement

    def run(self, *arguments: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "modelyard", *arguments, "--data-dir", str(self.data_dir)]
        done = subprocess.run(
            command,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.home,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def client(self) -> openai.OpenAI:
        if self._client is None:
            known = self.credentials
            self._client = openai.OpenAI(
                base_url=known["base_url"], api_key=known["api_key"], max_retries=0, timeout=60
            )
        return self._client

    def process(self, name: str) -> dict[str, Any]:
        """What `status` shows of one process, without starting another for each look."""
        state = RunState.read(Installation.at(self.data_dir))
        [found] = [row for row in rows(state, external_database=False) if row["name"] == name]
        return found

    def workers(self, deployment: str, *, every: bool = False) -> list[dict[str, Any]]:
        listed = self.json("ps", "--all") if every else self.json("ps")
        return [row for row in listed if row["deployment"] == deployment]

    def ready(self, deployment: str, *, other_than: int | None = None, within: float = SETTLE_S) -> dict[str, Any]:
        """The deployment's ready worker, as soon as there is one (with another pid, when one is given)."""

        [launch_id] = until(
            lambda: self.row(READY, deployment, other_than or 0), within=within, what=f"{deployment} is ready"
        )
        return next(row for row in self.workers(deployment) if row["launch_id"] == str(launch_id))

    def row(self, query: str, *parameters: object) -> tuple[Any, ...] | None:
        """The first row of a query: a look that is cheap enough for a loop. None also while the database is away."""
        try:
            with psycopg.connect(Installation.at(self.data_dir).database_url, connect_timeout=5) as connection:
                return connection.execute(query, parameters).fetchone()
        except psycopg.OperationalError:
            return None

    def stats(self, worker: dict[str, Any]) -> dict[str, Any]:
        """The worker's own counters, asked of the worker itself."""
        secret = json.loads((self.data_dir / "secrets.json").read_text())["django_secret_key"]
        token = salted_hmac("modelyard.worker", worker["launch_id"], secret=secret, algorithm="sha256").hexdigest()
        answer = httpx.get(f"{worker['address']}/stats", headers={"Authorization": f"Bearer {token}"})
        return dict(answer.raise_for_status().json())

    def processes(self) -> list[psutil.Process]:
        """Every process of this installation, whoever its parent is."""
        marks = {str(self.data_dir), str(self.data_dir.resolve())}
        return [process for process in psutil.process_iter() if _belongs(process, marks)]

    def kill_everything(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # one death brings others, before it is their turn
                process.send_signal(signal.SIGKILL)
        until(lambda: not self.processes(), what="everything is dead")

    def end_at_once(self) -> None:
        """Kill all but the database, which follows its supervisor in good order and leaves no shared memory behind."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                if process.name() != "postgres":
                    process.kill()
        until(lambda: not self.processes(), what="everything has ended")

    def down(self) -> None:
        self.run("down", check=False)

    def remove(self) -> None:
        if self._client is not None:
            self._client.close()
        self.end_at_once()
        shutil.rmtree(self.home, ignore_errors=True)


def alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not: it waits for a parent to look."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _belongs(process: psutil.Process, marks: set[str]) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and (
            process.environ().get("MODELYARD_DATA_DIR") in marks
            or any(mark in argument for argument in process.cmdline() for mark in marks)
        )
    except psutil.Error:
        return False


def clean_environment() -> dict[str, str]:
    """Ours without what the tests' own installation put there."""
    mine = ("MODELYARD_", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "CELERY_BROKER_URL", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)}


@contextmanager
def running(*options: str) -> Iterator[Yard]:
    yard = Yard(*options)
    try:
        yard.up()
        yield yard
    finally:
        yard.remove()
