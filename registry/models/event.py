"""The timeline: one line for each thing that happened, with who and why."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from registry.models.deployment import Deployment
from registry.models.worker import Worker


class Event(models.Model):
    """One line of the timeline. Names are kept as text: an event outlives what it speaks of."""

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150)
    subject = models.CharField(max_length=200, help_text=_("What it is about, such as «smollm2/0» or «node gpu-1»."))
    reason = models.TextField(blank=True)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10, blank=True)
    revision = models.PositiveIntegerField(null=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.SET_NULL, null=True, related_name="events")
    worker = models.ForeignKey(Worker, on_delete=models.SET_NULL, null=True, related_name="events")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["deployment", "-id"], name="event_by_deployment"),
            models.Index(fields=["subject", "-id"], name="event_by_subject"),
            models.Index(fields=["to_state", "-id"], name="event_by_new_state"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.to_state or self.reason}"
