"""Starting one worker process: its arguments, its environment, its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from inference.protocol.engines import engine_entry
from inference.protocol.tls import TlsFiles
from registry.agent import logfiles
from registry.agent.allotment import Claimed, allotment
from registry.agent.identity import LAUNCH_VARIABLE
from registry.errors import LaunchFailed
from registry.models import Device, Worker
from registry.tokens import token_hash, worker_token
from registry.worker_login import heartbeat_url

# What a worker must not inherit: with these it could act as the platform.
WITHHELD = (
    *("DATABASE_URL", "MODELYARD_WORKER_DATABASE_URL", "CELERY_BROKER_URL", "MODELYARD_SECRET_KEY"),
    *("PGPASSWORD", "PGPASSFILE", "PGSSLCERT", "PGSSLKEY", "MODELYARD_ROLE", "DJANGO_SETTINGS_MODULE"),
)


def log_file(launch_id: object) -> Path:
    """Where a launch writes what it has to say."""
    return Path(settings.MODELYARD_LOG_DIR) / "workers" / f"{launch_id}.log"


@dataclass(frozen=True, slots=True)
class Spawned:
    """A child of ours, and what there is to note about its start."""

    process: subprocess.Popen[bytes]
    note: str


def spawn(worker: Worker) -> Spawned:
    """Start the process in a session of its own, so that it outlives whoever starts it. Raises `LaunchFailed`."""
    _check_token(worker)
    try:
        with logfiles.opened(log_file(worker.launch_id)) as (output, note):
            process = subprocess.Popen(
                arguments(worker),
                env=environment(worker),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise LaunchFailed(f"the process could not be started: {error}") from error
    return Spawned(process, note)


def _check_token(worker: Worker) -> None:
    if worker.token_hash and worker.token_hash != token_hash(worker.launch_id):
        raise LaunchFailed(
            "this node's agent has another secret key than the control plane: give both the same MODELYARD_SECRET_KEY"
        )


def arguments(worker: Worker) -> list[str]:
    """The command line: everything but secrets. The launch id in it makes the process recognisable for ever."""
    snapshot = worker.revision.snapshot
    return [
        *(sys.executable, "-m", "inference"),
        *("--engine", snapshot["engine"]),
        *("--model", snapshot["path"] or "."),
        *("--name", snapshot["model"]),
        *("--host", _host(worker)),
        *("--port", "0"),
        *("--launch-id", str(worker.launch_id)),
        *("--options", json.dumps(_options(worker))),
        *tls_arguments(settings.MODELYARD_WORKER_TLS),
    ]


def tls_arguments(files: TlsFiles) -> Iterable[str]:
    """Which certificate a worker shows, and whose it wants to see: paths, so that `ps` shows no key."""
    if files.cert is None:
        return
    for option, path in (("--tls-cert", files.cert), ("--tls-key", files.key), ("--tls-ca", files.ca)):
        if path is not None:
            yield from (option, str(path))


def environment(worker: Worker) -> dict[str, str]:
    """Ours without what is withheld, and with the launch's own token."""
    own = {name: value for name, value in os.environ.items() if name not in WITHHELD}
    own["MODELYARD_WORKER_TOKEN"] = worker_token(worker.launch_id)
    own["MODELYARD_HEARTBEAT_URL"] = heartbeat_url()
    own["MODELYARD_CACHE_DIR"] = str(settings.MODELYARD_CACHE_DIR)
    own["PYTHONUNBUFFERED"] = "1"
    own[LAUNCH_VARIABLE] = str(worker.launch_id)
    own["CUDA_VISIBLE_DEVICES"] = visible_devices(
        claim.device for claim in worker.claims.select_related("device").order_by("pk")
    )
    return own


def visible_devices(devices: Iterable[Device]) -> str:
    """The claimed GPUs by uuid, which stay right when indices move; empty hides them all."""
    return ",".join(device.uuid for device in devices if device.kind == Device.Kind.CUDA and not device.simulated)


def _host(worker: Worker) -> str:
    assert worker.node is not None
    return worker.node.address


def _options(worker: Worker) -> dict[str, Any]:
    snapshot = worker.revision.snapshot
    options = dict(snapshot["options"])
    entry = engine_entry(snapshot["engine"])
    if not entry.loads_weights:
        options.pop("device", None)  # said to placement; this engine computes on nothing
        return options
    extras = {"chat_template": snapshot["chat_template"], "trust_remote_code": snapshot["trust_remote_code"]}
    claims = [
        Claimed(claim.bytes, claim.device.memory_total_bytes, on_card=claim.device.kind == Device.Kind.CUDA)
        for claim in worker.claims.select_related("device")
    ]
    told = allotment(entry, options, claims=claims, estimate=worker.revision.estimate)
    return {name: value for name, value in extras.items() if value} | told | options
