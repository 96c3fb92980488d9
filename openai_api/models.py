"""API keys."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class ApiKey(models.Model):
    """A secret that lets a program in, in the name of a person. The secret itself is not here, only its hash."""

    name = models.CharField(max_length=100, help_text="What the key is for, such as «nightly evaluation».")
    prefix = models.CharField(max_length=12, editable=False, help_text="How the key begins, to recognise it by.")
    # SHA-256 without salt or stretching: the secret has 256 random bits, so there is nothing to guess.
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="The key stops working then; empty: never.")
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def state(self, now: datetime) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"
