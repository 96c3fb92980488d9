"""Who is frozen or cut off says nothing: who of them is given up, who is not, and what happens when they wake up."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from typing import Any

import openai
import psutil
import pytest
from cluster import NODES, TRUE_AGAIN_S, Cluster
from faultreport import Report
from strikes import frozen, kill_worker, signal_worker
from yard import alive, until

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(240)]

SUPERSEDED = 3  # an agent's exit code when another one has its name
LOST = "SELECT 1 FROM registry_node WHERE name = %s AND lost_at IS NOT NULL"
HEARD = "SELECT 1 FROM registry_node WHERE name = %s AND lost_at IS NULL"
ALARM = "SELECT alarm FROM registry_sweep WHERE alarm <> ''"
NO_ALARM = "SELECT 1 FROM registry_sweep WHERE alarm = ''"


def on(cluster: Cluster, *nodes: str) -> list[dict[str, Any]]:
    return [worker for worker in cluster.workers("echo") if worker["node"] in nodes]


def test_a_frozen_worker_is_found_killed_and_replaced(cluster: Cluster, report: Report) -> None:
    victim = cluster.workers("echo")[0]
    begun = time.monotonic()
    signal_worker(victim, signal.SIGSTOP)
    report.add("SIGSTOP worker", cluster.settle(since=begun, after=lambda: not alive(victim["pid"])))
    ended = cluster.worker(victim["launch_id"])
    assert (ended["state"], ended["cause"]) == ("FAILED", "hung")
    assert "hung: the process lives" in cluster.story(ended)[-1]
    assert not ended["claims"]


def test_an_engine_that_hangs_is_replaced_though_its_process_beats(cluster: Cluster, report: Report) -> None:
    cluster.deploy("stuck", "--option", "hang_after_tokens=3", replicas=1)
    cluster.settle(within=60)
    cluster.change("UPDATE registry_deployment SET hang_timeout_s = 2 WHERE name = 'stuck'")
    [victim] = cluster.workers("stuck")
    begun = time.monotonic()
    question: list[Any] = [{"role": "user", "content": "one two three four five"}]
    with pytest.raises(openai.APIError):
        list(cluster.yard.client().chat.completions.create(model="stuck", messages=question, stream=True))
    report.add("engine hangs, process beats", cluster.settle(since=begun, after=lambda: not alive(victim["pid"])))
    ended = cluster.worker(victim["launch_id"])
    assert (ended["state"], ended["cause"]) == ("FAILED", "hung")
    assert "made no step" in cluster.story(ended)[-1]
    cluster.forget("stuck")


def test_an_agent_that_wakes_up_to_find_another_in_its_place_goes_and_kills_nothing(
    cluster: Cluster, report: Report
) -> None:
    before = cluster.launches("echo")
    first = cluster.parts["node-a"].process
    assert first is not None
    with cluster.load("echo") as load:
        with frozen(psutil.Process(first.pid)):
            cluster.restart_node("node-a")
        begun = time.monotonic()
        assert first.wait(TRUE_AGAIN_S) == SUPERSEDED
        report.add("SIGSTOP agent, another takes its name, SIGCONT", cluster.settle(since=begun), load)
        load.wait_for_answers(20)
    assert load.tally.clean, load.tally
    assert cluster.launches("echo") == before


def test_an_agent_frozen_for_a_minute_costs_no_worker(cluster: Cluster, report: Report) -> None:
    before = cluster.launches("echo")
    with cluster.load("echo") as load:
        begun = time.monotonic()
        with frozen(psutil.Process(cluster.parts["node-a"].pid)):
            until(lambda: cluster.yard.row(LOST, "node-a"), within=TRUE_AGAIN_S, what="node-a is lost")
            report.add("SIGSTOP agent: its node is lost", time.monotonic() - begun)
            load.goes_on_for(60 - (time.monotonic() - begun))
            assert cluster.launches("echo") == before
        begun = time.monotonic()
        until(lambda: cluster.yard.row(HEARD, "node-a"), within=TRUE_AGAIN_S, what="node-a is heard")
        report.add("SIGCONT agent after 60 s", cluster.settle(since=begun), load)
        load.goes_on_for(10)
    assert load.tally.clean, load.tally
    assert cluster.launches("echo") == before


def test_what_dies_under_a_frozen_agent_is_replaced_elsewhere_and_never_twice(cluster: Cluster, report: Report) -> None:
    [victim] = on(cluster, "node-b")
    with cluster.load("echo") as load:
        with frozen(psutil.Process(cluster.parts["node-b"].pid)):
            begun = kill_worker(victim)
            seconds = cluster.settle(since=begun)
            report.add("kill -9 worker under a frozen agent", seconds, load)
        begun = time.monotonic()
        cluster.settle(since=begun, after=lambda: not cluster.worker(victim["launch_id"])["claims"])
    assert load.tally.errors == []
    ended = cluster.worker(victim["launch_id"])
    assert ended["state"] == "LOST"
    assert ended["exited_at"] is not None


def test_a_node_that_dies_whole_is_lost_and_its_replicas_run_elsewhere(cluster: Cluster, report: Report) -> None:
    node = cluster.workers("echo")[0]["node"]
    victims = on(cluster, node)
    with cluster.load("echo") as load:
        cluster.parts[node].kill()
        for worker in victims:
            begun = kill_worker(worker)
        until(lambda: cluster.yard.row(LOST, node), within=TRUE_AGAIN_S, what=f"{node} is lost")
        report.add("kill -9 agent and all workers of a node: node is lost", time.monotonic() - begun)
        report.add("and its replicas are ready elsewhere", cluster.settle(since=begun), load)
        assert on(cluster, node) == []
    cluster.restart_node(node)
    begun = time.monotonic()
    report.add("the dead node is back", cluster.settle(since=begun, after=lambda: not held(cluster, victims)))
    assert load.tally.errors == []
    assert {cluster.worker(worker["launch_id"])["state"] for worker in victims} == {"LOST"}


def test_a_node_that_was_given_up_and_comes_back_ends_its_old_workers(cluster: Cluster, report: Report) -> None:
    node = cluster.workers("echo")[0]["node"]
    victims = on(cluster, node)
    processes = [psutil.Process(worker["pid"]) for worker in victims]
    begun = time.monotonic()
    with frozen(psutil.Process(cluster.parts[node].pid), *processes):
        report.add(
            "SIGSTOP agent and all workers of a node", cluster.settle(since=begun, after=lambda: lost(cluster, victims))
        )
        assert all(cluster.worker(worker["launch_id"])["claims"] for worker in victims)
    begun = time.monotonic()
    report.add("SIGCONT that node", cluster.settle(since=begun, after=lambda: not held(cluster, victims)))
    assert not any(alive(worker["pid"]) for worker in victims)


def lost(cluster: Cluster, workers: list[dict[str, Any]]) -> bool:
    return all(cluster.worker(worker["launch_id"])["state"] == "LOST" for worker in workers)


def held(cluster: Cluster, workers: list[dict[str, Any]]) -> list[str]:
    return [worker["node"] for worker in workers if cluster.worker(worker["launch_id"])["claims"]]


def test_when_most_nodes_fall_silent_at_once_nobody_is_given_up(cluster: Cluster, report: Report) -> None:
    # Three of four: the platform's own node counts as well.
    before = cluster.launches("echo")
    with ExitStack() as silence:
        begun = time.monotonic()
        for name in NODES:
            pids = [cluster.parts[name].pid, *(worker["pid"] for worker in on(cluster, name))]
            silence.enter_context(frozen(*map(psutil.Process, pids)))
            time.sleep(1.2)  # more than a turn of the control plane, which so finds them late one after the other
        until(lambda: cluster.yard.row(ALARM), within=TRUE_AGAIN_S, what="there is an alarm")
        report.add("SIGSTOP three of four nodes: alarm", time.monotonic() - begun)
        time.sleep(20)  # beyond every deadline after which one silent node would be given up
        assert cluster.launches("echo") == before
    begun = time.monotonic()
    until(lambda: cluster.yard.row(NO_ALARM), within=TRUE_AGAIN_S, what="the alarm is over")
    report.add("SIGCONT three of four nodes", cluster.settle(since=begun))
    assert cluster.launches("echo") == before
