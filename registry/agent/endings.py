"""Writing down how launches ended, once their processes are gone and the memory of their cards came back."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from inference.protocol.causes import Cause
from registry import nudge
from registry.agent import files, quarantine
from registry.agent.exits import Death, Testimony, judge, last_line
from registry.agent.identity import boot_id
from registry.agent.inventory import Inventory
from registry.agent.logfiles import read_tail
from registry.agent.memory_killer import MemoryKiller
from registry.agent.ownership import Ownership
from registry.agent.quarantine import Departure, Verdict
from registry.agent.spawn import log_file
from registry.agent.watching import Watch
from registry.lifecycle import notify, record
from registry.models import Device, Worker

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Ending:
    death: Death
    departure: Departure


class Endings:
    """Evidence is taken when an end is first seen; the row gets it when nothing of the launch is left."""

    def __init__(self, owner: Ownership, watch: Watch, inventory: Inventory) -> None:
        self._owner = owner
        self._watch = watch
        self._inventory = inventory
        self._pending: dict[UUID, _Ending] = {}
        self._news = False
        self.memory_killer = MemoryKiller()

    @property
    def pending(self) -> bool:
        """Whether an end waits for its memory."""
        return bool(self._pending)

    def settle(self, worker: Worker) -> None:
        """All processes of this launch are gone: look after its memory, then write its end down."""
        ending = self._pending.get(worker.launch_id) or self._begin(worker)
        if not self._memory_came_back(worker, ending):
            return
        self.write(worker, judge(ending.death), code=ending.death.code)
        self._pending.pop(worker.launch_id, None)
        self._watch.forget(worker.launch_id)
        files.forget(Path(settings.MODELYARD_RUN_DIR), str(worker.launch_id))

    def spawn_failed(self, worker: Worker, reason: str) -> None:
        """There never was a process."""
        self.write(worker, Testimony(reason, Cause.SPAWN, witnessed=True), code=None)

    def write(self, worker: Worker, testimony: Testimony, *, code: int | None) -> None:
        """Once, and only while this agent owns the node: whoever comes second finds the row changed."""
        tail, size = read_tail(log_file(worker.launch_id))
        mine = Worker.objects.filter(pk=worker.pk, exited_at__isnull=True, node__agent_session=self._owner.session)
        written = mine.update(
            exited_at=Now(),
            exit_code=code,
            exit_note=testimony.note,
            exit_cause=testimony.cause,
            exit_witnessed=testimony.witnessed,
            log_tail=tail,
            log_bytes=size,
        )
        if written:
            logger.info("%s ended (exit code %s): %s", worker.launch_id, code, testimony.note)
            self._news = True

    def tell(self) -> None:
        """One nudge for all ends of a cycle: the control plane reads all rows anyway."""
        if self._news:
            self._news = False
            nudge.control()

    def _begin(self, worker: Worker) -> _Ending:
        cards = Device.objects.filter(claims__worker=worker, kind=Device.Kind.CUDA, simulated=False)
        departure = Departure(frozenset(cards.values_list("uuid", flat=True)), time.monotonic())
        ending = self._pending[worker.launch_id] = _Ending(self._death(worker), departure)
        return ending

    def _death(self, worker: Worker) -> Death:
        return Death(
            code=self._watch.exit_code(worker.launch_id),
            seen_alive=self._watch.saw_alive(worker.launch_id),
            other_boot=bool(worker.boot_id) and worker.boot_id != boot_id(),
            recorded=worker.pid is not None or self._watch.started(worker.launch_id),
            killed=self._watch.killed(worker.launch_id),
            memory_killer=self.memory_killer.was_here(),
            noted=worker.exit_note,
            last_line=last_line(read_tail(log_file(worker.launch_id))[0]),
        )

    def _memory_came_back(self, worker: Worker, ending: _Ending) -> bool:
        if not ending.departure.cards:
            return True
        sighting = self._inventory.sighting
        newer = sighting is not None and sighting.begun >= ending.departure.since
        cards = self._inventory.holders if newer else None
        verdict, ending.departure = quarantine.judge(ending.departure, cards, time.monotonic())
        if verdict is Verdict.STUCK:
            self._quarantine(worker, ending.departure)
        self._inventory.want()
        return verdict is not Verdict.WAIT

    def _quarantine(self, worker: Worker, departure: Departure) -> None:
        launch = f"{worker.deployment.name}/{worker.replica}"
        for uuid, held in (departure.suspects or {}).items():
            reason = quarantine.sentence(launch, held)
            good = Device.objects.filter(node=self._owner.node, uuid=uuid, quarantine="")
            if good.update(quarantine=reason, quarantined_at=Now()):
                self._say(uuid, f"quarantined: {reason}")

    def lift_quarantines(self) -> None:
        """After a look at the devices: use again what is good again."""
        for device in Device.objects.filter(node=self._owner.node).exclude(quarantine=""):
            held = self._inventory.holders.get(device.uuid)
            if held is None or not quarantine.freed(held):
                continue
            if Device.objects.filter(pk=device.pk).exclude(quarantine="").update(quarantine="", quarantined_at=None):
                self._say(device.uuid, "its memory came back; the quarantine is over")

    def _say(self, uuid: str, reason: str) -> None:
        device = Device.objects.select_related("node").get(node=self._owner.node, uuid=uuid)
        record(actor="agent", subject=f"device {device}", reason=reason)
        notify("node")
        nudge.control()
