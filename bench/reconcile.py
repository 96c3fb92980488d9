"""`python -m bench reconcile`: one turn of the reconciler over fleets of growing size."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.database import own_database, version
from bench.machine import headline

TIMES = 5
LOST = 0.01  # of the nodes


@dataclass(slots=True)
class Watched:
    """How often and how long one turn was in the database."""

    statements: int = 0
    seconds: float = 0.0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            self.statements += 1
            self.seconds += time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of `reconcile_once`, in seconds."""

    seconds: float
    cpu: float  # of this process
    database: float
    statements: int
    actions: int


def turn() -> Turn:
    """Take one, and time it."""
    from django.db import connection

    from registry.reconciler import reconcile_once

    watched = Watched()
    with connection.execute_wrapper(watched):
        begun, worked = time.perf_counter(), time.process_time()
        taken = reconcile_once()
        seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    assert taken is not None, "nobody else sweeps this database"
    return Turn(seconds, cpu, watched.seconds, watched.statements, taken.done)


def steady(size: Any, history: int = 0) -> Turn:
    """Nothing to do."""
    from bench import simulated

    simulated.fill(size, running=True, history=history)
    turns = [turn() for _ in range(TIMES)]
    assert not any(taken.actions for taken in turns), "a steady fleet has nothing to do"
    return middle(turns)


def placing(size: Any) -> Turn:
    """No launch yet: all are made and placed at once."""
    from bench import simulated

    def once() -> Turn:
        simulated.fill(size, running=False)
        return checked(turn(), size.workers, "STARTING")

    return middle([once() for _ in range(TIMES)])


def waiting(size: Any) -> Turn:
    """All wait for a place, and get it in the same turn."""
    from bench import simulated
    from registry.models import Node

    def once() -> Turn:
        simulated.fill(size, running=False)
        Node.objects.update(cordoned=True)
        checked(turn(), size.workers, "PENDING")
        Node.objects.update(cordoned=False)
        simulated.listen()
        return checked(turn(), size.workers, "STARTING")

    return middle([once() for _ in range(TIMES)])


def losing(size: Any) -> Turn:
    """One node in a hundred is lost, and what ran there is made anew elsewhere."""
    from bench import simulated

    def once() -> Turn:
        simulated.fill(size, running=True)
        simulated.silence(max(1, int(size.nodes * LOST)))
        taken = turn()
        assert taken.actions > 1, "the loss was noticed"
        return taken

    return middle([once() for _ in range(TIMES)])


def stopping(size: Any) -> Turn:
    """Every deployment is stopped: all workers are told to drain."""
    from bench import simulated
    from registry.models import Deployment, Worker

    def once() -> Turn:
        simulated.fill(size, running=True)
        Deployment.objects.update(paused=True)
        taken = turn()
        assert not Worker.objects.filter(order="run").exists(), "all were told"
        return taken

    return middle([once() for _ in range(TIMES)])


def checked(taken: Turn, workers: int, state: str) -> Turn:
    """The figures of a turn that did what it was to do."""
    from registry.models import Worker

    found = Worker.objects.filter(state=state).count()
    assert found == workers, f"{found} of {workers} workers are {state}"
    return taken


def middle(turns: list[Turn]) -> Turn:
    """The turn of median length."""
    half = statistics.median_low(taken.seconds for taken in turns)
    return next(taken for taken in turns if taken.seconds == half)


CASES: dict[str, Callable[[Any], Turn]] = {
    "nothing to do": steady,
    "the same, 5 launches each behind them": lambda size: steady(size, history=5),
    "all launches made and placed": placing,
    "all launches wait and are placed": waiting,
    "1 % of the nodes lost": losing,
    "all deployments stopped": stopping,
}


def main() -> None:
    with own_database() as installation:
        from bench.simulated import Size, open_queues

        headline("Reconcile: seconds of one turn (median of 5); nodes x devices x workers")
        print(f"Postgres {version(installation.database_url)}")
        print(f"{'':40}{'fleet':>20}{'seconds':>10}{'own CPU':>10}{'in SQL':>10}{'statements':>12}{'us a worker':>13}")
        sizes = (Size(250, 500), Size(500, 1000), Size(1000, 2000))
        open_queues(sizes[-1].nodes)
        for words, case in CASES.items():
            for size in sizes:
                taken = case(size)
                each = taken.seconds / size.workers * 1e6
                print(
                    f"{words:40}{size!s:>20}{taken.seconds:10.3f}{taken.cpu:10.3f}{taken.database:10.3f}{taken.statements:12}{each:13.0f}",
                    flush=True,
                )
        _tables()


def _tables() -> None:
    from django.db import connection

    query = (
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_dead_tup FROM pg_stat_user_tables"
        " WHERE relname LIKE 'registry_%' AND n_tup_upd > 0 ORDER BY n_tup_upd DESC"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        print(f"\n{'pg_stat of the whole run':30}{'inserted':>12}{'updated':>12}{'of it HOT':>12}{'dead':>12}")
        for name, *figures in cursor.fetchall():
            print(f"{name:30}" + "".join(f"{figure:12,}" for figure in figures))
