"""Worker processes that no launch of the present accounts for: left by an earlier life of agent or database."""

from __future__ import annotations

import enum
import logging
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from registry.agent.identity import ProcessIdentity, boot_id, launches
from registry.lifecycle import record
from registry.models import Node, Worker
from registry.states import TERMINAL

logger = logging.getLogger(__name__)

LOOK_S = 10.0


class Fate(enum.Enum):
    """What becomes of a worker process that was found on this machine."""

    LEAVE = "leave"  # its launch is looked after, by this agent or another
    STRANGER = "stranger"  # of a launch that this database does not know: another installation's
    END = "end"


@dataclass(frozen=True, slots=True)
class Account:
    """What a row says of a found process's launch."""

    node_id: int | None
    over: bool  # the launch has ended
    exited: bool  # and its end was written down
    here: bool  # it was started in the present life of this machine


def fate(account: Account | None, node_id: int) -> Fate:
    """Decide. Whatever is neither over nor known as ours lives on."""
    if account is None:
        return Fate.STRANGER
    if account.node_id == node_id:
        return Fate.END if account.exited else Fate.LEAVE  # not exited: the cycle sees to it
    forgotten = account.node_id is None and account.over and account.here
    return Fate.END if forgotten else Fate.LEAVE  # its node was removed, and no agent looks after it any more


class Orphans:
    """Looks for them at the start and every few seconds."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._looked_at = -LOOK_S
        self._known: set[str] = set()  # strangers that were mentioned, and orphans that were asked to end

    def turn(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_S:
            return
        self._looked_at = time.monotonic()
        found = {launch_id: identity for launch_id, identity in launches() if _is_uuid(launch_id)}
        known = accounts(found)
        for launch_id, identity in found.items():
            match fate(known.get(launch_id), self._node.pk):
                case Fate.END:
                    self._end(launch_id, identity)
        self._mention(found.keys() - known.keys())

    def _mention(self, strangers: set[str]) -> None:
        """Once: somebody who wonders about their memory finds here who leaves them alone."""
        if new := strangers - self._known:
            self._known |= new
            logger.info("%s worker processes of other installations run here and are left alone.", len(new))

    def _end(self, launch_id: str, identity: ProcessIdentity) -> None:
        """TERM at first sight; KILL to the session when it is still there at the next."""
        if launch_id in self._known:
            identity.kill_session()
            return
        self._known.add(launch_id)
        if identity.send(signal.SIGTERM):
            reason = f"stopped the process {identity.pid}, left over from the launch {launch_id}, which has ended"
            logger.warning("%s.", reason)
            record(actor="agent", subject=f"node {self._node.name}", reason=reason)


def accounts(launch_ids: Iterable[str]) -> dict[str, Account]:
    """The rows of these launches, in one query."""
    wanted = list(launch_ids)
    if not wanted:
        return {}
    facts = ("launch_id", "node_id", "state", "exited_at", "boot_id")
    rows = Worker.objects.filter(launch_id__in=wanted).values_list(*facts)
    return {
        str(launch_id): Account(node_id, state in TERMINAL, exited_at is not None, boot == boot_id())
        for launch_id, node_id, state, exited_at, boot in rows
    }


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
