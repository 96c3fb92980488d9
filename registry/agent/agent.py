"""The agent of one node: it starts what the rows order, watches it by identity, and writes down what it sees."""

from __future__ import annotations

import logging
import subprocess
import threading
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum
from django.db.models.functions import Now

from registry import nudge
from registry.agent import devices, files, logfiles, registration, simulated
from registry.agent.devices import ObservedDevice
from registry.agent.duty import Duty, Seen, duty
from registry.agent.identity import ProcessIdentity, boot_id, launched
from registry.agent.setup import Setup
from registry.agent.spawn import log_file, spawn
from registry.errors import LaunchFailed
from registry.models import Claim, Worker
from registry.states import ACTIVE, Order, WorkerState

logger = logging.getLogger(__name__)

TAIL_BYTES, TAIL_LINES = 32_000, 200
DEVICES_EVERY = 5  # cycles between two looks at the devices


class Agent:
    """Everything that one agent process keeps in memory; all of it can be lost, the rows and the processes stay."""

    def __init__(self, name: str, setup: Setup | None = None) -> None:
        self.session = uuid4()
        self._setup = setup or Setup()
        self._name = name
        self.node = registration.join(name, self.session, self._observe(), setup=self._setup)
        self._children: dict[UUID, subprocess.Popen[bytes]] = {}
        self._seen_alive: set[UUID] = set()
        self._lock = threading.Lock()  # the cycle and Celery's tasks take turns
        self._cycles = 0

    def cycle(self) -> None:
        """Beat, then look after every launch of this node. Raises `Superseded` when the node is another agent's now."""
        registration.beat(self.node, self.session)
        self._cycles += 1
        if self._cycles % DEVICES_EVERY == 0:
            registration.write_devices(self.node, self._observe())
        for worker in self._launches():
            self._attend(worker.launch_id)

    def attend(self, launch_id: UUID) -> None:
        """Look after one launch now."""
        self._attend(launch_id)

    def leave(self) -> None:
        """Go without touching what runs."""
        registration.leave(self.node, self.session)

    def _observe(self) -> list[ObservedDevice]:
        if not self._setup.cards:
            return devices.observe()
        running = Claim.objects.filter(
            device__node__name=self._name, worker__launching_at__isnull=False, worker__exited_at__isnull=True
        )
        held = dict(running.values_list("device__index").annotate(Sum("bytes")))
        return simulated.observe(self._name, self._setup.cards, held=held)

    def _launches(self) -> list[Worker]:
        running = Q(launching_at__isnull=False, exited_at__isnull=True)
        ordered = Q(state__in=ACTIVE, launching_at__isnull=True)
        return list(Worker.objects.filter(ordered | running, node=self.node).only("launch_id").order_by("id"))

    def _attend(self, launch_id: UUID) -> None:
        with self._lock:
            worker = Worker.objects.select_related("revision", "node").filter(launch_id=launch_id).first()
            if worker is None or worker.node_id != self.node.pk:
                return  # deleted since, or a nudge for another node
            identity = self._identity(worker)
            if identity is not None:
                self._seen_alive.add(launch_id)
            match duty(_seen(worker, identity)):
                case Duty.LAUNCH:
                    self._launch(worker)
                case Duty.ADOPT if identity is not None:
                    self._remember(worker, identity)
                case Duty.RECORD_EXIT:
                    self._record_exit(worker)
                case Duty.KILL if identity is not None:
                    logger.warning("%s did not end in time and is killed.", worker.launch_id)
                    identity.kill_session()

    def _identity(self, worker: Worker) -> ProcessIdentity | None:
        """The launch's living process, if any. Polling a child of ours also reaps it."""
        child = self._children.get(worker.launch_id)
        if child is not None:
            child.poll()
        if worker.launching_at is None:
            return None
        if worker.pid is None or worker.process_started is None:
            return launched(str(worker.launch_id))
        identity = ProcessIdentity(worker.boot_id, worker.pid, worker.process_started)
        return identity if identity.alive() else None

    def _launch(self, worker: Worker) -> None:
        unclaimed = Worker.objects.filter(
            pk=worker.pk, launching_at__isnull=True, state=WorkerState.STARTING, order=Order.RUN
        )
        if not unclaimed.update(launching_at=Now(), boot_id=boot_id()):
            return
        try:
            child = spawn(worker)
        except LaunchFailed as error:
            self._write_exit(worker, code=None, note=str(error), witnessed=True)
            return
        self._children[worker.launch_id] = child
        running = {str(worker.launch_id)} | {
            launch_id for launch_id, _ in files.known(Path(settings.MODELYARD_RUN_DIR))
        }
        logfiles.prune(log_file(worker.launch_id).parent, running=running)
        if identity := ProcessIdentity.of(child.pid):
            self._remember(worker, identity)
        logger.info("Started %s as pid %s.", worker.launch_id, child.pid)

    def _remember(self, worker: Worker, identity: ProcessIdentity) -> None:
        Worker.objects.filter(pk=worker.pk).update(
            pid=identity.pid, process_started=identity.started, boot_id=identity.boot_id
        )
        files.write(Path(settings.MODELYARD_RUN_DIR), str(worker.launch_id), identity)

    def _record_exit(self, worker: Worker) -> None:
        child = self._children.pop(worker.launch_id, None)
        code = child.poll() if child is not None else None
        witnessed = code is not None or worker.launch_id in self._seen_alive
        self._seen_alive.discard(worker.launch_id)
        self._write_exit(worker, code=code, note=_exit_note(worker), witnessed=witnessed)
        files.forget(Path(settings.MODELYARD_RUN_DIR), str(worker.launch_id))

    def _write_exit(self, worker: Worker, *, code: int | None, note: str, witnessed: bool) -> None:
        tail, size = read_tail(log_file(worker.launch_id))
        note = note or last_line(tail)
        Worker.objects.filter(pk=worker.pk, exited_at__isnull=True).update(
            exited_at=Now(), exit_code=code, exit_note=note, exit_witnessed=witnessed, log_tail=tail, log_bytes=size
        )
        logger.info("%s ended (exit code %s).", worker.launch_id, code)
        nudge.control()


def _seen(worker: Worker, identity: ProcessIdentity | None) -> Seen:
    return Seen(
        state=WorkerState(worker.state),
        order=Order(worker.order),
        ordered_at=worker.ordered_at,
        taken_on=worker.launching_at is not None,
        recorded=worker.pid is not None,
        exited=worker.exited_at is not None,
        alive=identity is not None,
        now=_database_now(),
    )


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def _exit_note(worker: Worker) -> str:
    if worker.boot_id and worker.boot_id != boot_id():
        return "the machine was restarted"
    return "the agent ended while it started the process" if worker.pid is None else ""


def last_line(log: str) -> str:
    """What a process said last, which is mostly why it ended."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:500] if lines else ""


def read_tail(log: Path) -> tuple[str, int]:
    """The last lines of a log, safe for a text column, and how many bytes the whole of it has."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read(TAIL_BYTES).decode(errors="replace").replace("\0", " ")
    except OSError:
        return "", 0
    return "".join(text.splitlines(keepends=True)[-TAIL_LINES:]), size
