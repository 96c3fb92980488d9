"""Machines with an agent, and what of them can be claimed."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

node_name = RegexValidator(
    r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", _("Use lower-case letters, digits and dashes, at most 40.")
)


class Node(models.Model):
    """A machine with an agent, which writes all but `cordoned`, `drain_deadline`, `labels` and `lost_at`."""

    name = models.CharField(max_length=40, unique=True, validators=[node_name])
    hostname = models.CharField(max_length=255, blank=True)
    address = models.CharField(
        max_length=255, default="127.0.0.1", help_text=_("Where the gateway reaches this node's workers.")
    )
    boot_id = models.CharField(max_length=64, blank=True, help_text=_("The kernel's id of the machine's present life."))
    agent_session = models.UUIDField(null=True, editable=False, help_text=_("The agent that owns this node now."))
    agent_pid = models.PositiveIntegerField(null=True)
    agent_version = models.CharField(max_length=32, blank=True)
    protocol_version = models.PositiveSmallIntegerField(default=1, help_text=_("What the agent and its workers speak."))
    disk_free_bytes = models.BigIntegerField(null=True, help_text=_("Where the agent keeps logs and converted models."))
    disk_total_bytes = models.BigIntegerField(null=True)
    simulated = models.BooleanField(default=False, help_text=_("Its devices exist in name only: for tests and trials."))
    cordoned = models.BooleanField(
        default=False, help_text=_("A cordoned node gets no new workers; what runs goes on.")
    )
    drain_deadline = models.DateTimeField(
        null=True, editable=False, help_text=_("Set while the node is drained: when what still runs there is stopped.")
    )
    changed_by = models.CharField(max_length=150, blank=True, editable=False)
    labels = models.JSONField(default=dict, blank=True)
    lost_at = models.DateTimeField(
        null=True, editable=False, help_text=_("When the control plane found its agent silent; empty while it beats.")
    )
    registered_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)
    left_at = models.DateTimeField(null=True, editable=False, help_text=_("Set when the agent said goodbye."))

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def queue(self) -> str:
        """The Celery queue that this node's agent listens on."""
        return f"node.{self.name}"


class Device(models.Model):
    """A GPU, or the machine's CPU, that workers can claim memory of. Written by the agent; live figures in bytes."""

    class Kind(models.TextChoices):
        CPU = "cpu", "CPU"
        CUDA = "cuda", "CUDA GPU"

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="devices")
    index = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    uuid = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=120)
    memory_total_bytes = models.BigIntegerField()
    memory_used_bytes = models.BigIntegerField(null=True)
    utilization_percent = models.FloatField(null=True)
    temperature_c = models.FloatField(null=True)
    power_w = models.FloatField(null=True)
    present = models.BooleanField(default=True, help_text=_("False when the agent no longer sees it."))
    simulated = models.BooleanField(
        default=False, help_text=_("Exists in name only: the echo engine alone runs on it.")
    )
    foreign_bytes = models.BigIntegerField(default=0, help_text=_("Held by processes that are not ours."))
    foreign_processes = models.JSONField(default=list, blank=True, help_text=_("Their pids, names and bytes."))
    quarantine = models.TextField(
        blank=True, help_text=_("Why nothing may be placed here: what an ended worker still holds, and which pids.")
    )
    quarantined_at = models.DateTimeField(null=True, editable=False)
    observed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["node", "index"]
        constraints = [
            models.UniqueConstraint(fields=["node", "index"], name="one_device_per_index"),
            models.CheckConstraint(condition=models.Q(memory_total_bytes__gte=0), name="device_memory_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.node.name}:{self.index}"


class ModelFiles(models.Model):
    """The files of a model as one node sees them. Written by the node's agent."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="model_files")
    path = models.CharField(max_length=1000)
    present = models.BooleanField()
    facts = models.JSONField(default=dict, blank=True, help_text=_("What the estimate of the memory needs to know."))
    observed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "model files"
        constraints = [models.UniqueConstraint(fields=["node", "path"], name="one_look_per_node_and_path")]

    def __str__(self) -> str:
        return f"{self.node.name}:{self.path}"
