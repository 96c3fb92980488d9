"""Whether the control plane may look less often for a while."""

from __future__ import annotations

from datetime import timedelta

from registry.plan.views import NodeView, Snapshot, WorkerView
from registry.states import Order, WorkerState

# Well before silence becomes somebody's fault, so that who falls silent is looked at every second from then on.
HEARD = timedelta(seconds=3)


def calm(snapshot: Snapshot) -> bool:
    """All that should run is ready and was heard just now; nothing starts, ends, waits for its time or alarms."""
    return (
        not snapshot.alarm
        and all(_settled(worker, snapshot) for worker in snapshot.workers)
        and all(_present(node, snapshot) for node in snapshot.nodes)
    )


def _settled(worker: WorkerView, snapshot: Snapshot) -> bool:
    if worker.state == WorkerState.STOPPED:
        return not worker.claims
    serves = worker.state == WorkerState.READY and worker.order == Order.RUN and worker.replaces is None
    fine = worker.unresponsive_since is None and not worker.stalled_s and worker.exited_at is None
    return serves and fine and worker.heartbeat_at is not None and snapshot.silence(worker.heartbeat_at) < HEARD


def _present(node: NodeView, snapshot: Snapshot) -> bool:
    if node.left_at is not None or node.lost_at is not None:
        return True
    return node.drain_deadline is None and node.last_seen_at is not None and snapshot.silence(node.last_seen_at) < HEARD
