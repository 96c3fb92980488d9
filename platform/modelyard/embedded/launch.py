"""One run of `modelyard up`: everything started in order, kept running, and stopped in order."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from functools import partial

from django.db import connections
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from modelyard import ports
from modelyard.bootstrap import Prepared, prepare
from modelyard.embedded import holds, progress
from modelyard.embedded.announcement import announcement
from modelyard.embedded.children import ChildStatus
from modelyard.embedded.cluster import Cluster
from modelyard.embedded.console import Console
from modelyard.embedded.postgres import EmbeddedPostgres
from modelyard.embedded.run_state import READY, STARTING, STOPPING, RunState, end_recorded, sole_supervisor
from modelyard.embedded.services import Services, answers
from modelyard.embedded.shutdown import stop_everything
from modelyard.embedded.signals import StopSignals
from modelyard.embedded.supervisor import Supervisor
from modelyard.errors import PortTaken, StartFailed
from modelyard.installation import Installation
from registry.agent.identity import ProcessIdentity
from registry.status import Status

PREVIOUS_RUN_S = 8.0  # for what a killed supervisor left to end by itself
WEB_START_S = 60.0
DEMO_START_S = 900.0
TURN_S, IDLE_TURN_S = 0.25, 5.0  # how long a turn of the loop waits for a signal


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` was asked for. `external_database`: DATABASE_URL is set, and no Postgres of ours is started."""

    host: str
    port: int
    url: str
    demo: bool
    external_database: bool
    pgbin: str = ""
    background: bool = False  # what is said goes to a log, where no secrets belong


class Launch:
    """Holds the supervisor and the phase that `status` and `up --detach` read."""

    def __init__(self, installation: Installation, plan: Plan, console: Console) -> None:
        self._installation = installation
        self._plan = plan
        self._console = console
        self._signals = StopSignals()
        self._phase = STARTING
        self._models: tuple[str, ...] = ()
        self._failures: tuple[str, ...] = ()
        self._me = _own_identity()
        self._supervisor = Supervisor(
            installation.log_dir, say=console.say, on_change=self._record, held=partial(holds.read, installation)
        )

    def run(self) -> None:
        """Returns after an orderly stop. Raises a `ModelyardError` when the start fails, after the same stop."""
        with sole_supervisor(self._installation):
            end_recorded(RunState.read(self._installation), timeout_s=PREVIOUS_RUN_S)
            holds.release(self._installation)
            self._check_port()
            self._signals.install()
            self._supervisor.adopt_orphans()
            try:
                self._start()
                self._supervise()
            except KeyboardInterrupt:
                self._console.say("Stopping: models first, the database last. Ctrl-C again stops at once.")
            finally:
                self._enter(STOPPING)
                stop_everything(self._supervisor, self._installation)
                self._record(self._supervisor.statuses())
            self._console.say("Everything is stopped.")

    def _check_port(self) -> None:
        host, port = self._plan.host, self._plan.port
        try:
            free = ports.is_free(host, port)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise PortTaken(
                f"Nothing can listen on {host}:{port} ({reason}): choose another --host or --port."
            ) from error
        if not free:
            raise PortTaken(
                f"Port {port} on {host} is taken by another program: stop it, or choose another with --port."
            )

    def _start(self) -> None:
        self._enter(STARTING)
        if not self._plan.external_database:
            self._start_postgres()
        prepared = self._prepare_database()
        if prepared.complaint:
            self._console.say(prepared.complaint)
        self._start_services()
        self._wait_for_web()
        models = self._wait_for_models(prepared.demo)
        connections.close_all()  # the supervisor itself needs no database
        self._announce(prepared, progress.failures(models))

    def _announce(self, prepared: Prepared, failures: list[str]) -> None:
        if self._plan.background:
            self._console.say(
                f"Modelyard runs at {self._plan.url}; {self._installation.credentials_file} has the keys to it."
            )
        else:
            self._console.say(
                announcement(asdict(prepared.credentials), self._plan.url, prepared.demo, failures=failures)
            )
        self._models, self._failures = tuple(prepared.demo), tuple(failures)
        self._enter(READY)

    def _start_postgres(self) -> None:
        cluster = Cluster.of(self._installation, pgbin=self._plan.pgbin)
        server = EmbeddedPostgres(cluster, self._installation.load_secrets())
        with self._console.step("Database"):
            server.prepare()
            self._supervisor.start(server.child)
            server.wait_until_ready(self._supervisor, check=self._signals.check)
            server.create_database()

    def _prepare_database(self) -> Prepared:
        try:
            with self._console.step("Tables and accounts"), self._signals.interrupting():
                return prepare(self._installation, url=self._plan.url, demo=self._plan.demo, say=self._console.progress)
        except OperationalError as error:
            reason = str(error).strip().split("\n", 1)[0]
            advice = (
                "check DATABASE_URL" if self._plan.external_database else f"see {self._supervisor.log_file('postgres')}"
            )
            raise StartFailed(f"The database cannot be prepared ({reason}): {advice}.") from error

    def _start_services(self) -> None:
        services = Services(self._installation, os.environ)
        self._supervisor.start(services.web(host=self._plan.host, port=self._plan.port))
        for service in (services.control(), services.agent()):
            self._supervisor.start(service)

    def _wait_for_web(self) -> None:
        give_up_at = time.monotonic() + WEB_START_S
        with self._console.step(f"Pages at {self._plan.url}"):
            while not answers(self._plan.host, self._plan.port):
                self._turn(0.05)
                if time.monotonic() > give_up_at:
                    raise StartFailed(f"The pages do not come up: see {self._supervisor.log_file('web')}.")

    def _wait_for_models(self, names: list[str]) -> dict[str, Status]:
        statuses: dict[str, Status] = {}
        give_up_at = time.monotonic() + DEMO_START_S
        while names and time.monotonic() < give_up_at:
            self._turn(TURN_S)
            try:
                statuses = progress.of(names)
            except (DatabaseError, InterfaceError):
                connections.close_all()  # it comes back, or the supervisor says why not
                continue
            if progress.settled(statuses):
                break
            self._console.progress(progress.line(statuses))
        return statuses

    def _supervise(self) -> None:
        while True:
            self._turn(self._supervisor.next_due_s(IDLE_TURN_S))
            if self._signals.take_renewal():
                self._console.say(
                    "A new web process starts; the old one serves until then, and its streams to their end."
                )
                self._supervisor.renew("web")

    def _turn(self, timeout_s: float) -> None:
        self._signals.wait(timeout_s)
        self._signals.check()
        self._supervisor.tick()

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self._record(self._supervisor.statuses())

    def _record(self, statuses: list[ChildStatus]) -> None:
        try:
            RunState(
                self._me, self._plan.url, self._phase, tuple(statuses), models=self._models, failures=self._failures
            ).write(self._installation)
        except OSError as error:  # such as a full disk: what runs must not end for it
            self._console.say(f"The state cannot be written for `modelyard status` ({error}).")


def _own_identity() -> ProcessIdentity:
    identity = ProcessIdentity.of(os.getpid())
    assert identity is not None
    return identity
