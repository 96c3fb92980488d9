"""How much a key, a user, a group or everybody together may ask."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from openai_api.models.key import ApiKey
from registry.models import Model

WHOSE = ("key", "user", "group", "model")


class Limit(models.Model):
    """Limits of whom it names, all together; of several that hold for a request, each must be kept.

    With a model it is about requests to this model only; with nothing but a model it is about everybody's.
    A field that is empty limits nothing.
    """

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, null=True, blank=True, related_name="limits")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="limits"
    )
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, blank=True, related_name="limits")
    model = models.ForeignKey(Model, on_delete=models.CASCADE, null=True, blank=True, related_name="limits")

    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveBigIntegerField(null=True, blank=True)
    concurrent = models.PositiveIntegerField(null=True, blank=True, help_text=_("Requests at the same time."))
    tokens_per_day = models.PositiveBigIntegerField(null=True, blank=True)
    tokens_per_month = models.PositiveBigIntegerField(null=True, blank=True)
    max_context = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Tokens of one request, prompt and answer together.")
    )
    max_output = models.PositiveIntegerField(null=True, blank=True, help_text=_("Tokens that one answer may have."))
    priority = models.SmallIntegerField(
        null=True, blank=True, help_text=_("Who waits for a replica goes by this first; higher is sooner, 0 is usual.")
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=WHOSE, name="one_limit_each", nulls_distinct=False),
            models.CheckConstraint(
                name="limit_names_somebody",
                condition=~Q(key=None, user=None, group=None, model=None),
                violation_error_message=_("Say whom it limits: a key, a user, a group or a model."),
            ),
            models.CheckConstraint(
                name="limit_names_one_owner",
                condition=Q(key=None, user=None) | Q(key=None, group=None) | Q(user=None, group=None),
                violation_error_message=_("Name one of key, user and group, not several."),
            ),
        ]

    def __str__(self) -> str:
        owner = self.key or self.user or self.group or gettext("everybody")
        if self.model is None:
            return str(owner)
        return gettext("{owner} at {model}").format(owner=owner, model=self.model)
