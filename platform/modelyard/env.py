"""Environment variables: each declared once, read in one place, checked loudly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from inference.protocol.images import image_hosts

TRUE, FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def text(value: str) -> str:
    return value


def boolean(value: str) -> bool:
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ValueError("say true or false")


def positive(value: str) -> float:
    number = float(value)
    if number <= 0:
        raise ValueError("say a number above 0")
    return number


def count(value: str) -> int:
    number = int(value)
    if number <= 0:
        raise ValueError("say a whole number above 0")
    return number


def names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def path(value: str) -> Path:
    return Path(value).expanduser().absolute()


DEFAULT_DATA_DIR = path("var")


def _variable(name: str, read: Callable[[str], Any], *, default: Any, explanation: str) -> Any:
    return field(default=default, metadata={"name": name, "read": read, "help": explanation})


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything that the platform takes from its environment. An unset or empty variable is its default."""

    data_dir: Path = _variable(
        "MODELYARD_DATA_DIR", path, default=DEFAULT_DATA_DIR, explanation="Where the installation keeps its data."
    )
    database_url: str = _variable(
        "DATABASE_URL",
        text,
        default="",
        explanation="A Postgres to use instead of the embedded one: postgres://user:password@host:port/name.",
    )
    worker_database_url: str = _variable(
        "MODELYARD_WORKER_DATABASE_URL",
        text,
        default="",
        explanation="The login that workers beat with; unset: one that the platform makes, with no other right.",
    )
    postgres_bin: str = _variable(
        "PGBIN",
        text,
        default="",
        explanation="The folder with `initdb` and `postgres`; unset: the wheel's, else the machine's.",
    )
    broker_url: str = _variable(
        "CELERY_BROKER_URL",
        text,
        default="",
        explanation="Another Celery broker, such as redis://…; unset: queues in the same Postgres.",
    )
    secret_key: str = _variable(
        "MODELYARD_SECRET_KEY",
        text,
        default="",
        explanation="Signs sessions and derives worker tokens; unset: generated in the data directory.",
    )
    node_name: str = _variable(
        "MODELYARD_NODE_NAME", text, default="", explanation="This machine's name as a node; unset: its host name."
    )
    host: str = _variable(
        "MODELYARD_HOST",
        text,
        default="127.0.0.1",
        explanation="The address that the web process binds; set by `up --host`.",
    )
    port: int = _variable(
        "MODELYARD_PORT", int, default=8000, explanation="The port that the web process binds; set by `up --port`."
    )
    allowed_hosts: tuple[str, ...] = _variable(
        "MODELYARD_ALLOWED_HOSTS",
        names,
        default=(),
        explanation="Host names that the pages answer to; unset: loopback, or any when bound wider.",
    )
    base_url: str = _variable(
        "MODELYARD_BASE_URL",
        text,
        default="",
        explanation="The public URL behind a proxy, such as https://models.example.org.",
    )
    debug: bool = _variable(
        "MODELYARD_DEBUG", boolean, default=False, explanation="Django's debug pages; never on a shared machine."
    )
    log_level: str = _variable(
        "MODELYARD_LOG_LEVEL", str.upper, default="INFO", explanation="DEBUG, INFO, WARNING or ERROR."
    )
    time_zone: str = _variable(
        "MODELYARD_TIME_ZONE", text, default="UTC", explanation="The time zone that the pages show."
    )
    max_body_mb: float = _variable(
        "MODELYARD_MAX_BODY_MB", positive, default=10.0, explanation="The largest API request body, in MB."
    )
    request_timeout_s: float = _variable(
        "MODELYARD_REQUEST_TIMEOUT_S",
        positive,
        default=600.0,
        explanation="How long an engine may be silent within one request, in seconds.",
    )
    arena_votes_per_hour: int = _variable(
        "MODELYARD_ARENA_VOTES_PER_HOUR",
        count,
        default=60,
        explanation="How many votes of one person count within an hour; more are kept, but set aside.",
    )
    body_timeout_s: float = _variable(
        "MODELYARD_BODY_TIMEOUT_S", positive, default=60.0, explanation="For a whole request body, in seconds."
    )
    body_idle_s: float = _variable(
        "MODELYARD_BODY_IDLE_S", positive, default=20.0, explanation="Between two parts of a body, in seconds."
    )
    header_timeout_s: float = _variable(
        "MODELYARD_HEADER_TIMEOUT_S", positive, default=15.0, explanation="For a request's headers, in seconds."
    )
    send_timeout_s: float = _variable(
        "MODELYARD_SEND_TIMEOUT_S",
        positive,
        default=60.0,
        explanation="How long a client may not read what it asked for, in seconds; then it is cut off.",
    )
    max_connections: int = _variable(
        "MODELYARD_MAX_CONNECTIONS", count, default=10_000, explanation="Open connections; the next one gets a 503."
    )
    web_drain_s: int = _variable(
        "MODELYARD_WEB_DRAIN_S",
        count,
        default=30,
        explanation="How long streams may go on after the web process was told to end, in seconds.",
    )
    cors_origins: tuple[str, ...] = _variable(
        "MODELYARD_CORS_ORIGINS",
        names,
        default=("*",),
        explanation="Pages that may call the API from a browser, such as https://app.example.org; unset: any.",
    )
    image_hosts: frozenset[str] = _variable(
        "MODELYARD_IMAGE_HOSTS",
        image_hosts,
        default=frozenset(),
        explanation="Hosts that images of chats may be fetched from; unset: none.",
    )
    tls_cert: Path | None = _variable(
        "MODELYARD_TLS_CERT", path, default=None, explanation="A PEM file with the certificate chain; wants a key too."
    )
    tls_key: Path | None = _variable(
        "MODELYARD_TLS_KEY", path, default=None, explanation="A PEM file with the certificate's key, without password."
    )
    worker_tls_ca: Path | None = _variable(
        "MODELYARD_WORKER_TLS_CA", path, default=None, explanation="A PEM file: the CA of workers and of who asks them."
    )
    worker_tls_cert: Path | None = _variable(
        "MODELYARD_WORKER_TLS_CERT",
        path,
        default=None,
        explanation="A PEM file: this machine's certificate, for its workers and for asking others; wants a key too.",
    )
    worker_tls_key: Path | None = _variable(
        "MODELYARD_WORKER_TLS_KEY", path, default=None, explanation="A PEM file: that certificate's key, no password."
    )
    anonymous: bool = _variable(
        "MODELYARD_ANONYMOUS",
        boolean,
        default=False,
        explanation="Whether models answer anybody, with any key or none; for a lab that trusts its network.",
    )
    max_waiting: int = _variable(
        "MODELYARD_MAX_WAITING",
        count,
        default=1000,
        explanation="Requests that wait for a model at most, in each web process.",
    )
    queue_timeout_s: float = _variable(
        "MODELYARD_QUEUE_TIMEOUT_S", positive, default=60.0, explanation="For a free place at a replica, in seconds."
    )
    keepalive_s: float = _variable(
        "MODELYARD_KEEPALIVE_S",
        positive,
        default=10.0,
        explanation="How often a stream that waits gets a comment, in seconds.",
    )
    api_key: str = _variable(
        "MODELYARD_API_KEY",
        text,
        default="",
        explanation="The key that `modelyard chat` uses; unset: this installation's own.",
    )


