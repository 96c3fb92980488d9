"""What a worker's database login can do: beat for its own launch, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection, connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege
from psycopg.types.json import Jsonb

from inference.protocol.beat import BEAT_SQL
from registry import worker_login
from registry.models import Worker
from registry.tokens import worker_token
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

Login = psycopg.Connection[tuple[object, ...]]

TABLES = """
    SELECT table_schema, table_name, min(column_name::text) FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') GROUP BY 1, 2
"""
STATEMENTS = (
    "SELECT {column} FROM {table}",
    "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE {table} SET {column} = NULL",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "DROP TABLE {table}",
)
# Trigger functions are called by their triggers only, whatever the rights say.
CALLABLE = """
    SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prorettype <> 'trigger'::regtype
      AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
"""


@pytest.fixture
def login(settings: LazySettings) -> Iterator[Login]:
    with psycopg.connect(settings.MODELYARD_HEARTBEAT_URL, autocommit=True) as opened:
        yield opened


def test_every_table_is_closed_to_it(login: Login) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = cursor.fetchall()
    assert {("public", "registry_worker"), ("pgmq", "meta")} <= {table[:2] for table in tables}
    for *table, column in tables:
        for statement in STATEMENTS:
            with pytest.raises(InsufficientPrivilege):
                login.execute(sql.SQL(statement).format(table=sql.Identifier(*table), column=sql.Identifier(column)))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (x int)",
        "CREATE TEMPORARY TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SET ROLE modelyard",
        "SET SESSION AUTHORIZATION modelyard",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_shadow",
        "SELECT nextval('registry_worker_id_seq')",
        "SELECT pgmq.send('control', '{}'::jsonb)",
        "SELECT pgmq.purge_queue('control')",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT lo_create(0)",
        "SELECT pg_advisory_lock(19801)",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "ALTER SYSTEM SET max_connections = 1",
        "ALTER FUNCTION modelyard_beat(uuid, text, jsonb) RESET ALL",
        "GRANT EXECUTE ON FUNCTION modelyard_beat(uuid, text, jsonb) TO PUBLIC WITH GRANT OPTION",
    ],
)
def test_it_can_do_nothing_else(login: Login, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        login.execute(statement)  # type: ignore[call-overload]
    assert refused.value.sqlstate in {"42501", "0LP01"}


def test_all_that_it_can_call_is_the_heartbeat_s(login: Login) -> None:
    assert login.execute(CALLABLE).fetchall() == [("modelyard_beat",)]


def test_it_sees_no_other_database_of_the_server(settings: LazySettings) -> None:
    for database in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(settings.MODELYARD_HEARTBEAT_URL, dbname=database)


@pytest.mark.django_db(transaction=True)
def test_it_beats_for_its_own_launch_and_for_no_other(login: Login) -> None:
    mine = factories.worker(factories.deployment(), factories.device(factories.node()), state="STARTING")
    other = factories.worker(mine.deployment, replica=1, node=mine.node, state="STARTING")
    token, report = worker_token(mine.launch_id), Jsonb({"state": "READY"})
    assert login.execute(BEAT_SQL, (mine.launch_id, token, report)).fetchone() == ("run",)
    assert login.execute(BEAT_SQL, (other.launch_id, token, report)).fetchone() == (None,)
    states = Worker.objects.order_by("replica").values_list("state", flat=True)
    assert list(states) == ["READY", "STARTING"]


def test_the_caller_cannot_choose_what_the_function_s_names_mean(login: Login) -> None:
    found = login.execute("SELECT prosecdef, proconfig FROM pg_proc WHERE proname = 'modelyard_beat'").fetchall()
    assert found == 2 * [(True, ["search_path=pg_catalog, public, pg_temp"])]


def test_its_password_is_no_clear_text_anywhere(settings: LazySettings) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'modelyard_worker'")
        assert cursor.fetchone()[0].startswith("SCRAM-SHA-256$")
    password = str(conninfo_to_dict(settings.MODELYARD_HEARTBEAT_URL)["password"])
    assert password not in settings.INSTALLATION.secrets_file.read_text()
    assert password not in "".join(log.read_text() for log in settings.INSTALLATION.log_dir.glob("*.log"))


@pytest.mark.django_db(transaction=True)
def test_many_processes_make_it_at_once(settings: LazySettings) -> None:
    errors: list[Exception] = []

    def make() -> None:
        try:
            worker_login.ensure()
        except Exception as error:  # noqa: BLE001 - shown by the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, worker_login.refusal()) == ([], "")


def test_without_the_login_the_agent_says_so_and_goes_on_with_the_platform_s(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODELYARD_WORKER_LOGIN_GIVEN = True
    settings.MODELYARD_HEARTBEAT_URL = settings.MODELYARD_HEARTBEAT_URL.replace("modelyard_worker", "stranger")
    worker_login.heartbeat_url.cache_clear()
    try:
        assert worker_login.heartbeat_url() == settings.DATABASE_URL
    finally:
        worker_login.heartbeat_url.cache_clear()
    assert "set MODELYARD_WORKER_DATABASE_URL to a login that can do nothing" in caplog.text
