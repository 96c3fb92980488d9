"""A cluster for each module, and the table of how long it took until all was true again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import NODES, Cluster
from faultreport import Report
from yard import running

KEPT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[KEPT] = Report()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash[KEPT]
    if not report.lines:
        return
    terminalreporter.section("until all was true again")
    terminalreporter.write_line(report.table())
    if path := os.environ.get("FAULTS_REPORT"):
        Path(path).write_text(report.table() + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    return request.config.stash[KEPT]


@pytest.fixture(scope="session")
def whole_cluster() -> Iterator[Cluster]:
    """Three nodes with a simulated card each, and a deployment `echo` with three replicas."""
    with running("--no-demo") as yard:
        made = Cluster(yard)
        try:
            made.cordon_own_node()
            made.start_nodes(*NODES)
            made.deploy("echo")
            made.settle(within=60)
            yield made
        finally:
            made.remove()
        yard.down()
        assert yard.processes() == []


@pytest.fixture
def cluster(whole_cluster: Cluster) -> Cluster:
    """The same one for all, and well at the beginning of each test."""
    whole_cluster.mend()
    return whole_cluster
