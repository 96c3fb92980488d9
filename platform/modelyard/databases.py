"""What a database URL means for Django, for Celery's broker and for psycopg."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# Lock and statement deadlines live in Postgres, so that no process of ours can wait for ever.
DEADLINES = "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"

BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "init_extension": False,  # the schema comes from our migration; Postgres needs no extension
    "use_notify": True,
    "notify_throttle_interval_ms": 0,
    "wait_time_seconds": 0,
    "polling_interval": 0.5,
    "pool_size": 2,
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
    """The pgmq broker on the same database."""
    _parsed(url)
    return "pgmq://" + url.split("://", 1)[1]


def _parsed(url: str) -> dict[str, str]:
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured("DATABASE_URL must look like postgres://user:password@host:port/name.")
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {str(error).strip()}.") from error
