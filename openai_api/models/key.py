"""API keys."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a key is for."""

    INFERENCE = "inference", _("Inference: ask models")
    READ = "read", _("Read: see models, workers, usage")
    MANAGE = "manage", _("Manage: change what its owner may change")


def inference_only() -> list[str]:
    """What a key may do unless somebody says more."""
    return [Scope.INFERENCE]


class ApiKey(models.Model):
    """A secret that lets a program in, in the name of a person or of a group. Only the secret's hash is here."""

    name = models.CharField(max_length=100, help_text=_("What the key is for, such as «nightly evaluation»."))
    prefix = models.CharField(max_length=12, editable=False, help_text=_("How the key begins, to recognise it by."))
    # SHA-256 without salt or stretching: the secret has 256 random bits, so there is nothing to guess.
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_keys",
        null=True,
        blank=True,
        help_text=_("The person whose key it is."),
    )
    group = models.ForeignKey(
        Group,
        on_delete=models.CASCADE,
        related_name="api_keys",
        null=True,
        blank=True,
        help_text=_("Or the group (a project) whose key it is; it outlives the people in it."),
    )
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices), default=inference_only)
    # Names, not rows: a model that is deleted must not turn a key for it into a key for everything.
    allowed_models = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text=_("The models it may ask, by name; lab/* is every name that begins so. Empty: all."),
    )
    replaces = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, editable=False, related_name="replaced_by"
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="children",
        help_text=_("The key that made it: it stays within the rights and limits of that one, and ends with it."),
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("The key stops working then; empty: never."))
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                name="api_key_has_one_owner",
                condition=Q(user=None, group__isnull=False) | Q(user__isnull=False, group=None),
                violation_error_message=_("A key belongs to a user or to a group: choose one of them."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def state(self, now: datetime) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"
