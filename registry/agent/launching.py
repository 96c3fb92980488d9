"""Taking a launch on and starting its process."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from registry.agent import files, logfiles
from registry.agent.endings import Endings
from registry.agent.identity import ProcessIdentity, boot_id
from registry.agent.ownership import Ownership
from registry.agent.spawn import Spawned, log_file, spawn
from registry.agent.watching import Watch
from registry.errors import LaunchFailed
from registry.models import Worker
from registry.states import Order, WorkerState

logger = logging.getLogger(__name__)

PRUNE_S = 60.0


class Launcher:
    """Starts what the rows order, each launch once."""

    def __init__(self, owner: Ownership, watch: Watch, endings: Endings) -> None:
        self._owner = owner
        self._watch = watch
        self._endings = endings
        self._pruned_at = -PRUNE_S

    def launch(self, worker: Worker) -> None:
        """Take the launch on if it is still wanted and still ours, and start it.

        An agent that is stopped (SIGSTOP) between these two steps may start a process that nobody wants any more: its
        successor has written the launch off. The row is over then, so that process's first beat finds no launch and it
        ends by itself, before it is ready. And `remember` finds the row changed and ends it at once.
        """
        if not self._take_on(worker):
            return
        complete = Worker.objects.select_related("deployment", "revision", "node").defer("log_tail").get(pk=worker.pk)
        try:
            spawned = spawn(complete)
        except LaunchFailed as error:
            self._endings.spawn_failed(worker, str(error))
            return
        self._introduce(worker, spawned)
        self._prune()

    def remember(self, worker: Worker, identity: ProcessIdentity, *, note: str = "") -> None:
        """Write down which process it is. A process whose launch is no longer ours is ended."""
        files.write(Path(settings.MODELYARD_RUN_DIR), str(worker.launch_id), identity)
        mine = Worker.objects.filter(pk=worker.pk, exited_at__isnull=True, node__agent_session=self._owner.session)
        facts = {"pid": identity.pid, "process_started": identity.started, "boot_id": identity.boot_id}
        if not mine.update(**facts, **({"exit_note": note} if note else {})):
            logger.warning("%s was given up while it started.", worker.launch_id)
            self._owner.beat()  # superseded: then its next owner decides
            identity.kill_session()

    def _take_on(self, worker: Worker) -> bool:
        """One UPDATE: of two agents that believe to own the node, at most one gets the launch."""
        wanted = Worker.objects.filter(
            pk=worker.pk,
            launching_at__isnull=True,
            state=WorkerState.STARTING,
            order=Order.RUN,
            node=self._owner.node,
            node__agent_session=self._owner.session,
        )
        return bool(wanted.update(launching_at=Now(), boot_id=boot_id()))

    def _introduce(self, worker: Worker, spawned: Spawned) -> None:
        if spawned.note:
            logger.warning("%s: %s", worker.launch_id, spawned.note)
        if identity := self._watch.add_child(worker.launch_id, spawned.process):
            self.remember(worker, identity, note=spawned.note)
        logger.info("Started %s as pid %s.", worker.launch_id, spawned.process.pid)

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_S:
            return
        self._pruned_at = time.monotonic()
        # Of all agents of this installation: they share the folders.
        running = {launch_id for launch_id, _ in files.known(Path(settings.MODELYARD_RUN_DIR))}
        logfiles.prune(log_file("any").parent, running=running)
