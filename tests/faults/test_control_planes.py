"""Several control planes at once, and the leading one killed in the middle of a placement."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import psycopg
import pytest
from cluster import Cluster
from faultreport import Report
from strikes import frozen
from yard import until

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(900)]

CONTROLS = ("control-2", "control-3")
TAKE_OVER_S = 5.0
MOST = 6
SCALE = "UPDATE registry_deployment SET replicas = %s WHERE name = %s"
PLACED = """
    SELECT count(*) = %s FROM registry_worker w JOIN registry_deployment d ON d.id = w.deployment_id
    WHERE d.name = %s AND w."order" = 'run' AND w.state IN ('STARTING', 'LOADING', 'READY')
      AND EXISTS (SELECT 1 FROM registry_claim c WHERE c.worker_id = w.id)
"""
# Where a placing transaction is caught: before its claims are written, and between its claims and its events.
BARRIERS = ("SELECT id FROM registry_device FOR UPDATE", "LOCK TABLE registry_event IN SHARE MODE")


@pytest.fixture
def several(cluster: Cluster) -> Cluster:
    """The cluster with two more control planes beside the one of `up`."""
    for name in CONTROLS:
        if name not in cluster.parts:
            cluster.start_control(name)
    return cluster


@contextmanager
def barrier(cluster: Cluster, statement: str) -> Iterator[None]:
    """Hold a lock that every placement needs, until the block is left."""
    with psycopg.connect(cluster.database_url) as connection:
        connection.execute(statement)
        yield
        connection.rollback()


def test_three_control_planes_that_work_at_once_do_the_work_of_one(several: Cluster, report: Report) -> None:
    with several.load("echo") as load:
        begun = time.monotonic()
        for replicas in (5, 2, 6, 3):
            several.change(SCALE, replicas, "echo")
            time.sleep(0.2)  # in the middle of the last change
        report.add("three control planes, four changes of scale", several.settle(since=begun), load)
    assert load.tally.clean


@pytest.mark.parametrize("kills", [50])
def test_a_leader_that_is_killed_while_it_places_leaves_half_of_nothing(
    several: Cluster, report: Report, kills: int
) -> None:
    seconds = [_kill_while_placing(several, number) for number in range(kills)]
    several.change(SCALE, 3, "echo")
    several.settle(within=60)
    note = f"take-over median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s"
    report.add(f"kill -9 leading control while it places, {kills} times", max(seconds), note=note)
    assert max(seconds) <= TAKE_OVER_S


def test_a_leader_that_is_frozen_while_it_places_is_overtaken_and_undone(several: Cluster, report: Report) -> None:
    several.change(SCALE, 1, "echo")
    several.settle(within=60)
    with ExitStack() as ice:
        with barrier(several, BARRIERS[1]):
            several.change(SCALE, 3, "echo")
            leader = until(several.caught_leader, what="a control process places")
            begun = time.monotonic()
            ice.enter_context(frozen(psutil.Process(several.pid(leader))))
        report.add("SIGSTOP leading control while it places", several.settle(since=begun))
    several.settle()


def _kill_while_placing(cluster: Cluster, number: int) -> float:
    """Seconds from the death of the leader to the placement by another."""
    [row] = cluster.query("SELECT replicas FROM registry_deployment WHERE name = 'echo'")
    if row["replicas"] == MOST:
        row["replicas"] = 1
        cluster.change(SCALE, 1, "echo")
        cluster.settle(within=60)
    wanted = row["replicas"] + 1
    with barrier(cluster, BARRIERS[number % len(BARRIERS)]):
        cluster.change(SCALE, wanted, "echo")
        leader = until(cluster.caught_leader, what="a control process places")
        killed_at = cluster.kill(leader)
    until(lambda: cluster.yard.row(PLACED, wanted, "echo") == (True,), what="another control process has placed")
    seconds = time.monotonic() - killed_at
    cluster.check()
    if leader in cluster.parts:
        cluster.parts[leader].start()
    return seconds
