"""`python -m bench clicks`: from pressing Deploy to the worker's process, on a whole platform."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import httpx2 as httpx

from bench.machine import headline
from modelyard.ports import kept_port

CLICKS = 20
WITHIN_S = 30
POLL_S = 0.01
LIST = "/admin/registry/deployment/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spawned:
    """Milliseconds from the request's first byte: its answer, the agent taking the launch on, the process's start."""

    answered: float
    taken_on: float
    started: float


class Admin:
    """The administrator's browser."""

    def __init__(self, url: str, *, user: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, follow_redirects=True, timeout=30)
        token = self._token("/admin/login/")
        self._post("/admin/login/", username=user, password=password, csrfmiddlewaretoken=token)

    def deploy(self, deployment: Any) -> Callable[[], object]:
        """Tick it in the list; what is returned presses Deploy."""
        token = self._token(LIST)
        fields = {"action": "deploy_selected", "_selected_action": str(deployment.pk), "confirmed": "yes"}
        return lambda: self._post(LIST, csrfmiddlewaretoken=token, **fields)

    def _token(self, path: str) -> str:
        found = TOKEN.search(self._http.get(path).raise_for_status().text)
        assert found is not None, f"{path} has a form"
        return found[1]

    def _post(self, path: str, **fields: str) -> None:
        # Without following: the answer to the click is the redirect, and the page after it is another request.
        answer = self._http.post(
            path, data=fields, headers={"Referer": f"{self._http.base_url}"}, follow_redirects=False
        )
        assert answer.status_code == 302, f"{path} answered {answer.status_code}"


@contextmanager
def platform() -> Iterator[tuple[str, dict[str, str]]]:
    """`modelyard up` in a folder of its own, and this process's Django on its database: URL and credentials."""
    folder = Path(tempfile.mkdtemp(prefix="modelyard-bench-"))
    folder.chmod(0o711)  # as root, Postgres runs under another account
    data_dir, port = folder / "var", kept_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MODELYARD_", "DATABASE_URL"))}
    modelyard = [sys.executable, "-m", "modelyard"]
    where = ["--data-dir", str(data_dir)]
    quiet = {"stdout": subprocess.DEVNULL, "env": clean}
    try:
        subprocess.run([*modelyard, "up", "--no-demo", "--detach", "--port", str(port), *where], check=True, **quiet)
        os.environ |= {"MODELYARD_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "modelyard.settings"}
        django.setup()
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # else a line for each request
        yield f"http://127.0.0.1:{port}", json.loads((data_dir / "credentials.json").read_text(encoding="utf-8"))
    finally:
        subprocess.run([*modelyard, "down", *where], check=False, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def spawned(name: str, press: Callable[[], object]) -> Spawned:
    """Press, and look what became of it."""
    from registry.models import Worker

    # One clock for both ends: the kernel counts a process's start from the machine's, in ticks of 10 ms.
    pressed = time.clock_gettime(time.CLOCK_BOOTTIME)
    wall = time.time()
    press()
    answered = time.clock_gettime(time.CLOCK_BOOTTIME)
    launched = Worker.objects.filter(deployment__name=name, process_started__isnull=False)
    worker = until(launched.first)
    until(launched.filter(state="READY").first)  # the next click finds a machine at rest
    started = worker.process_started / TICKS
    taken_on = worker.launching_at.timestamp() - wall  # the database is on this machine: the same clock
    return Spawned((answered - pressed) * 1e3, taken_on * 1e3, (started - pressed) * 1e3)


def until(look: Callable[[], Any]) -> Any:
    """What `look` sees, as soon as it sees something."""
    give_up_at = time.monotonic() + WITHIN_S
    while not (seen := look()):
        assert time.monotonic() < give_up_at, f"nothing within {WITHIN_S} s"
        time.sleep(POLL_S)
    return seen


def clicks(admin: Admin) -> Iterator[Spawned]:
    """Deploy in the admin, one deployment after the other."""
    from registry import desired
    from registry.models import Deployment, Model

    for number in range(CLICKS):
        name = f"click-{number:02}"
        made = Deployment(name=name, model=Model.objects.create(name=name), engine="echo", paused=True)
        desired.save(made, actor="bench")
        yield spawned(name, admin.deploy(made))


def calls() -> Iterator[Spawned]:
    """The same by `desired.deploy`, as commands do it."""
    from registry.desired import Wish, deploy

    for number in range(CLICKS):
        wish = Wish(name=f"call-{number:02}", engine="echo")
        yield spawned(wish.name, lambda wish=wish: deploy(wish, actor="bench"))


def report(title: str, found: list[Spawned]) -> None:
    print(f"{title} ({len(found)})")
    for words, pick in (("answered", "answered"), ("agent took it on", "taken_on"), ("process started", "started")):
        times = sorted(getattr(one, pick) for one in found)
        nine = times[round(0.9 * (len(times) - 1))]
        print(f"  {words:20} median {statistics.median(times):6.0f}   p90 {nine:6.0f}   max {times[-1]:6.0f} ms")


def main() -> None:
    with platform() as (url, known):
        headline("Deploy to process: milliseconds from the click, or the call")
        admin = Admin(url, user=known["admin_user"], password=known["admin_password"])
        report("Deploy in the admin", list(clicks(admin)))
        report("desired.deploy", list(calls()))
