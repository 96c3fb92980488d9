"""Which nodes are silent, and whether that is to be believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from registry.plan.actions import Action, Alarm, NodeBack, NodeLost
from registry.plan.views import NodeView, Snapshot, WorkerView

NODE_LATE = timedelta(seconds=10)  # agents beat every second or two
# Machines that fall silent together are not found late together: the first would be given up before the brake is on.
SUSPECT = timedelta(seconds=5)  # silent for so long, a node counts for the brake
TOGETHER = timedelta(seconds=60)  # and so long after it was given up
WORKER_SILENT = timedelta(seconds=10)  # workers beat every second or two
FEWEST_FOR_BRAKE = 3  # of two nodes, one is no majority and both are no evidence


@dataclass(frozen=True, slots=True)
class Watch:
    """What the silence of nodes means in one plan."""

    snapshot: Snapshot
    silent: frozenset[int]
    heard: frozenset[int]  # nodes whose agents can be asked and told now
    draining: Mapping[int, NodeView]
    alarm: str

    @classmethod
    def over(cls, snapshot: Snapshot) -> Watch:
        silent = frozenset(node.id for node in snapshot.nodes if _silent(node, snapshot))
        present = {node.id for node in snapshot.nodes if node.left_at is None and node.last_seen_at is not None}
        draining = {node.id: node for node in snapshot.nodes if node.drain_deadline is not None}
        return cls(snapshot, silent, frozenset(present) - silent, draining, _alarm(snapshot, silent))

    def actions(self) -> Iterator[Action]:
        """What the timeline should know of the nodes."""
        if self.alarm != self.snapshot.alarm:
            yield Alarm(self.alarm)
        for node in self.snapshot.nodes:
            heard_at = node.last_seen_at
            if heard_at is None:
                continue
            if node.lost_at is None and node.id in self.silent and not self.alarm:
                yield NodeLost(node.id, self.snapshot.now - heard_at)
            elif node.lost_at is not None and (node.id not in self.silent or node.left_at is not None):
                yield NodeBack(node.id, self.snapshot.now - node.lost_at)

    def lost(self, worker: WorkerView) -> bool:
        """Whether a launch went down with its node: neither its agent nor the worker itself is heard.

        A worker that beats is alive, whatever became of its agent.
        """
        if self.alarm or worker.node_id is None or worker.node_id in self.heard:
            return False
        heard_at = worker.heartbeat_at or worker.state_changed_at
        return self.snapshot.silence(heard_at) > WORKER_SILENT


def _silent(node: NodeView, snapshot: Snapshot, limit: timedelta = NODE_LATE) -> bool:
    if node.left_at is not None or node.last_seen_at is None:
        return False
    return snapshot.silence(node.last_seen_at) > limit


def _alarm(snapshot: Snapshot, silent: frozenset[int]) -> str:
    """The brake: that most machines die at once is less likely than that we are the ones who do not hear."""
    watched = [node for node in snapshot.nodes if node.left_at is None and not _long_lost(node, snapshot)]
    late = sorted(node.name for node in watched if _silent(node, snapshot, SUSPECT))
    nobody_at_risk = silent.isdisjoint(node.id for node in watched)
    if nobody_at_risk or len(watched) < FEWEST_FOR_BRAKE or 2 * len(late) <= len(watched):
        return ""
    names = ", ".join(late[:5]) + (f" and {len(late) - 5} more" if len(late) > 5 else "")
    return (
        f"{len(late)} of {len(watched)} nodes are silent at once ({names}): nothing on them is given up. "
        "Look at the network and the database; `modelyard remove NODE --force` gives a node up for good."
    )


def _long_lost(node: NodeView, snapshot: Snapshot) -> bool:
    return node.lost_at is not None and snapshot.now - node.lost_at > TOGETHER
