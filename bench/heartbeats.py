"""`python -m bench heartbeats`: what the beats of many workers cost Postgres."""

from __future__ import annotations

import argparse
import itertools
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg

from bench.database import own_database, version
from bench.machine import headline
from inference.heartbeat import PostgresSender
from inference.protocol.beat import Order, Report, WorkerState

WORKERS = 2000
INTERVAL_S = 2.0
# The more there are, the colder the caches that a beat finds: each has a server process of its own.
CONNECTIONS = (1, 8, 128)
SECONDS = 12
WARM_UP_S = 2.0
TOLD_S = 1.5  # backends tell pg_stat at most once a second
TABLE = "registry_worker"

STATISTICS = """
    SELECT n_tup_upd, n_tup_hot_upd, n_dead_tup, pg_total_relation_size(relid)
    FROM pg_stat_user_tables WHERE relname = %s
"""


@dataclass(frozen=True, slots=True)
class Statistics:
    """pg_stat's figures of the table; `size` in bytes, with indexes."""

    updated: int
    hot: int
    dead: int
    size: int


class Beats:
    """What a worker sends, over one connection that stands for many of them."""

    def __init__(self, url: str) -> None:
        self._sender = PostgresSender(url, UUID(int=0), token="")

    def send(self, launch_id: UUID, token: str, *, report: Report) -> None:
        self._sender._launch_id, self._sender._token = launch_id, token
        assert self._sender.send(report) is Order.RUN, "the database knows this worker"

    def close(self) -> None:
        self._sender.close()


class Nothings:
    """Statements that do nothing: what is left is the price of asking Postgres anything, so often and so spread."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def send(self, launch_id: UUID, token: str, *, report: Report) -> None:
        self._connection.execute("SELECT 1").fetchone()

    def close(self) -> None:
        self._connection.close()


class Beater(threading.Thread):
    """The hearts of some workers, behind one connection: each beats once an interval, evenly spread."""

    def __init__(self, sender: Beats | Nothings, tokens: dict[UUID, str], *, until: threading.Event) -> None:
        super().__init__(daemon=True)
        self._sender = sender
        self._tokens = tokens
        self._until = until
        self.seconds: list[float] = []
        self.late = 0

    def run(self) -> None:
        chance = random.Random(0)
        due, step = time.perf_counter(), INTERVAL_S / len(self._tokens)
        for launch_id, token in itertools.cycle(self._tokens.items()):
            if self._until.is_set():
                break
            self._wait(due)
            due += step
            begun = time.perf_counter()
            self._sender.send(launch_id, token, report=report(chance))
            self.seconds.append(time.perf_counter() - begun)
        self._sender.close()

    def _wait(self, due: float) -> None:
        left = due - time.perf_counter()
        if left > 0:
            time.sleep(left)
        self.late += left < -INTERVAL_S / 2


def report(chance: random.Random) -> Report:
    """What a busy worker says; most of it is another at each beat."""
    return Report(
        state=WorkerState.READY,
        progress=100,
        detail="",
        in_flight=chance.randrange(64),
        requests_total=chance.randrange(10**6),
        tokens_total=chance.randrange(10**9),
        tokens_per_second=round(chance.random() * 1000, 2),
        stalled_s=0.0,
        memory_bytes=16 * 2**30 + 4096 * chance.randrange(1000),
        memory_peak_bytes=17 * 2**30,
        address="http://10.0.0.1:8001",
        capabilities=["chat", "completions", "embeddings"],
        context_length=8192,
    )


def prepare(workers: int) -> dict[UUID, str]:
    """So many workers that are ready, and their tokens by launch."""
    from bench import simulated
    from registry import worker_login
    from registry.models import Worker
    from registry.tokens import token_hash, worker_token

    worker_login.ensure()
    simulated.fill(simulated.Size(workers // 8, workers), running=True)
    rows = list(Worker.objects.order_by("id").only("id", "launch_id"))
    for row in rows:
        row.token_hash = token_hash(row.launch_id)
    Worker.objects.bulk_update(rows, ["token_hash"], batch_size=500)
    return {row.launch_id: worker_token(row.launch_id) for row in rows}


def postgres_seconds() -> float:
    """CPU of the server with all its processes, also those that have ended."""
    [server] = [child for child in psutil.Process().children() if child.name() == "postgres"]
    ended = server.cpu_times()
    living = [server.pid, *(child.pid for child in server.children(recursive=True))]
    return float(ended.children_user + ended.children_system) + sum(map(_seconds_of, living))


def _seconds_of(pid: int) -> float:
    # In nanoseconds; the other counters of a process count whole ticks, of which most backends here have none.
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def statistics(url: str) -> Statistics:
    """Of the workers' table; every backend has to have told what it did."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        row = connection.execute(STATISTICS, [TABLE]).fetchone()
    assert row is not None
    return Statistics(*row)


