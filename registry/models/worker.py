"""What does run: one row a launch, and what it holds of the devices."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from registry.models.deployment import Deployment, Revision
from registry.models.node import Device, Node
from registry.states import ACTIVE, Order, WorkerState


class Worker(models.Model):
    """One launch of one replica: a row and a process. Each block of fields has one writer.

    No checks, and so no Positive…Fields: Postgres reads each of a table's anew for each statement, and a dozen of them
    took a third of a heartbeat's time. That a placed worker has a node is a trigger's business (`sql/placed.sql`).
    """

    # the reconciler's
    # `worker_by_replica` serves as its index.
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="workers", db_index=False)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="workers")
    replica = models.SmallIntegerField(help_text=_("Which of the deployment's replicas this is, from 0."))
    attempt = models.IntegerField(default=0, help_text=_("Failures before this launch, within the budget's window."))
    window_started_at = models.DateTimeField(null=True, help_text=_("When the first of these failures was."))
    launch_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    replaces = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="successors",
        help_text=_("The worker that goes on serving until this one is ready."),
    )
    token_hash = models.CharField(
        max_length=64, default="", editable=False, help_text=_("SHA-256 of the launch's token, in hex.")
    )
    node = models.ForeignKey(Node, on_delete=models.SET_NULL, null=True, related_name="workers")
    state = models.CharField(max_length=10, choices=WorkerState.choices, default=WorkerState.PENDING)
    order = models.CharField(max_length=5, choices=Order.choices, default=Order.RUN)
    ordered_at = models.DateTimeField(db_default=Now())
    reason = models.TextField(blank=True)
    cause = models.CharField(max_length=24, blank=True, help_text=_("The kind of failure, such as gpu_memory."))
    hint = models.TextField(blank=True, help_text=_("What to do about it."))
    created_at = models.DateTimeField(db_default=Now())
    state_changed_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    # the agent's
    launching_at = models.DateTimeField(null=True, help_text=_("When the agent took the launch on."))
    pid = models.IntegerField(null=True)
    process_started = models.BigIntegerField(
        null=True, help_text=_("The process's start: clock ticks since the machine's.")
    )
    boot_id = models.CharField(max_length=64, blank=True)
    exited_at = models.DateTimeField(null=True)
    exit_code = models.IntegerField(null=True, help_text=_("Negative: ended by that signal. Empty: not known."))
    exit_witnessed = models.BooleanField(default=True, help_text=_("False: it ended while no agent was watching."))
    exit_note = models.TextField(blank=True, help_text=_("What the agent knows of the end."))
    exit_cause = models.CharField(
        max_length=24, blank=True, help_text=_("The kind of end, where the agent has evidence.")
    )
    log_tail = models.TextField(blank=True)
    log_bytes = models.BigIntegerField(null=True, help_text=_("How long the log was at the end; its tail is kept."))
    unresponsive_since = models.DateTimeField(
        null=True, help_text=_("When the process, silent in the database, first did not answer its agent either.")
    )

    # the worker's own heartbeat
    heartbeat_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    progress = models.SmallIntegerField(default=0, help_text=_("Of loading, in percent."))
    detail = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=255, blank=True)
    capabilities = ArrayField(models.CharField(max_length=20), default=list)
    context_length = models.IntegerField(null=True)
    capacity = models.IntegerField(null=True, help_text=_("How many requests it runs at once, the others waiting."))
    in_flight = models.IntegerField(default=0)
    requests_total = models.BigIntegerField(default=0)
    tokens_total = models.BigIntegerField(default=0)
    tokens_per_second = models.FloatField(default=0)
    stalled_s = models.FloatField(default=0, help_text=_("Since when the engine has requests and makes no step."))
    memory_bytes = models.BigIntegerField(default=0)
    memory_peak_bytes = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "replica"],
                condition=models.Q(order=Order.RUN, state__in=sorted(ACTIVE), replaces__isnull=True),
                name="one_active_launch_per_replica",
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=models.Q(order=Order.RUN, state__in=sorted(ACTIVE)),
                name="one_active_successor_per_worker",
            ),
        ]
        # No index on any column that the heartbeat writes: its updates stay inside the page (HOT).
        indexes = [models.Index(fields=["deployment", "replica", "-id"], name="worker_by_replica")]

    def __str__(self) -> str:
        return f"{self.deployment.name}/{self.replica} {str(self.launch_id)[:8]}"


class Claim(models.Model):
    """Bytes of a device held by a worker. What is free is always the sum of these, never a counter."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="claims")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="claims")
    bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker", "device"], name="one_claim_per_worker_and_device"),
            models.CheckConstraint(condition=models.Q(bytes__gte=0), name="claim_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.bytes} bytes of {self.device_id} for {self.worker_id}"
