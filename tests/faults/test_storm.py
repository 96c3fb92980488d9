"""Everything at random for a minute, while operators change their minds: afterwards all is as it should be."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest
from cluster import NODES, PATIENCE_S, Cluster
from faultreport import Report
from strikes import kill_services, kill_worker, signal_worker

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(300)]

STORM_S = 60
CONTROLS = ("control-2", "control-3")


class Storm:
    """What can happen at any moment."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.cluster = cluster
        self.chance = random.Random(seed)

    def strike(self) -> str:
        strikes: tuple[Callable[[], None], ...] = (
            *(self.kill_a_worker, self.kill_a_worker, self.freeze_a_worker, self.kill_an_agent, self.kill_an_agent),
            *(self.kill_an_agent_and_a_worker, self.kill_a_control_plane, self.scale, self.scale, self.edit),
        )
        strike = self.chance.choice(strikes)
        with suppress(psutil.NoSuchProcess):  # it has just ended by itself
            strike()
        return strike.__name__

    def kill_a_worker(self) -> None:
        if running := self._running():
            kill_worker(self.chance.choice(running))

    def freeze_a_worker(self) -> None:
        if running := self._running():
            signal_worker(self.chance.choice(running), signal.SIGSTOP)

    def kill_an_agent(self) -> None:
        self._begin_anew(self.chance.choice(NODES))

    def kill_an_agent_and_a_worker(self) -> None:
        name = self.chance.choice(NODES)
        self.cluster.parts[name].kill()
        with suppress(psutil.NoSuchProcess):
            self.kill_a_worker()
        self.cluster.parts[name].start()

    def kill_a_control_plane(self) -> None:
        self._begin_anew(self.chance.choice(CONTROLS))

    def scale(self) -> None:
        statement = "UPDATE registry_deployment SET replicas = %s WHERE name = 'gale'"
        self.cluster.change(statement, self.chance.randint(0, 6))

    def edit(self) -> None:
        delay_ms = self.chance.randint(1, 9)
        self.cluster.deploy("gale", replicas=self.chance.randint(1, 6), delay_ms=delay_ms)

    def _begin_anew(self, name: str) -> None:
        self.cluster.parts[name].kill()
        self.cluster.parts[name].start()

    def _running(self) -> list[dict[str, object]]:
        workers = (worker for state in ("STARTING", "LOADING", "READY") for worker in self._in(state))
        return [worker for worker in workers if worker["pid"] and worker["exited_at"] is None]

    def _in(self, state: str) -> list[dict[str, object]]:
        return self.cluster.workers("gale", state=state)


@pytest.mark.parametrize("seed", [1, 2])
def test_after_a_minute_of_everything_at_random_all_is_true(cluster: Cluster, report: Report, seed: int) -> None:
    for name in CONTROLS:
        if name not in cluster.parts:
            cluster.start_control(name)
    cluster.deploy("gale", "--restart-budget", "1000", replicas=4)
    storm, strikes = Storm(cluster, seed), 0
    end = time.monotonic() + STORM_S
    while time.monotonic() < end:
        storm.strike()
        strikes += 1
        time.sleep(storm.chance.uniform(0, 1.5))  # anywhere between two beats
    kill_services(cluster.yard, ["control"])
    begun = time.monotonic()
    cluster.mend()
    note = f"{strikes} strikes in {STORM_S} s, {len(cluster.query('SELECT id FROM registry_worker'))} launches"
    report.add(f"storm {seed}", cluster.settle(within=PATIENCE_S, since=begun), note=note)
    cluster.forget("gale")
