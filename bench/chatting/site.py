"""The platform that people chat on: two echo models, one of which tells the time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from bench.chatting.person import CLOCK, ECHO
from bench.clicks import platform, until
from modelyard.embedded.run_state import RunState
from modelyard.installation import Installation


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is, and its processes by what they are called in the report."""

    url: str
    database_url: str
    processes: dict[str, psutil.Process]

    @property
    def cookie(self) -> str:
        """What the session's cookie is called there."""
        return f"modelyard_session_{self.url.rpartition(':')[2]}"


@contextmanager
def site(delay_ms: float) -> Iterator[Site]:
    """Started, with both models ready; `delay_ms` between their words."""
    with platform() as (url, _):
        workers = {f"worker {name}": _deployed(name, delay_ms) for name in (ECHO, CLOCK)}
        installation = Installation.from_environment(os.environ)
        state = RunState.read(installation)
        assert state is not None
        [web] = [one.identity.pid for one in state.processes if one.name == "web" and one.identity]
        processes = {name: psutil.Process(pid) for name, pid in ({"web": web} | workers).items()}
        yield Site(url, installation.database_url, processes)


def _deployed(name: str, delay_ms: float) -> int:
    from registry.desired import Wish, deploy
    from registry.models import Worker

    options = {"token_delay_ms": delay_ms, "tells_time": name == CLOCK}
    deploy(Wish(name=name, engine="echo", options=options), actor="bench")
    ready = Worker.objects.filter(deployment__name=name, state="READY", pid__isnull=False)
    return int(until(ready.first).pid)
