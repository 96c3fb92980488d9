"""What operators do while clients ask: no request fails, and no stream is cut."""

from __future__ import annotations

import time

import pytest
from cluster import PATIENCE_S, Cluster
from faultreport import Report

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(180)]


def test_changed_options_replace_two_replicas_under_twenty_streams_without_a_cut(
    cluster: Cluster, report: Report
) -> None:
    cluster.deploy("pair", replicas=2, delay_ms=15)
    cluster.settle(within=PATIENCE_S)
    before = cluster.launches("pair")
    with cluster.load("pair", clients=20, streams=True, words=80) as load:
        load.wait_for_answers(20)
        begun = time.monotonic()
        cluster.deploy("pair", replicas=2, delay_ms=16)
        seconds = cluster.settle(within=PATIENCE_S, since=begun)
        report.add("two replicas get new options under 20 streams", seconds, load)
        load.wait_for_answers(40)
    assert load.tally.clean, load.tally
    assert load.tally.answers >= 60
    assert not cluster.launches("pair") & before
    assert {worker["revision"] for worker in cluster.workers("pair")} == {2}
    cluster.forget("pair")


def test_a_node_is_drained_under_load_without_an_error(cluster: Cluster, report: Report) -> None:
    node = cluster.workers("echo")[0]["node"]
    with cluster.load("echo", clients=8) as load:
        begun = time.monotonic()
        cluster.yard.run("drain", node)
        report.add("drain a node", cluster.settle(since=begun), load)
        assert node not in {worker["node"] for worker in cluster.workers("echo")}
        cluster.yard.run("uncordon", node)
        load.wait_for_answers(20)
    assert load.tally.clean, load.tally


def test_scaling_down_and_up_and_restarting_costs_nothing(cluster: Cluster, report: Report) -> None:
    before = cluster.launches("echo")
    with cluster.load("echo", clients=8, streams=True) as load:
        begun = time.monotonic()
        cluster.yard.run("scale", "echo", "1")
        cluster.settle(within=PATIENCE_S)
        cluster.yard.run("scale", "echo", "3")
        cluster.settle(within=PATIENCE_S)
        cluster.yard.run("restart", "echo")
        report.add("scale to 1, to 3, and restart", cluster.settle(within=PATIENCE_S, since=begun), load)
    assert load.tally.clean, load.tally
    assert not cluster.launches("echo") & before
