"""What one launch of a worker was told, by its arguments and its environment. Read here and nowhere else."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from inference.engines.base import EngineConfig
from inference.errors import ConfigError
from inference.protocol.images import Hosts
from inference.protocol.tls import TlsFiles
from inference.sources.hub import HubAccess

DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """All that a worker may know about its launch. Secrets stay out of its repr, and so out of logs."""

    model: Path
    name: str
    engine: str
    cache_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    tls: TlsFiles = field(default_factory=TlsFiles)
    launch_id: UUID | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    # Of a model from a hub. `hub` None keeps to its cache below ours.
    revision: str | None = None
    hub: HubAccess | None = None
    # Numbers or UUIDs of GPUs, as CUDA_VISIBLE_DEVICES takes them; None: as the environment says.
    devices: str | None = None
    token: str | None = field(default=None, repr=False)
    heartbeat_url: str | None = field(default=None, repr=False)
    beat_interval_s: float = 1.0
    drain_timeout_s: float = 30.0
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    # From where another server's model may fetch images.
    image_hosts: Hosts = frozenset()
    # How often a stream that waits gets a comment.
    keepalive_s: float = 10.0
    # Of this process, without its secrets: what processes that an engine starts inherit.
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __post_init__(self) -> None:
        if self.token is None and not is_loopback(self.host):
            raise ConfigError(
                f"Without a token only this machine may connect, so '{self.host}' is refused as host. "
                "Set MODELYARD_WORKER_TOKEN, or use 127.0.0.1."
            )
        if (self.tls.cert is None) is not (self.tls.key is None) or (self.tls.ca and not self.tls.cert):
            raise ConfigError("--tls-cert and --tls-key go together, and --tls-ca goes with both.")
        if self.heartbeat_url is not None and (self.launch_id is None or self.token is None):
            raise ConfigError(
                "MODELYARD_HEARTBEAT_URL is set, so --launch-id is needed, which says whose heart beats, "
                "and MODELYARD_WORKER_TOKEN, which proves it."
            )
        if self.heartbeat_url is not None:
            _check_postgres_url(self.heartbeat_url)

    @property
    def hub_access(self) -> HubAccess:
        """How to get a model from a hub."""
        return self.hub or HubAccess(self.cache_dir / "hub", offline=True)

    def for_engine(self) -> EngineConfig:
        """The part that the engine may see."""
        shown = {} if self.devices is None else {"CUDA_VISIBLE_DEVICES": self.devices}
        return EngineConfig(
            model=self.model,
            name=self.name,
            cache_dir=self.cache_dir,
            options=self.options,
            environ={**self.environ, **shown},
        )


def _check_postgres_url(url: str) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        # Without libpq's own words: they quote the URL, and it holds a password.
        raise ConfigError(
            "MODELYARD_HEARTBEAT_URL is not a postgres URL, such as postgresql://user:password@host:5432/database."
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def positive(value: object, name: str) -> float:
    """A number above zero from a string or from JSON. Raises `ConfigError` with the name of what it was meant for."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ConfigError(f"{name} must be a number above 0, not {value!r}.")
    return number
