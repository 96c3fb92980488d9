"""No room for logs: what runs goes on, and what dies is replaced all the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from faultreport import Report
from strikes import fill, kill_worker, small_disk
from yard import Yard

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow_fault,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]


@pytest.fixture(scope="module")
def ballast_and_cluster() -> Iterator[tuple[Path, Cluster]]:
    yard = Yard("--no-demo")
    with small_disk(yard.data_dir / "logs") as ballast:
        try:
            yard.up()
            cluster = Cluster(yard)
            cluster.start_nodes("node-a", "node-b")
            cluster.cordon_own_node()
            cluster.deploy("echo", replicas=2)
            cluster.settle(within=60)
            yield ballast, cluster
            cluster.remove()
        finally:
            yard.remove()


def test_without_room_for_logs_models_run_on_and_dead_ones_are_replaced(
    ballast_and_cluster: tuple[Path, Cluster], report: Report
) -> None:
    ballast, cluster = ballast_and_cluster
    with cluster.load("echo") as load:
        fill(ballast)
        load.wait_for_answers(20)
        begun = kill_worker(cluster.workers("echo")[0])
        report.add("log folder full, then kill -9 worker", cluster.settle(since=begun), load)
        ballast.unlink()
        load.wait_for_answers(30)  # the gateway knows the new worker
        begun = kill_worker(cluster.workers("echo")[0])
        report.add("log folder has room again, then kill -9 worker", cluster.settle(since=begun), load)
    assert load.tally.errors == []
