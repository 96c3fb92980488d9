"""A database that lets nobody in."""

from __future__ import annotations

import psycopg
from django.db import connection
from psycopg import sql


def break_off(*, connectable: bool) -> None:
    """Close every connection to the test's database and let nobody in, or everybody again."""
    settings = connection.settings_dict
    connection.close()
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as server:
        name = sql.Identifier(settings["NAME"])
        server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, sql.Literal(connectable)))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [settings["NAME"]])
