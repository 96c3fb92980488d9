"""Presets: a system prompt and parameters under a name."""

from __future__ import annotations

import json

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Preset(models.Model):
    """What to start a chat with. Without an owner it is everybody's, made in the admin."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="presets",
        help_text=_("Whose it is; empty: everybody's."),
    )
    name = models.CharField(max_length=80, help_text=_("What people choose it by, such as «Translator»."))
    system = models.TextField(blank=True, help_text=_("What the model is told before the first message."))
    parameters = models.JSONField(
        default=dict, blank=True, help_text=_('As in the API, such as {"temperature": 0.2, "max_tokens": 500}.')
    )
    model = models.CharField(max_length=100, blank=True, help_text=_("The model to choose with it; empty: as it is."))

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="preset_names", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def json(self) -> str:
        """The parameters for a page."""
        return json.dumps(self.parameters)
