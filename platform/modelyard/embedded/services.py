"""Our own processes: how web, agent, control and beat are started. Each line can be copied into a unit file."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import modelyard
from modelyard.embedded.children import ChildSpec
from modelyard.installation import Installation

SOURCE_ROOT = str(Path(modelyard.__file__).parents[1])
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach a server that listens on all
WEB_DRAIN_S = 5  # for streams that are open when the web process is told to stop


@dataclass(frozen=True, slots=True)
class Services:
    """The processes of one installation; each inherits the environment that `up` was started with."""

    installation: Installation
    environ: Mapping[str, str]

    def web(self, *, host: str, port: int) -> ChildSpec:
        argv = (
            *("-m", "uvicorn", "modelyard.asgi:application", "--host", host, "--port", str(port)),
            *("--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio"),
            *("--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", str(WEB_DRAIN_S)),
            *("--app-dir", SOURCE_ROOT),  # else uvicorn imports from whatever folder it is started in
        )
        return self._service("web", *argv, stop_s=WEB_DRAIN_S + 0.5)

    def agent(self) -> ChildSpec:
        return self._service("agent", "-m", "modelyard", "agent", stop_s=3.0)

    def control(self) -> ChildSpec:
        return self._service("control", "-m", "modelyard", "control", stop_s=2.5)

    def beat(self) -> ChildSpec:
        return self._service("beat", "-m", "modelyard", "beat", stop_s=2.5)

    def _service(self, name: str, *arguments: str, stop_s: float) -> ChildSpec:
        return ChildSpec(
            name=name,
            argv=(sys.executable, "-P", *arguments),
            environment={
                **self.environ,
                "DJANGO_SETTINGS_MODULE": "modelyard.settings",
                "MODELYARD_DATA_DIR": str(self.installation.data_dir),
                "MODELYARD_ROLE": f"modelyard-{name}",
                "PYTHONUNBUFFERED": "1",
            },
            folder=self.installation.data_dir,
            stop=((signal.SIGTERM, stop_s),),
        )


def reachable_host(host: str) -> str:
    """An address by which this machine itself reaches a server that is bound to `host`, as it stands in a URL."""
    address = ANY_ADDRESS.get(host, host)
    return f"[{address}]" if ":" in address else address


def answers(host: str, port: int) -> bool:
    """Whether the web process serves pages: any answer but a server error."""
    connection = HTTPConnection(ANY_ADDRESS.get(host, host), port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
