"""The embedded Postgres server: a child of the supervisor, on loopback TCP only, with a password."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from modelyard.embedded.children import ChildSpec
from modelyard.embedded.cluster import OWNER, Cluster
from modelyard.embedded.logs import tail
from modelyard.embedded.supervisor import Supervisor
from modelyard.errors import PostgresFailed
from modelyard.installation import Secrets

NAME = "postgres"
HOST = "127.0.0.1"
RECOVERY_S = 300.0  # a server that lives may replay its log for so long
RETRY_S = 15.0  # a server that ends is tried again for so long: processes of a killed one linger for a second or two
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT  # Postgres's names of its shutdown modes


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """The server of one cluster, at the port and with the password of the installation's secrets."""

    cluster: Cluster
    secrets: Secrets

    def prepare(self) -> None:
        self.cluster.prepare(password=self.secrets.postgres_password)

    @property
    def child(self) -> ChildSpec:
        return ChildSpec(
            name=NAME,
            argv=(
                *(self.cluster.binaries.program("postgres"), "-D", str(self.cluster.directory)),
                *("-c", f"listen_addresses={HOST}", "-c", f"port={self.secrets.postgres_port}"),
                *("-c", "unix_socket_directories=", "-c", "logging_collector=off", "-c", "fsync=on"),
            ),
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
            account=self.cluster.account,
            death_signal=FAST,
            stop=((FAST, 3.0), (IMMEDIATE, 1.0)),
            stop_at_once=IMMEDIATE,
        )

    def wait_until_ready(self, supervisor: Supervisor, *, check: Callable[[], None] = lambda: None) -> None:
        """Ready is a connection that works, never a pid file. `check` runs between tries and may raise."""
        give_up_at = time.monotonic() + RECOVERY_S
        restarts = supervisor.status(NAME).restarts
        while not self._answers():
            check()
            supervisor.tick()
            if supervisor.status(NAME).state != "running" or supervisor.status(NAME).restarts != restarts:
                restarts = supervisor.status(NAME).restarts
                give_up_at = min(give_up_at, time.monotonic() + RETRY_S)
            if time.monotonic() > give_up_at:
                raise PostgresFailed(f"The database did not start: {self._last_words(supervisor)}")
            time.sleep(0.02)

    def create_database(self, name: str = "modelyard") -> None:
        """Once; afterwards it is there."""
        with self._connection() as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _answers(self) -> bool:
        try:
            with self._connection() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _connection(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=HOST,
            port=self.secrets.postgres_port,
            user=OWNER,
            password=self.secrets.postgres_password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=3,
            application_name="modelyard-supervisor",
        )

    def _last_words(self, supervisor: Supervisor) -> str:
        log = supervisor.log_file(NAME)
        complaints = re.findall(r"(?:FATAL|PANIC):\s*(.+)", tail(log))
        return f"{complaints[-1] if complaints else 'it gave no reason'} (see {log})."
