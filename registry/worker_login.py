"""The workers' own database login: it may call the heartbeat's function, and read or write nothing."""

from __future__ import annotations

import functools
import logging
from typing import LiteralString
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from inference.protocol.beat import BEAT_SQL, Report, WorkerState

logger = logging.getLogger(__name__)

LOCK = 0x4D5A  # an advisory lock of ours: one process at a time changes the login
NOBODY = UUID(int=0)  # no launch has it, so a beat for it changes nothing
# Milliseconds, and a beat that the next one repeats need not wait for the disk.
SETTINGS = {"statement_timeout": "2000", "lock_timeout": "2000", "synchronous_commit": "off"}

ALLOWED: tuple[LiteralString, ...] = (
    "GRANT CONNECT ON DATABASE {database} TO {role}",
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT EXECUTE ON FUNCTION {schema}.modelyard_beat(uuid, text, jsonb) TO {role}",
    "GRANT EXECUTE ON FUNCTION {schema}.modelyard_beat"
    "(uuid, text, text, bigint, bigint, bigint, float8, float8, bigint, bigint) TO {role}",
)
# What Postgres lets everybody do, as far as we may take it: who does not own the database only gets a warning.
TAKEN: tuple[LiteralString, ...] = (
    "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
)
TAKEN_ON_OUR_SERVER: tuple[LiteralString, ...] = (
    "REVOKE CONNECT ON DATABASE {database}, postgres, template1 FROM PUBLIC",
)
# The superuser may take more: large objects fill the disk, the sweeper waits for an advisory lock, and one worker must
# not end another one's connection.
CATALOG = r"""
DO $$ DECLARE f regprocedure; BEGIN
    FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
        AND proname ~ '^(lo_|loread|lowrite|pg_advisory_|pg_try_advisory_|pg_terminate_backend|pg_cancel_backend)'
        AND has_function_privilege('public', oid, 'EXECUTE')
    LOOP EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f); END LOOP;
END $$
"""


def ensure() -> None:
    """Make the login with its one right. Safe to repeat, also at once. Raises `DatabaseError` where we may not."""
    login = conninfo_to_dict(settings.MODELYARD_HEARTBEAT_URL)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        names = _names(cursor, role=str(login["user"]))
        if not settings.MODELYARD_WORKER_LOGIN_GIVEN:
            _make(cursor, names, password=str(login["password"]))
        for statement in (*ALLOWED, *TAKEN, *(TAKEN_ON_OUR_SERVER if settings.MODELYARD_OWNS_SERVER else ())):
            cursor.execute(sql.SQL(statement).format(**names))
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone()[0] == "on":
            cursor.execute(CATALOG)


def refusal() -> str:
    """Why the login cannot beat, in the server's words; empty when it can."""
    url, beat = settings.MODELYARD_HEARTBEAT_URL, Report(state=WorkerState.READY)
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=3, application_name="modelyard-login") as login:
            login.execute(BEAT_SQL, (NOBODY, "", Jsonb(beat)))
    except psycopg.Error as error:
        return (str(error).strip().splitlines() or [type(error).__name__])[-1].rpartition("FATAL:")[2].strip()
    return ""


def complaint() -> str:
    """What an operator should know and do when workers cannot have a login of their own; empty when all is well."""
    reason = refusal()
    if not reason:
        return ""
    return (
        f"Workers use the platform's own database login, because theirs does not work ({reason}). Let the platform's "
        "login create roles and start again, or set MODELYARD_WORKER_DATABASE_URL to a login that can do nothing."
    )


@functools.cache
def heartbeat_url() -> str:
    """What this agent's workers beat with, decided at the first launch: the restricted login, where it works."""
    if not refusal():
        return str(settings.MODELYARD_HEARTBEAT_URL)
    try:
        ensure()  # nobody may have called `up` since the tables were made
    except DatabaseError as error:
        logger.info("The workers' login cannot be made here: %s", str(error).strip().splitlines()[0])
    if sentence := complaint():
        logger.warning(sentence)
        return str(settings.DATABASE_URL)
    return str(settings.MODELYARD_HEARTBEAT_URL)


def _names(cursor: CursorWrapper, *, role: str) -> dict[str, sql.Composable]:
    cursor.execute("SELECT current_database(), current_schema()")
    database, schema = cursor.fetchone()
    return {"database": sql.Identifier(database), "schema": sql.Identifier(schema), "role": sql.Identifier(role)}


def _make(cursor: CursorWrapper, names: dict[str, sql.Composable], *, password: str) -> None:
    role = names["role"].as_string().strip('"')
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE ROLE {role} LOGIN").format(**names))
    # A verifier made here: the clear text reaches neither the server nor its log.
    verifier = connection.connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {role} LOGIN PASSWORD {verifier}")
    cursor.execute(statement.format(verifier=sql.Literal(verifier.decode()), **names))
    for name, value in SETTINGS.items():
        statement = sql.SQL("ALTER ROLE {role} SET {name} = {value}")
        cursor.execute(statement.format(name=sql.Identifier(name), value=sql.Literal(value), **names))
