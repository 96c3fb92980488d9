"""A minute without Postgres: what runs goes on, and afterwards nobody is blamed for the silence."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil
import pytest
from cluster import Cluster
from faultreport import Report
from strikes import frozen

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(240)]

OUTAGE_S = 60


def postgres(cluster: Cluster) -> list[psutil.Process]:
    """The server and the processes of its connections."""
    server = psutil.Process(cluster.yard.process("postgres")["pid"])
    return [server, *server.children(recursive=True)]


def supervisor(cluster: Cluster) -> psutil.Process:
    [found] = [process for process in cluster.yard.processes() if "up" in process.cmdline()]
    return found


def test_a_database_that_hangs_for_a_minute(cluster: Cluster, report: Report) -> None:
    before = cluster.launches("echo")
    with cluster.load("echo") as load:
        with frozen(*postgres(cluster)):
            load.goes_on_for(OUTAGE_S)
        begun = time.monotonic()
        load.goes_on_for(20)  # long enough for a wrong verdict
        report.add("Postgres frozen for 60 s", cluster.settle(since=begun) - 20, load)
    assert load.tally.clean, load.tally
    assert cluster.launches("echo") == before


def test_a_database_that_is_gone_for_a_minute(cluster: Cluster, report: Report) -> None:
    before = cluster.launches("echo")
    with cluster.load("echo") as load:
        with frozen(supervisor(cluster)):
            for process in postgres(cluster):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            load.goes_on_for(OUTAGE_S)
        begun = time.monotonic()
        cluster.reconnect()
        load.goes_on_for(20)
        report.add("Postgres killed, back after 60 s", cluster.settle(since=begun) - 20, load)
    assert load.tally.clean, load.tally
    assert cluster.launches("echo") == before
