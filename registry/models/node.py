"""Machines with an agent, and what of them can be claimed."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

node_name = RegexValidator(
    r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", "Use lower-case letters, digits and dashes, at most 40."
)


class Node(models.Model):
    """A machine with an agent. The agent writes all of it but `cordoned` and `labels`."""

    name = models.CharField(max_length=40, unique=True, validators=[node_name])
    hostname = models.CharField(max_length=255, blank=True)
    address = models.CharField(
        max_length=255, default="127.0.0.1", help_text="Where the gateway reaches this node's workers."
    )
    boot_id = models.CharField(max_length=64, blank=True, help_text="The kernel's id of the machine's present life.")
    agent_session = models.UUIDField(null=True, editable=False, help_text="The agent that owns this node now.")
    agent_pid = models.PositiveIntegerField(null=True)
    agent_version = models.CharField(max_length=32, blank=True)
    cordoned = models.BooleanField(default=False, help_text="A cordoned node gets no new workers; what runs goes on.")
    labels = models.JSONField(default=dict, blank=True)
    registered_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)
    left_at = models.DateTimeField(null=True, editable=False, help_text="Set when the agent said goodbye.")

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
    present = models.BooleanField(default=True, help_text="False when the agent no longer sees it.")
    observed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["node", "index"]
        constraints = [
            models.UniqueConstraint(fields=["node", "index"], name="one_device_per_index"),
            models.CheckConstraint(condition=models.Q(memory_total_bytes__gte=0), name="device_memory_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.node.name}:{self.index}"
