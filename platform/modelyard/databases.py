"""What a database URL means for Django, for Celery's broker and for psycopg."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote, urlencode

from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from modelyard import passfile

# Lock and statement deadlines live in Postgres, so that no process of ours can wait for ever.
# A process that is frozen in the middle of a transaction holds its locks, the sweeper's among them, for the last one.
DEADLINES = "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=8s"

BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "init_extension": False,  # the schema comes from our migration; Postgres needs no extension
    "use_notify": True,
    "notify_throttle_interval_ms": 0,
    "wait_time_seconds": 0,
    "polling_interval": 2.0,  # seconds; for messages whose notification was lost
    "pool_size": 2,
    "pool_timeout": 3.0,  # seconds; then a new pool tries at once, while an old one waits ever longer between its tries
    "visibility_timeout": 120,  # seconds; longer than any task of ours
}


def django_settings(url: str, *, application_name: str) -> dict[str, Any]:
    """`DATABASES["default"]` of a `postgres://` URL. Raises `ImproperlyConfigured` for anything else."""
    parts = _parsed(url)
    options = {
        name: value for name, value in parts.items() if name not in {"user", "password", "host", "port", "dbname"}
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", "modelyard"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": parts.get("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": DEADLINES, "application_name": application_name, "connect_timeout": 3, **options},
    }


def broker_url(url: str) -> str:
    """The pgmq broker on the same database, with the password that libpq would find for a URL without one."""
    parts = _parsed(url)
    # Celery takes what follows a question mark for options of its own; `libpq_environment` has them.
    account, at, place = url.split("://", 1)[1].partition("?")[0].rpartition("@")
    if at and "password" not in parts and (password := passfile.password_for(parts, os.environ)):
        account = f"{account}:{quote(password, safe='')}"
    return f"pgmq://{account}{at}{place}"


def libpq_environment(url: str) -> dict[str, str]:
    """How a URL wants its connections secured, as libpq's variables: for the broker, which builds URLs without it."""
    parts = _parsed(url)
    known = {option.keyword.decode(): option.envvar for option in Conninfo.get_defaults()}
    secured = [name for name in parts if name.startswith("ssl") or name == "channel_binding"]
    return {envvar.decode(): parts[name] for name in secured if (envvar := known.get(name))}


def worker_url(url: str, *, secret_key: str) -> str:
    """The same database with the workers' own login, whose password is derived and so stored nowhere."""
    parts = _parsed(url)
    database = parts.setdefault("dbname", "modelyard")
    password = salted_hmac("modelyard.worker_login", database, secret=secret_key, algorithm="sha256").hexdigest()
    of_the_platform = ("sslcert", "sslkey", "sslpassword", "passfile")
    kept = {name: value for name, value in parts.items() if name not in of_the_platform}
    # Postgres cuts names at 63 bytes.
    return _url(kept | {"user": f"{database[:56]}_worker", "password": password})


def given_worker_url(url: str) -> str:
    """MODELYARD_WORKER_DATABASE_URL, checked."""
    parts = _parsed(url, variable="MODELYARD_WORKER_DATABASE_URL")
    if "user" not in parts:
        raise ImproperlyConfigured("MODELYARD_WORKER_DATABASE_URL must name a user.")
    return url


def _url(parts: dict[str, str]) -> str:
    return f"postgresql:///?{urlencode(parts, quote_via=quote)}"


def _parsed(url: str, *, variable: str = "DATABASE_URL") -> dict[str, str]:
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(f"{variable} must look like postgres://user:password@host:port/name.")
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"{variable} cannot be read: {str(error).strip()}.") from error
