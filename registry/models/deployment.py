"""What should run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from inference.protocol.engines import DEFAULT_ENGINE, ENGINES
from registry.models.model import Model

deployment_name = RegexValidator(
    r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$", _("Use lower-case letters, digits and . _ - (at most 63).")
)


def engine_choices() -> list[tuple[str, Any]]:
    """What loads the weights. A function, so that a new engine needs no migration."""
    return [(name, _(entry.label)) for name, entry in ENGINES.items()]


class Strategy(models.TextChoices):
    """Which of the devices that fit is taken."""

    SPREAD = "spread", _("Spread: the emptiest device")
    PACK = "pack", _("Pack: the fullest device that still fits")


def seconds(default: int, explanation: str) -> models.PositiveIntegerField[int, int]:
    """A time-out of a deployment."""
    limits = [MinValueValidator(1), MaxValueValidator(7 * 86_400)]
    return models.PositiveIntegerField(default=default, validators=limits, help_text=f"{explanation}, in seconds.")


class Deployment(models.Model):
    """How many replicas of a model should run, with which engine options. Written by operators only."""

    name = models.CharField(max_length=63, unique=True, validators=[deployment_name])
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="deployments")
    replicas = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(256)])
    paused = models.BooleanField(default=False, help_text=_("A paused deployment keeps its settings and runs nothing."))
    engine = models.CharField(max_length=16, choices=engine_choices, default=DEFAULT_ENGINE)
    options = models.JSONField(default=dict, blank=True, help_text=_('Engine options, such as {"dtype": "bfloat16"}.'))
    memory_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text=_("Memory that a replica claims; empty: estimated from the weights.")
    )
    restart_budget = models.PositiveSmallIntegerField(
        default=5, help_text=_("Failures within ten minutes after which a replica is given up.")
    )
    # where
    gpus = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(64)],
        help_text=_("GPUs of one node that a replica is spread over; empty: as few as it fits on."),
    )
    devices = models.CharField(
        max_length=1000,
        blank=True,
        help_text=_("Named devices, such as node-a:2,3 (in this order); several groups, one a replica, by spaces."),
    )
    node_labels = models.JSONField(
        default=dict, blank=True, help_text=_('Labels that a node must have, such as {"zone": "a"}.')
    )
    max_memory_per_gpu_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text=_("The most that a replica claims of one GPU; empty: no limit.")
    )
    exclusive = models.BooleanField(default=False, help_text=_("Take whole devices and share them with nobody."))
    strategy = models.CharField(max_length=8, choices=Strategy.choices, default=Strategy.SPREAD)
    # how long
    start_timeout_s = seconds(60, "How long a process may take to give its first sign of life")
    load_timeout_s = seconds(3600, "How long loading may take")
    drain_timeout_s = seconds(60, "How long a worker may finish its requests before they are ended")
    hang_timeout_s = seconds(120, "How long an engine with requests may make no step before it counts as hung")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)
    renewed_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text=_("Workers from before are replaced, and their failures forgiven.")
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def snapshot(self) -> dict[str, Any]:
        """All that an operator can edit; a change of any of it makes a new revision."""
        own = {name: getattr(self, name) for name in (*COLD_FIELDS, *HOT_FIELDS)}
        return own | {
            "model": self.model.name,
            "path": self.model.path,
            "chat_template": self.model.chat_template,
            "trust_remote_code": self.model.trust_remote_code,
            "aliases": sorted(self.model.aliases.values_list("name", flat=True)) if self.model.pk else [],
        }


# Of these a change takes new workers: they are told at their launch, or placed by it.
COLD_FIELDS = (
    *("engine", "options", "memory_bytes"),
    *("gpus", "devices", "node_labels", "max_memory_per_gpu_bytes", "exclusive"),
)
# These are looked at while workers run.
TIMEOUT_FIELDS = ("start_timeout_s", "load_timeout_s", "drain_timeout_s", "hang_timeout_s")
HOT_FIELDS = ("replicas", "restart_budget", "strategy", *TIMEOUT_FIELDS)
HOT = frozenset({*HOT_FIELDS, "aliases"})


def launch_key(snapshot: Mapping[str, Any]) -> str:
    """Equal for two snapshots exactly when a worker of one may serve as a worker of the other."""
    cold = {name: value for name, value in snapshot.items() if name not in HOT}
    return hashlib.sha256(json.dumps(cold, sort_keys=True).encode()).hexdigest()[:16]


class Revision(models.Model):
    """An immutable snapshot of what an operator can edit of a deployment."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    snapshot = models.JSONField()
    launch_key = models.CharField(
        max_length=16,
        default="",
        help_text=_("Workers of revisions with the same key need not be replaced by one another."),
    )
    estimate = models.JSONField(
        default=dict, help_text=_("What the claim is made of, in bytes, and where it comes from.")
    )
    device = models.CharField(
        max_length=8, default="auto", help_text=_("auto, cpu or cuda: what the replicas are placed on.")
    )
    claim_bytes = models.PositiveBigIntegerField(help_text=_("Memory that each replica claims."))
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["deployment", "-number"]
        constraints = [models.UniqueConstraint(fields=["deployment", "number"], name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.deployment.name} r{self.number}"