def settle(url: str) -> None:
    """Begin with a table as a fleet that has run for a while has it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"VACUUM ANALYZE {TABLE}")
        connection.execute("CHECKPOINT")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run; `cpu` in seconds, `statements` in seconds each."""

    seconds: float
    cpu: float
    statements: list[float]
    late: int
    before: Statistics
    after: Statistics

    @property
    def each(self) -> float:
        """Seconds of CPU a beat."""
        return self.cpu / len(self.statements)

    def at(self, share: float) -> float:
        """Milliseconds that a statement took, by the client's clock."""
        return self.statements[int(share * (len(self.statements) - 1))] * 1000


def measure(url: str, senders: list[Beats] | list[Nothings], tokens: dict[UUID, str], *, seconds: float) -> Measured:
    """Beat, and look at the server meanwhile."""
    settle(url)
    launches, until = list(tokens), threading.Event()
    shares = [launches[index :: len(senders)] for index in range(len(senders))]
    beaters = [
        Beater(sender, {launch: tokens[launch] for launch in share}, until=until)
        for sender, share in zip(senders, shares, strict=True)
    ]
    for beater in beaters:
        beater.start()
    time.sleep(WARM_UP_S)
    for beater in beaters:
        beater.seconds.clear()
    before, begun, cpu = statistics(url), time.perf_counter(), postgres_seconds()
    time.sleep(seconds)
    cpu, elapsed = postgres_seconds() - cpu, time.perf_counter() - begun
    statements = sorted(taken for beater in beaters for taken in list(beater.seconds))
    until.set()
    for beater in beaters:
        beater.join()
    time.sleep(TOLD_S)
    return Measured(elapsed, cpu, statements, sum(beater.late for beater in beaters), before, statistics(url))


def row(connections: int, floor: Measured, measured: Measured, *, workers: int) -> str:
    """The figures, and what they mean for the whole fleet."""
    beats, before, after = len(measured.statements), measured.before, measured.after
    updated = after.updated - before.updated
    return (
        f"{connections:11}{beats / measured.seconds:9,.0f}{measured.late:6}{floor.each * 1e6:12.0f}"
        f"{measured.each * 1e6:9.0f}{measured.each * workers / INTERVAL_S:10.1%}"
        f"{measured.at(0.5):9.2f}{measured.at(0.99):8.2f}{(after.hot - before.hot) / max(1, updated):10.2%}"
        f"{after.dead:8,}{before.size / 2**20:8.1f}{after.size / 2**20:7.1f}"
    )


HEADER = (
    f"{'connections':>11}{'beats/s':>9}{'late':>6}{'us SELECT 1':>12}{'us beat':>9}{'of a core':>10}"
    f"{'ms p50':>9}{'p99':>8}{'HOT':>10}{'dead':>8}{'MiB':>8}{'after':>7}"
)


def main() -> None:
    options = _options()
    with own_database() as installation:
        from django.conf import settings

        headline(
            f"Heartbeats: {options.workers:,} workers, each every {INTERVAL_S:g} s; CPU is that of all of Postgres"
        )
        url, worker_url = installation.database_url, settings.MODELYARD_HEARTBEAT_URL
        print(f"Postgres {version(url)}\n{HEADER}")
        tokens = prepare(options.workers)
        for connections in options.connections:
            floor = measure(
                url, [Nothings(worker_url) for _ in range(connections)], tokens, seconds=options.seconds / 2
            )
            measured = measure(url, [Beats(worker_url) for _ in range(connections)], tokens, seconds=options.seconds)
            print(row(connections, floor, measured, workers=options.workers), flush=True)


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench heartbeats", description=__doc__)
    parser.add_argument("--workers", type=int, default=WORKERS, help="a multiple of 160 (default: %(default)s)")
    parser.add_argument(
        "--connections", type=int, nargs="+", default=CONNECTIONS, help="at most 190 each (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
