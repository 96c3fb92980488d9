"""What the gateway's clients see while replicas, Postgres and the web process go away under load."""

from __future__ import annotations

import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx2 as httpx
import psutil
import pytest
from cluster import PATIENCE_S, Cluster
from faultreport import Report
from strikes import frozen, kill_worker
from yard import alive, until

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(400)]

CLIENTS, KILLS, RENEWALS = 32, 3, 2
OUTAGE_S = 120
SEEN_WITHIN_S = 10.0
COMES_BACK_S = 30.0
CONCURRENT = 2


def chat(cluster: Cluster, secret: str, *, model: str = "echo", words: int = 3) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "word " * words}]}
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx.post(f"{cluster.yard.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


def key(cluster: Cluster, name: str, *, concurrent: int | None = None) -> str:
    """A new key's secret."""
    secret: str = cluster.yard.json("keys", "create", name, "--user", "admin")["secret"]
    if concurrent is not None:
        cluster.yard.run("limits", "set", "--key", name, "--concurrent", str(concurrent))
    return secret


def parallel(cluster: Cluster, secret: str, many: int) -> Counter[int]:
    """The statuses of so many requests at once, each of them a second long."""
    with ThreadPoolExecutor(many) as threads:
        asked = [threads.submit(chat, cluster, secret, words=50) for _ in range(many)]
        return Counter(response.result().status_code for response in asked)


def test_replicas_that_are_killed_cost_only_the_streams_that_they_had_begun(cluster: Cluster, report: Report) -> None:
    with cluster.load("echo", clients=CLIENTS, words=30) as load:
        begun = time.monotonic()
        for _ in range(KILLS):
            load.wait_for_answers(CLIENTS)
            kill_worker(cluster.workers("echo")[0])
            cluster.settle(within=PATIENCE_S)
        report.add(f"kill -9 worker, {KILLS} times, under {CLIENTS} clients", time.monotonic() - begun, load)
        load.wait_for_answers(CLIENTS)
    assert load.tally.errors == []
    assert len(load.tally.cuts) < KILLS * CLIENTS
    for cut in load.tally.cuts:
        assert '"answer_cut_short"' in cut
        assert cut.endswith("data: [DONE]\n\n")


def test_no_replica_gets_more_than_it_runs_and_nobody_is_refused(cluster: Cluster, report: Report) -> None:
    cluster.deploy("narrow", "--option", "max_running=2", replicas=2, delay_ms=10)
    cluster.settle(within=PATIENCE_S)
    most, workers = 0, cluster.workers("narrow")
    assert [worker["capacity"] for worker in workers] == [2, 2]
    with cluster.load("narrow", clients=16) as load:
        begun, wanted = time.monotonic(), load.tally.answers + 100
        while load.tally.answers < wanted:
            most = max(most, *(cluster.yard.stats(worker)["engine"]["running"] for worker in workers))
            assert time.monotonic() < begun + PATIENCE_S, load.tally
        note = f"at most {most} ran at once"
        report.add("16 clients, two replicas that run two at once", time.monotonic() - begun, load, note=note)
    assert load.tally.clean, load.tally
    assert most == 2
    cluster.forget("narrow")


def test_two_minutes_without_postgres_cost_no_request_and_what_changes_then_is_soon_known(
    cluster: Cluster, report: Report
) -> None:
    leaving, limited = key(cluster, "leaving"), key(cluster, "limited", concurrent=CONCURRENT)
    for secret in (leaving, limited):
        until(lambda secret=secret: chat(cluster, secret).status_code == 200, what="a new key is known")
    [supervisor] = [process for process in cluster.yard.processes() if "up" in process.cmdline()]
    server = psutil.Process(cluster.yard.process("postgres")["pid"])
    with cluster.load("echo", clients=8) as load:
        with frozen(supervisor):
            for process in (server, *server.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            load.goes_on_for(OUTAGE_S / 2)
            assert parallel(cluster, limited, 6) == {200: CONCURRENT, 429: 6 - CONCURRENT}
            assert chat(cluster, "my-unknown").status_code == 401
            load.goes_on_for(OUTAGE_S / 2)
        cluster.reconnect()
        cluster.settle(within=PATIENCE_S)
        begun = time.monotonic()
        cluster.yard.run("keys", "revoke", "leaving")
        until(lambda: chat(cluster, leaving).status_code == 401, within=SEEN_WITHIN_S, what="it is revoked")
        revoked = time.monotonic() - begun
        begun = time.monotonic()
        cluster.deploy("late", replicas=1)
        until(lambda: chat(cluster, limited, model="late").status_code == 200, within=COMES_BACK_S, what="late answers")
        deployed = time.monotonic() - begun
        assert parallel(cluster, limited, 6) == {200: CONCURRENT, 429: 6 - CONCURRENT}
        note = f"then a key was revoked in {revoked:.1f} s, a new model answered after {deployed:.1f} s"
        report.add(f"Postgres killed for {OUTAGE_S} s under 8 clients", revoked + deployed, load, note=note)
    assert load.tally.clean, load.tally
    cluster.forget("late")


def test_the_web_process_is_renewed_under_load_and_no_stream_is_cut(cluster: Cluster, report: Report) -> None:
    [supervisor] = [process for process in cluster.yard.processes() if "up" in process.cmdline()]
    with cluster.load("echo", clients=20, streams=True, words=80) as load:
        begun = time.monotonic()
        for _ in range(RENEWALS):
            load.wait_for_answers(20)
            old = cluster.pid("web")
            supervisor.send_signal(signal.SIGUSR2)
            until(lambda old=old: not alive(old), within=PATIENCE_S, what="the old web process has ended")
        load.wait_for_answers(40)
        report.add(f"SIGUSR2 {RENEWALS} times under 20 streams", time.monotonic() - begun, load)
    assert load.tally.clean, load.tally


def test_a_model_whose_only_replica_is_killed_answers_those_who_had_nothing_of_it_yet(
    cluster: Cluster, report: Report
) -> None:
    cluster.deploy("single", replicas=1, delay_ms=100)
    cluster.settle(within=PATIENCE_S)
    secret = cluster.yard.credentials["api_key"]
    until(lambda: chat(cluster, secret, model="single").status_code == 200, what="single answers")
    [worker] = cluster.workers("single")
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(chat, cluster, secret, model="single", words=20) for _ in range(8)]
        until(lambda: running(cluster, worker) == 8, what="all of them run")
        begun = kill_worker(worker)
        statuses = Counter(response.result().status_code for response in asked)
    report.add("kill -9 of the only replica, 8 whole answers", time.monotonic() - begun, note=str(dict(statuses)))
    assert statuses == {200: 8}
    cluster.forget("single")


def running(cluster: Cluster, worker: dict[str, Any]) -> int:
    return int(cluster.yard.stats(worker)["engine"]["running"])
