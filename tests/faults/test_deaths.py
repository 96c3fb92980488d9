"""SIGKILL to each part, one after the other and together, while clients ask."""

from __future__ import annotations

import time

import pytest
from cluster import NODES, Cluster
from faultreport import Report
from strikes import kill_services, kill_worker, wait_for_services

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(180)]


def test_a_killed_worker_is_replaced_and_the_timeline_says_what_happened(cluster: Cluster, report: Report) -> None:
    victim = cluster.workers("echo")[0]
    others = cluster.launches("echo") - {str(victim["launch_id"])}
    with cluster.load("echo") as load:
        begun = kill_worker(victim)
        report.add("kill -9 worker", cluster.settle(since=begun), load)
        load.wait_for_answers(20)
    assert load.tally.errors == []
    assert cluster.launches("echo") > others
    ended = cluster.worker(victim["launch_id"])
    assert (ended["state"], ended["exit_code"]) == ("FAILED", -9)
    assert "SIGKILL" in cluster.story(ended)[-1]


def test_a_killed_agent_finds_its_workers_again(cluster: Cluster, report: Report) -> None:
    before = cluster.launches("echo")
    with cluster.load("echo") as load:
        cluster.parts["node-a"].kill()
        begun = time.monotonic()
        cluster.restart_node("node-a")
        report.add("kill -9 agent, started again", cluster.settle(since=begun), load)
        load.wait_for_answers(20)
    assert load.tally.clean
    assert cluster.launches("echo") == before


def test_a_worker_that_dies_without_its_agent_is_replaced_when_the_agent_is_back(
    cluster: Cluster, report: Report
) -> None:
    victim = next(worker for worker in cluster.workers("echo") if worker["node"] == "node-a")
    with cluster.load("echo") as load:
        cluster.parts["node-a"].kill()
        begun = kill_worker(victim)
        cluster.restart_node("node-a")
        report.add("kill -9 agent and its worker, agent started again", cluster.settle(since=begun), load)
    assert load.tally.errors == []
    assert cluster.worker(victim["launch_id"])["state"] in {"LOST", "FAILED"}


def test_a_killed_control_plane_costs_no_request_and_goes_on_with_its_work(cluster: Cluster, report: Report) -> None:
    with cluster.load("echo") as load:
        begun = time.monotonic()
        pids = kill_services(cluster.yard, ["control"])
        load.wait_for_answers(20)
        assert load.tally.clean
        kill_worker(cluster.workers("echo")[0])  # what only its next life can notice
        wait_for_services(cluster.yard, pids)
        report.add("kill -9 control, then a worker", cluster.settle(since=begun), load)
    assert load.tally.errors == []


def test_a_killed_web_process_costs_what_ran_through_it_and_no_worker(cluster: Cluster, report: Report) -> None:
    before = cluster.launches("echo")
    with cluster.load("echo") as load:
        pids, begun = kill_services(cluster.yard, ["web"]), time.monotonic()
        wait_for_services(cluster.yard, pids)
        load.wait_for_answers(20)
        report.add("kill -9 web", cluster.settle(since=begun), load)
    assert cluster.launches("echo") == before


def test_everything_but_the_database_killed_at_once(cluster: Cluster, report: Report) -> None:
    victims = cluster.workers("echo")
    with cluster.load("echo") as load:
        begun = time.monotonic()
        pids = kill_services(cluster.yard, ["control", "web", "agent"])
        for worker in victims[:2]:
            kill_worker(worker)
        for name in NODES:
            cluster.parts[name].kill()
        for name in NODES:
            cluster.parts[name].start()
        wait_for_services(cluster.yard, pids)
        report.add("kill -9 two workers, all agents, control and web", cluster.settle(since=begun), load)
        load.wait_for_answers(20)
    assert str(victims[2]["launch_id"]) in cluster.launches("echo")
