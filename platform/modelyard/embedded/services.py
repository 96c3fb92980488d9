"""Our own processes: how web, agent and control are started. Each line can be copied into a unit file."""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from modelyard import env
from modelyard.embedded.children import ChildSpec
from modelyard.embedded.listener import Listener
from modelyard.installation import Installation

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach a server that listens on all
# When all stops, the models stop first: what streams then is at its end already.
WEB_STOP_S = 5.5


@dataclass(frozen=True, slots=True)
class Services:
    """The processes of one installation; each inherits the environment that `up` was started with."""

    installation: Installation
    environ: Mapping[str, str]

    def web(self, *, host: str, port: int) -> ChildSpec:
        """Told to end (SIGTERM), it lets streams end; told a second time by SIGINT, it does not."""
        web = self._service("web", "-m", "modelyard", "web", stop_s=WEB_STOP_S)
        return replace(web, stop=(*web.stop, (signal.SIGINT, 1.0)), listener=Listener(host, port))

    def agent(self) -> ChildSpec:
        return self._service("agent", "-m", "modelyard", "agent", stop_s=3.0)

    def control(self) -> ChildSpec:
        return self._service("control", "-m", "modelyard", "control", stop_s=2.5)

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
                **_tls_files(env.read(self.environ)),
            },
            folder=self.installation.data_dir,
            stop=((signal.SIGTERM, stop_s),),
        )


def _tls_files(settings: env.Environment) -> dict[str, str]:
    """Absolute: our processes work in another folder than the one that relative paths were written for."""
    named = {
        "MODELYARD_TLS_CERT": settings.tls_cert,
        "MODELYARD_TLS_KEY": settings.tls_key,
        "MODELYARD_WORKER_TLS_CA": settings.worker_tls_ca,
        "MODELYARD_WORKER_TLS_CERT": settings.worker_tls_cert,
        "MODELYARD_WORKER_TLS_KEY": settings.worker_tls_key,
    }
    return {name: str(path) for name, path in named.items() if path is not None}


def reachable_host(host: str) -> str:
    """An address by which this machine itself reaches a server that is bound to `host`, as it stands in a URL."""
    address = ANY_ADDRESS.get(host, host)
    return f"[{address}]" if ":" in address else address


def answers(host: str, port: int) -> bool:
    """Whether the web process serves pages: any answer but a server error."""
    address, settings = ANY_ADDRESS.get(host, host), env.read(os.environ)
    connection = HTTPConnection(address, port, timeout=2)
    if settings.tls_cert:
        # It is our own child, asked by an address that its certificate need not have.
        connection = HTTPSConnection(address, port, timeout=2, context=ssl._create_unverified_context())  # noqa: S323
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
