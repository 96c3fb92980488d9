"""What should run."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now

from registry.models.model import Model

deployment_name = RegexValidator(
    r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$", "Use lower-case letters, digits and . _ - (at most 63)."
)


class Engine(models.TextChoices):
    """What loads the weights."""

    TRANSFORMERS = "transformers", "Transformers"
    ECHO = "echo", "Echo (for tests)"


class Deployment(models.Model):
    """How many replicas of a model should run, with which engine options. Written by operators only."""

    name = models.CharField(max_length=63, unique=True, validators=[deployment_name])
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="deployments")
    replicas = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(256)])
    paused = models.BooleanField(default=False, help_text="A paused deployment keeps its settings and runs nothing.")
    engine = models.CharField(max_length=16, choices=Engine.choices, default=Engine.TRANSFORMERS)
    options = models.JSONField(default=dict, blank=True, help_text='Engine options, such as {"dtype": "bfloat16"}.')
    memory_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Memory that a replica claims; empty: estimated from the weights."
    )
    restart_budget = models.PositiveSmallIntegerField(
        default=5, help_text="Failures within ten minutes after which a replica is given up."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)
    renewed_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="Workers from before are replaced, and their failures forgiven."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def snapshot(self) -> dict[str, Any]:
        """The options that a worker is launched with; a change of these makes a new revision."""
        return {
            "engine": self.engine,
            "model": self.model.name,
            "path": self.model.path,
            "chat_template": self.model.chat_template,
            "trust_remote_code": self.model.trust_remote_code,
            "options": self.options,
            "memory_bytes": self.memory_bytes,
        }


class Revision(models.Model):
    """An immutable snapshot of a deployment's options."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    snapshot = models.JSONField()
    device = models.CharField(
        max_length=8, default="auto", help_text="auto, cpu or cuda: what the replicas are placed on."
    )
    claim_bytes = models.PositiveBigIntegerField(help_text="Memory that each replica claims.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["deployment", "-number"]
        constraints = [models.UniqueConstraint(fields=["deployment", "number"], name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.deployment.name} r{self.number}"
