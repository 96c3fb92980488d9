"""What is due for one launch by itself: its end, the release of its claims, an order to go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from inference.protocol.causes import Cause
from registry.measures import format_age
from registry.plan.actions import Action, Command, End, Release
from registry.plan.nodes import Watch
from registry.plan.views import DeploymentView, Limits, WorkerView
from registry.states import Order, WorkerState

HUNG_SILENCE = timedelta(seconds=6)  # of a worker whose agent cannot get an answer either
HUNG_PROBES = timedelta(seconds=3)  # how long the agent must have tried


@dataclass(frozen=True, slots=True)
class _Verdict:
    reason: str
    cause: Cause
    hint: str = ""


def settle(worker: WorkerView, deployment: DeploymentView, watch: Watch) -> Iterator[Action]:
    """At most one step for this launch; whether it should be replaced by a newer one is decided elsewhere."""
    if not worker.active:
        if worker.claims and not worker.has_process:
            yield Release(worker.id)
    elif worker.exited_at is not None:
        yield _exited(worker)
    elif watch.lost(worker):
        yield _lost(worker, watch)
    elif verdict := _failed(worker, deployment.limits, watch):
        yield End(worker.id, WorkerState.FAILED, verdict.reason, verdict.cause, verdict.hint, kill=True)
    else:
        yield from _ordered(worker, deployment, watch)


def _exited(worker: WorkerView) -> End:
    if worker.order != Order.RUN:
        return End(worker.id, WorkerState.STOPPED, worker.reason)
    # A machine that went down is not the model's fault: LOST does not count against the budget.
    ending = worker.ending
    state = WorkerState.FAILED if ending.witnessed else WorkerState.LOST
    return End(worker.id, state, ending.reason, ending.cause, ending.hint)


def _lost(worker: WorkerView, watch: Watch) -> End:
    if worker.order != Order.RUN and not worker.taken_on:
        return End(worker.id, WorkerState.STOPPED, worker.reason)
    silence = format_age(watch.snapshot.now - (worker.heartbeat_at or worker.state_changed_at))
    reason = f"neither the node's agent nor the worker was heard for {silence}"
    return End(worker.id, WorkerState.LOST, reason, Cause.NODE_LOST)


def _failed(worker: WorkerView, limits: Limits, watch: Watch) -> _Verdict | None:
    """Why a launch that should run does not: it takes too long, or it hangs."""
    if worker.order != Order.RUN or worker.state == WorkerState.PENDING:
        return None
    if worker.state == WorkerState.STARTING:
        return _slow_start(worker, limits, watch)
    if worker.state == WorkerState.LOADING and watch.snapshot.silence(worker.state_changed_at) > limits.load:
        reason = f"loading took longer than {format_age(limits.load)}"
        return _Verdict(reason, Cause.TIMEOUT, "Raise the deployment's load time-out, or look at the node's disk.")
    return _hung(worker, limits, watch)


def _slow_start(worker: WorkerView, limits: Limits, watch: Watch) -> _Verdict | None:
    if watch.snapshot.silence(worker.state_changed_at) <= limits.start:
        return None
    if not worker.taken_on:
        reason = f"the node's agent did not take the launch on within {format_age(limits.start)}"
        return _Verdict(reason, Cause.TIMEOUT, "Is the agent running and well? Its log says why it does not launch.")
    reason = f"the process gave no sign of life within {format_age(limits.start)}"
    return _Verdict(reason, Cause.TIMEOUT, "Look at the launch's log; raise the start time-out for a slow disk.")


def _hung(worker: WorkerView, limits: Limits, watch: Watch) -> _Verdict | None:
    hint = "It is replaced. If it comes back: the log has what it did last, and a debugger such as py-spy where it is."
    if timedelta(seconds=worker.stalled_s) > limits.hang and not _silent(worker, watch):
        reason = f"hung: the engine has requests and made no step for {worker.stalled_s:.0f} s"
        return _Verdict(reason, Cause.HUNG, hint)
    if worker.unresponsive_since is None or not _silent(worker, watch):
        return None
    if watch.snapshot.silence(worker.unresponsive_since) < HUNG_PROBES:
        return None
    return _Verdict(
        "hung: the process lives, but neither beats nor answers its node's agent "
        f"(since {worker.unresponsive_since:%H:%M:%S} UTC)",
        Cause.HUNG,
        hint,
    )


def _silent(worker: WorkerView, watch: Watch) -> bool:
    heard_at = worker.heartbeat_at or worker.state_changed_at
    return watch.snapshot.silence(heard_at) > HUNG_SILENCE


def _ordered(worker: WorkerView, deployment: DeploymentView, watch: Watch) -> Iterator[Action]:
    """Wanted no more, or told to go and slow about it."""
    if worker.order == Order.RUN:
        if reason := _surplus(worker, deployment):
            yield go(worker, reason)
        elif reason := _overstays(worker, watch):
            yield Command(worker.id, Order.STOP, reason) if worker.taken_on else go(worker, reason)
    elif not worker.taken_on:
        yield End(worker.id, WorkerState.STOPPED, worker.reason)
    elif worker.order == Order.DRAIN and _drained_enough(worker, deployment.limits, watch):
        yield Command(worker.id, Order.STOP, worker.reason)


def _drained_enough(worker: WorkerView, limits: Limits, watch: Watch) -> bool:
    now = watch.snapshot.now
    node = watch.draining.get(worker.node_id or 0)
    if node is not None and node.drain_deadline is not None:
        return now >= node.drain_deadline
    hung = worker.unresponsive_since is not None and _silent(worker, watch)
    return hung or now - (worker.ordered_at or now) > limits.drain


def _overstays(worker: WorkerView, watch: Watch) -> str:
    node = watch.draining.get(worker.node_id or 0)
    if node is None or node.drain_deadline is None or watch.snapshot.now < node.drain_deadline:
        return ""
    return f"{node.changed_by or 'an operator'} drained {node.name}, and its deadline is over"


def _surplus(worker: WorkerView, deployment: DeploymentView) -> str:
    if worker.replica < deployment.replicas:
        return ""
    who = deployment.changed_by or "an operator"
    return f"{who} stopped the deployment" if not deployment.replicas else f"{who} scaled to {deployment.replicas}"


def go(worker: WorkerView, reason: str) -> Action:
    """Let a launch go: at once when no agent took it on, else after its requests."""
    if not worker.taken_on:
        return End(worker.id, WorkerState.STOPPED, reason)
    return Command(worker.id, Order.DRAIN, reason)
