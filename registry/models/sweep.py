"""The control plane's own memory: one row."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Sweep(models.Model):
    """When the control plane looked last, since when without a gap, and what alarms it. Written by the reconciler.

    Silence counts only while somebody listened: after an outage of the database or of the control plane nobody is
    blamed for beats that could not arrive.
    """

    ROW = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ROW)
    swept_at = models.DateTimeField()
    listening_since = models.DateTimeField()
    alarm = models.TextField(blank=True, help_text=_("Why nothing is evicted now."))
    alarm_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_sweep_row")]

    def __str__(self) -> str:
        return self.alarm or f"swept at {self.swept_at:%H:%M:%S}"
