"""What was asked and what it took: one row a request, for good."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Usage(models.Model):
    """One request that was let in. It points at no other row: names and numbers stay as they were.

    Its id is made by the gateway before the first try to write it, so that writing it twice leaves one row.
    """

    id = models.UUIDField(primary_key=True)
    began_at = models.DateTimeField()
    request_id = models.CharField(max_length=128)
    endpoint = models.CharField(max_length=20, help_text=_("chat, completions or embeddings."))
    model = models.CharField(max_length=100)
    launch_id = models.UUIDField(null=True, help_text=_("The worker that answered."))
    key_id = models.BigIntegerField(null=True)
    key_name = models.CharField(max_length=100, blank=True)
    user_id = models.BigIntegerField(null=True)
    username = models.CharField(max_length=150, blank=True)
    group_id = models.BigIntegerField(null=True)
    group_name = models.CharField(max_length=150, blank=True)
    client = models.CharField(max_length=32, blank=True, help_text=_("A keyed hash of the client's address."))
    streamed = models.BooleanField(default=False)
    status = models.PositiveSmallIntegerField(help_text=_("HTTP's; 499 when the client left."))
    finish = models.CharField(max_length=20, blank=True, help_text=_("stop, length, tool_calls, aborted or error."))
    error = models.CharField(max_length=50, blank=True, help_text=_("The code of an error."))
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    exact = models.BooleanField(default=True, help_text=_("Whether the engine counted; else what came through here."))
    queued_ms = models.FloatField(default=0.0, help_text=_("Waiting for a replica."))
    ttft_ms = models.FloatField(null=True, help_text=_("From the request to its first token; only streams show it."))
    duration_ms = models.FloatField()

    class Meta:
        ordering = ["-began_at"]
        verbose_name_plural = "usage"
        indexes = [
            models.Index(fields=["-began_at"], name="usage_by_time"),
            models.Index(fields=["key_id", "-began_at"], name="usage_by_key"),
            models.Index(fields=["user_id", "-began_at"], name="usage_by_user"),
            models.Index(fields=["model", "-began_at"], name="usage_by_model"),
            models.Index(fields=["request_id"], name="usage_by_request"),
            models.Index(fields=["-began_at"], name="usage_not_answered", condition=~models.Q(status=200)),
        ]

    def __str__(self) -> str:
        words = gettext("{model}, {tokens_in} + {tokens_out} tokens").format(
            model=self.model, tokens_in=self.prompt_tokens, tokens_out=self.completion_tokens
        )
        return f"{self.request_id}: {words}"


class UsageMinute(models.Model):
    """What began in one minute, all together. Written with each row by a trigger: openai_api/sql/usage_minutes.sql."""

    minute = models.DateTimeField(primary_key=True)
    requests = models.BigIntegerField()
    failed = models.BigIntegerField()
    tokens_in = models.BigIntegerField()
    tokens_out = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M}: {self.requests} requests"
