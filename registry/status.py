"""What a deployment does right now, in words: pure, from views of its workers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from registry.measures import format_age
from registry.plan import WorkerView, failures, gave_up
from registry.plan.budget import outdated
from registry.plan.nodes import NODE_LATE
from registry.states import WorkerState

SILENT = timedelta(seconds=5)  # workers beat every second or two; an older beat may be of an earlier life


class Phase(Enum):
    """Where a deployment stands, and the colour that says so."""

    READY = "success"
    PROGRESS = "info"
    WAITING = "warning"
    FAILED = "danger"
    STOPPED = "default"

    @property
    def settled(self) -> bool:
        """Nothing more will happen until an operator or a fault makes it."""
        return self in {Phase.READY, Phase.FAILED, Phase.STOPPED}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A deployment as its status depends on it. `launch_key` is the newest revision's."""

    replicas: int
    paused: bool
    launch_key: str
    restart_budget: int
    renewed_at: datetime


@dataclass(frozen=True, slots=True)
class Launch(WorkerView):
    """A worker with what its heartbeat says of its start."""

    progress: int = 0
    detail: str = ""
    heartbeat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The present state of a deployment, and why when it is not well. `percent` is the mean over its replicas."""

    phase: Phase
    brief: str
    ready: int = 0
    percent: int = 0
    reason: str = ""

    @property
    def words(self) -> str:
        return f"{self.brief}: {self.reason}" if self.reason else self.brief

    @property
    def badge(self) -> str:
        return self.phase.value


@dataclass(frozen=True, slots=True)
class _Slot:
    """One replica's part of the story."""

    phase: Phase
    story: str
    reason: str = ""
    percent: int = 0
    serving: bool = False


WORST_FIRST = (Phase.FAILED, Phase.WAITING, Phase.PROGRESS, Phase.READY)


def status_of(wanted: Wanted, launches: Iterable[Launch], now: datetime) -> Status:
    """One line for lists, commands and pages: `2/2 ready`, `1/2 ready, loading 40 %`, `failed: …`, `stopped`."""
    launches = sorted(launches, key=lambda launch: launch.id)
    if wanted.paused or not wanted.replicas:
        return _stopped(sum(launch.active for launch in launches))
    by_replica: defaultdict[int, list[Launch]] = defaultdict(list)
    for launch in launches:
        by_replica[launch.replica].append(launch)
    slots = [_slot(by_replica[replica], wanted, now) for replica in range(wanted.replicas)]
    ready = sum(slot.serving for slot in slots)
    worst = min(slots, key=lambda slot: WORST_FIRST.index(slot.phase))
    leaving = sum(_leaving(launch, by_replica[launch.replica], wanted.replicas) for launch in launches)
    return Status(
        phase=worst.phase,
        brief=_brief(worst, ready, wanted.replicas) + (f", {leaving} stopping" if leaving else ""),
        ready=ready,
        percent=sum(slot.percent for slot in slots) // len(slots),
        reason=worst.reason,
    )


def node_status(
    *,
    cordoned: bool,
    last_seen_at: datetime | None,
    left_at: datetime | None,
    now: datetime,
    drain_deadline: datetime | None = None,
) -> tuple[Phase, str]:
    """A node in a word or two. What cannot take workers is marked, whatever the reason."""
    if left_at is not None:
        return Phase.STOPPED, f"left {format_age(now - left_at)} ago"
    if last_seen_at is None:
        return Phase.WAITING, "never seen"
    if now - last_seen_at > NODE_LATE:
        return Phase.FAILED, f"silent for {format_age(now - last_seen_at)}"
    if drain_deadline is not None:
        left = drain_deadline - now
        return Phase.WAITING, f"draining, {format_age(left)} left" if left > timedelta() else "drained"
    return (Phase.WAITING, "cordoned") if cordoned else (Phase.READY, "online")


def _stopped(running: int) -> Status:
    if running:
        return Status(Phase.PROGRESS, f"stopping, {running} worker{'s' if running > 1 else ''} still there")
    return Status(Phase.STOPPED, "stopped")


def _brief(worst: _Slot, ready: int, replicas: int) -> str:
    count = f"{ready}/{replicas} ready"
    if worst.phase is Phase.READY:
        return count
    return worst.story if worst.phase is Phase.FAILED and not ready else f"{count}, {worst.story}"


def _leaving(launch: Launch, slot: list[Launch], replicas: int) -> bool:
    return launch.active and (launch.replica >= replicas or (not launch.running and launch is not slot[-1]))


def _slot(launches: list[Launch], wanted: Wanted, now: datetime) -> _Slot:
    if not launches:
        return _Slot(Phase.PROGRESS, "about to start")
    newest = launches[-1]
    serving = next((launch for launch in launches if launch.running and launch.state == WorkerState.READY), None)
    if serving is not None:
        return _up(serving, newest, wanted, now=now)
    return _running(newest, wanted) if newest.active else _ended(newest, wanted)


def _ended(newest: Launch, wanted: Wanted) -> _Slot:
    count, _ = failures(newest, wanted)
    if gave_up(newest, wanted):
        return _Slot(Phase.FAILED, "failed", newest.reason or "no reason was reported")
    if count:
        # No countdown: a line that says the same thing all the time stays still on a page and in a log.
        story = f"failed {count} of {wanted.restart_budget} times, tries again"
        return _Slot(Phase.WAITING, story, newest.reason)
    return _Slot(Phase.PROGRESS, "about to start")


def _running(launch: Launch, wanted: Wanted) -> _Slot:
    if launch.state == WorkerState.PENDING and launch.running:
        story, _, reason = launch.reason.partition(": ")
        return _Slot(Phase.WAITING, story, reason) if story else _Slot(Phase.PROGRESS, "looking for a place")
    if outdated(launch, wanted) or not launch.running or launch.state == WorkerState.DRAINING:
        return _Slot(Phase.PROGRESS, "replacing")
    if launch.state == WorkerState.LOADING:
        return _Slot(Phase.PROGRESS, f"loading {launch.progress} %", percent=min(99, launch.progress))
    return _Slot(Phase.PROGRESS, "starting")


def _up(launch: Launch, newest: Launch, wanted: Wanted, *, now: datetime) -> _Slot:
    silence = now - (launch.heartbeat_at or launch.state_changed_at)
    if silence > SILENT:
        return _Slot(Phase.WAITING, f"no heartbeat for {format_age(silence)}")
    if not outdated(launch, wanted) and (newest is launch or not newest.active):
        return _Slot(Phase.READY, "ready", percent=100, serving=True)
    follows = _ended(newest, wanted) if not newest.active else _running(newest, wanted)
    if newest is launch or follows.phase is Phase.PROGRESS:
        return _Slot(Phase.PROGRESS, "replacing", percent=follows.percent, serving=True)
    return _Slot(Phase.WAITING, f"the next revision {follows.story}", follows.reason, serving=True)