def variables() -> dict[str, str]:
    """Name to explanation of every variable, for `--help` and the documentation."""
    return {entry.metadata["name"]: entry.metadata["help"] for entry in fields(Environment)}


def read(environ: Mapping[str, str]) -> Environment:
    """The environment, checked. Raises `ImproperlyConfigured` with the variable's name and what it expects."""
    values: dict[str, Any] = {}
    for entry in fields(Environment):
        name, convert = entry.metadata["name"], entry.metadata["read"]
        if raw := environ.get(name, "").strip():
            values[entry.name] = _converted(name, raw, convert)
    environment = Environment(**values)
    if environment.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ImproperlyConfigured("MODELYARD_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if bool(environment.tls_cert) is not bool(environment.tls_key):
        raise ImproperlyConfigured("MODELYARD_TLS_CERT and MODELYARD_TLS_KEY go together: give both, or neither.")
    if bool(environment.worker_tls_cert) is not bool(environment.worker_tls_key):
        raise ImproperlyConfigured(
            "MODELYARD_WORKER_TLS_CERT and MODELYARD_WORKER_TLS_KEY go together: give both, or neither."
        )
    return environment


def _converted(name: str, raw: str, convert: Callable[[str], Any]) -> Any:
    try:
        return convert(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {raw!r}: {error}.") from error
