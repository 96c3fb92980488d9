"""Kombu's pgmq transport, quieter: a consumer with nothing to do sleeps; a message costs the same beside many queues.

Kombu's own reads each queue once a second though nothing came, lists all queues before each of these and before each
message (11 ms with a thousand), and wakes ten times a second to see whether it was interrupted.
"""

from __future__ import annotations

import math
import select
import time
from contextlib import suppress
from queue import Empty
from typing import Any

import psycopg
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES, pgmq

TRANSPORT_ALIASES["pgmq"] = "modelyard.broker:Transport"  # from now on, whoever builds the connection
RETRY_S = 1.0
LOOK_S = 2.0  # for messages whose announcement was lost


class PatientConnection(Connection):
    """Tries again every second for as long as it takes. Kombu waits longer each time, up to half a minute, in which a
    database that is back already would not be noticed."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        return super().ensure_connection(
            *args, **(options | {"interval_start": RETRY_S, "interval_step": 0, "interval_max": RETRY_S})
        )


class Waiter(pgmq._NotifyWaiter):  # type: ignore[misc]  # kombu has no types
    """Sleeps until Postgres announces a message."""

    def wait(self, timeout: float | None) -> bool:
        """Whether there is something to look at within so many seconds: a message, or a connection that broke."""
        with self._lock:
            self._ensure_conn()
            connection = self._conn
        try:
            readable = select.poll()  # `select` takes no descriptor above 1023, and agents have many
            readable.register(connection, select.POLLIN)
            readable.poll(None if timeout is None else timeout * 1000)
            return any(True for _ in connection.notifies(timeout=0))
        except (OSError, psycopg.OperationalError, psycopg.InterfaceError):
            self._drop_conn(connection)
            return True


class Transport(pgmq.Transport):  # type: ignore[misc]  # kombu has no types
    """One consumer's or producer's way to the queues."""

    def __init__(self, client: Connection, **options: Any) -> None:
        super().__init__(client, **options)
        self._notify_waiter: Waiter | None = None
        self._looked_at = -math.inf

    def verify_connection(self, connection: Any) -> bool:
        """Whether Postgres answers."""
        pool = self._get_pgmq_client().pool
        try:
            with pool.connection() as used:
                pool.check_connection(used)
        except psycopg.Error:
            return False
        return True

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:
        """Deliver messages. Raises `TimeoutError` when none comes within so many seconds."""
        give_up_at = time.monotonic() + (math.inf if timeout is None else timeout)
        while True:
            if time.monotonic() - self._looked_at >= LOOK_S:
                with suppress(Empty):
                    self.cycle.get(self._deliver, timeout=timeout)
                    return  # and look again at once, for there may be more
                self._looked_at = time.monotonic()
            left = min(give_up_at, self._looked_at + LOOK_S) - time.monotonic()
            if self._get_notify_waiter().wait(max(0.0, left)):
                self._looked_at = -math.inf
            elif time.monotonic() >= give_up_at:
                raise TimeoutError

    def _get_notify_waiter(self) -> Waiter:
        if self._notify_waiter is None:
            self._notify_waiter = Waiter(self._get_pgmq_client().config.dsn)
        return self._notify_waiter
