"""The life of a worker: its states, who is in which group, and every declared transition."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from registry.errors import UndeclaredTransition


class WorkerState(models.TextChoices):
    """From wanting a place to having left it."""

    PENDING = "PENDING", _("Pending")  # wanted, no device yet
    PLACED = "PLACED", _("Placed")  # devices claimed
    STARTING = "STARTING", _("Starting")  # the node's agent was told
    LOADING = "LOADING", _("Loading")  # the process beats and loads
    READY = "READY", _("Ready")
    DRAINING = "DRAINING", _("Draining")  # finishes what runs, takes nothing new
    STOPPED = "STOPPED", _("Stopped")
    FAILED = "FAILED", _("Failed")
    LOST = "LOST", _("Lost")  # its node is gone; what became of the process is unknown


class Order(models.TextChoices):
    """What the control plane wants of a worker; the heartbeat brings it back."""

    RUN = "run", _("Run")
    DRAIN = "drain", _("Drain")
    STOP = "stop", _("Stop")


_S = WorkerState

TRANSITIONS: dict[WorkerState, frozenset[WorkerState]] = {
    _S.PENDING: frozenset({_S.PLACED, _S.STOPPED, _S.FAILED}),
    _S.PLACED: frozenset({_S.STARTING, _S.STOPPED, _S.FAILED, _S.LOST}),
    _S.STARTING: frozenset({_S.LOADING, _S.READY, _S.DRAINING, _S.STOPPED, _S.FAILED, _S.LOST}),
    _S.LOADING: frozenset({_S.READY, _S.DRAINING, _S.STOPPED, _S.FAILED, _S.LOST}),
    _S.READY: frozenset({_S.DRAINING, _S.STOPPED, _S.FAILED, _S.LOST}),
    _S.DRAINING: frozenset({_S.STOPPED, _S.FAILED, _S.LOST}),
    _S.STOPPED: frozenset(),
    _S.FAILED: frozenset(),
    _S.LOST: frozenset({_S.STOPPED, _S.FAILED}),
}

TERMINAL = frozenset({_S.STOPPED, _S.FAILED, _S.LOST})
ACTIVE = frozenset(_S) - TERMINAL
BEATING = frozenset({_S.STARTING, _S.LOADING, _S.READY, _S.DRAINING})
REPORTED = frozenset({_S.LOADING, _S.READY, _S.DRAINING, _S.FAILED})  # what a worker may say of itself

BADGES: dict[WorkerState, str] = {
    _S.PENDING: "warning",
    _S.PLACED: "info",
    _S.STARTING: "info",
    _S.LOADING: "info",
    _S.READY: "success",
    _S.DRAINING: "warning",
    _S.STOPPED: "default",
    _S.FAILED: "danger",
    _S.LOST: "danger",
}


def check_transition(before: WorkerState, after: WorkerState) -> None:
    """Raises `UndeclaredTransition` unless the table has it."""
    if after not in TRANSITIONS[before]:
        raise UndeclaredTransition(f"{before} → {after} is not a declared transition")
