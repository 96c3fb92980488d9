"""A platform with more nodes than one machine has: further agents, with simulated devices, and further control planes.

All of them are real processes of their own, which may be killed, stopped and continued one by one.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
from load import Load
from strikes import kill_services
from truth import Rows, Sight, rows, unsettled, untold
from watcher import Watcher
from yard import Yard, clean_environment, until

from modelyard.installation import Installation
from registry.sweep import SWEEPER_LOCK

NODES = ("node-a", "node-b", "node-c")
DEVICES = "1x80GiB:H100"
TRUE_AGAIN_S = 15.0
# For tests that look whether anything is wrong at all: this machine may be busy with other things.
PATIENCE_S = 60.0

NODE_OF = "SELECT 1 FROM registry_node WHERE name = %s AND agent_pid = %s AND left_at IS NULL"
LEADER = """
    SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = %s AND a.wait_event_type = 'Lock'
"""


# What a failed test shows.
LOOKS = (
    "SELECT *, clock_timestamp() - swept_at AS ago FROM registry_sweep",
    "SELECT name, replicas, renewed_at FROM registry_deployment",
    """SELECT id, deployment_id, replica, revision_id, state, "order", replaces_id, node_id, created_at, launching_at,
              exited_at, heartbeat_at, reason FROM registry_worker WHERE ended_at IS NULL ORDER BY id""",
    """SELECT application_name, state, wait_event, clock_timestamp() - xact_start AS open, left(query, 80) AS query
       FROM pg_stat_activity WHERE state <> 'idle' AND backend_type = 'client backend'""",
    "SELECT queue_name, queue_length, oldest_msg_age_sec, total_messages FROM pgmq.metrics_all()",
)


class Part:
    """One process beside those of `up`, started under the same name as often as it is killed."""

    def __init__(self, yard: Yard, name: str, *arguments: str) -> None:
        self.name = name
        self.command = [sys.executable, "-m", "modelyard", *arguments, "--data-dir", str(yard.data_dir)]
        self.environment = clean_environment() | {"MODELYARD_ROLE": f"modelyard-{name}", "PYTHONUNBUFFERED": "1"}
        self.log = yard.home / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.log.parent,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        """Popen knows whether the process is still ours, so no other one can be hit."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Cluster:
    """Nodes `node-a`, `node-b` … with a simulated device each, beside the platform's own node, which is cordoned."""

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.parts: dict[str, Part] = {}
        self.connection = self.connect()
        self.watcher = Watcher(self.database_url, yard.data_dir)

    @property
    def database_url(self) -> str:
        return Installation.at(self.yard.data_dir).database_url

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=5)

    # parts

    def start_nodes(self, *names: str, devices: str = DEVICES) -> None:
        """Agents with simulated devices; returns when all have joined."""
        for name in names:
            self.parts[name] = Part(self.yard, name, "agent", "--name", name, "--devices", devices)
            self.parts[name].start()
        for name in names:
            self.wait_for_node(name)

    def restart_node(self, name: str) -> None:
        self.parts[name].start()
        self.wait_for_node(name)

    def wait_for_node(self, name: str) -> None:
        pid = self.parts[name].pid
        until(lambda: self.yard.row(NODE_OF, name, pid), within=PATIENCE_S, what=f"{name} has joined")

    def start_control(self, name: str) -> Part:
        self.parts[name] = Part(self.yard, name, "control")
        self.parts[name].start()
        return self.parts[name]

    def cordon_own_node(self) -> None:
        own = self.yard.process("agent")["pid"]
        [name] = until(lambda: self.yard.row("SELECT name FROM registry_node WHERE agent_pid = %s", own))
        self.yard.run("cordon", name)

    def caught_leader(self) -> str:
        """The control process that sweeps now and waits in the middle of it for a row or a table; empty: none does."""
        found = self.query(LEADER, SWEEPER_LOCK)
        return found[0]["application_name"].removeprefix("modelyard-") if found else ""

    def pid(self, name: str) -> int:
        """Of a part of ours or of `up`."""
        return self.parts[name].pid if name in self.parts else int(self.yard.process(name)["pid"])

    def kill(self, name: str) -> float:
        """SIGKILL to a part of ours or of `up`; returns when, on the monotonic clock."""
        if name in self.parts:
            self.parts[name].kill()
        else:
            kill_services(self.yard, [name])
        return time.monotonic()

    # rows

    def query(self, query: str, *parameters: object) -> Rows:
        return rows(self.connection, query, *parameters)

    def change(self, statement: str, *parameters: object) -> None:
        self.connection.execute(statement, parameters)

    def reconnect(self) -> None:
        """After a fault that took the connection."""
        self.connection.close()
        self.connection = until(self._connected, what="the database is back")

    def _connected(self) -> psycopg.Connection[Any] | None:
        try:
            return self.connect()
        except psycopg.OperationalError:
            return None

    def workers(self, deployment: str, *, state: str = "READY") -> Rows:
        found = self.sight().workers
        return [worker for worker in found if (worker["deployment"], worker["state"]) == (deployment, state)]

    def worker(self, launch_id: object) -> dict[str, Any]:
        return next(w for w in self.sight().workers if str(w["launch_id"]) == str(launch_id))

    def launches(self, deployment: str) -> set[str]:
        return {str(worker["launch_id"]) for worker in self.workers(deployment)}

    def story(self, worker: dict[str, Any]) -> list[str]:
        """What the timeline says of a launch, oldest first."""
        events = self.query("SELECT * FROM registry_event WHERE worker_id = %s ORDER BY id", worker["id"])
        return [f"{event['from_state']} → {event['to_state']}: {event['reason']}" for event in events]

    # truth

    def sight(self) -> Sight:
        return Sight.of(self.connection, self.yard.data_dir)

    def wrong(self) -> list[str]:
        return unsettled(self.connection, self.sight())

    def settle(
        self, *, within: float = TRUE_AGAIN_S, since: float | None = None, after: Callable[[], bool] = lambda: True
    ) -> float:
        """Wait until all is as it should be; the seconds that it took since `since` (a reading of the monotonic clock).

        `after`: what must have happened first, where all may look well before anybody has noticed anything.
        Then the watcher must have seen nothing impossible, and every worker's events must tell its life.
        """
        begun = since or time.monotonic()
        until(after, within=begun + within - time.monotonic(), what="the fault has been noticed")
        wrong = self.wrong()
        while wrong:
            assert time.monotonic() < begun + within, f"not true after {within} s: {wrong}\n{self.last_words()}"
            time.sleep(0.1)
            wrong = self.wrong()
        seconds = time.monotonic() - begun
        self.check()
        return seconds

    def check(self) -> None:
        """What may never be, and what every worker's timeline must tell."""
        impossible = self.watcher.seen()
        assert not impossible, impossible
        untruths = untold(self.connection)
        assert not untruths, f"{untruths}\n{self.last_words()}"

    def last_words(self) -> str:
        """What the platform's processes and the nodes said last."""
        logs = [*(self.yard.data_dir / "logs").glob("*.log"), *(part.log for part in self.parts.values())]
        said = [f"{log.name}: {line}" for log in logs for line in log.read_text().splitlines()[-4:]]
        return "\n".join([*(str(row) for query in LOOKS for row in self.query(query)), *said])

    # deployments

    def deploy(self, name: str, *options: str, replicas: int = 3, memory: str = "4GiB", delay_ms: float = 20) -> None:
        self.yard.run(
            *("deploy", name, "--engine", "echo", "--replicas", str(replicas), "--memory", memory),
            *("--option", f"token_delay_ms={delay_ms}", *options),
        )

    def mend(self) -> None:
        """Start what a test before left dead, and wait until all is well."""
        for part in self.parts.values():
            if not part.runs:
                part.start()
        self.settle(within=PATIENCE_S)

    def forget(self, name: str) -> None:
        """Stop a deployment and wait until nothing of it is left."""
        self.yard.run("stop", name)
        self.settle(within=PATIENCE_S)

    def load(self, model: str, *, clients: int = 6, streams: bool = False, words: int = 15) -> Load:
        return Load(self.yard.credentials, model, clients=clients, streams=streams, words=words)

    def remove(self) -> None:
        self.watcher.stop()
        self.connection.close()
        for part in self.parts.values():
            if part.runs:
                part.kill()  # `down` ends what they leave behind
