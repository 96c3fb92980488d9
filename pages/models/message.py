"""One message of a conversation: a question or an answer."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from pages.models.conversation import Conversation


class Role(models.TextChoices):
    """Who speaks."""

    USER = "user", _("Person")
    ASSISTANT = "assistant", _("Model")


class State(models.TextChoices):
    """How far an answer is; a question is done."""

    RUNNING = "running", _("Being answered")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Stopped")
    FAILED = "failed", _("Failed")


class Message(models.Model):
    """Siblings, that is messages with the same parent, are versions: of a question when edited, of an answer when asked
    for again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    role = models.CharField(max_length=9, choices=Role.choices)
    text = models.TextField(blank=True)
    # [{"kind": "image", "name", "url": data URL}, {"kind": "file", "name", "text"}]
    attachments = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.DONE)
    error = models.TextField(blank=True, help_text=_("Why it failed, in a sentence."))
    # Of answers: who gave it, with what, and how fast.
    model = models.CharField(max_length=100, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    finish_reason = models.CharField(max_length=20, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    ttft_ms = models.FloatField(null=True)
    tokens_per_second = models.FloatField(null=True)
    # Of a running answer: who gives it writes it every few seconds, so that an old one means that nobody does any more.
    kept_at = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index("conversation", "created_at", name="messages_of_a_conversation")]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def can_go_on(self) -> bool:
        """Whether it is an answer that was cut: by a person, by its limit of tokens, or by a failure."""
        at_limit = self.state == State.DONE and self.finish_reason == "length"
        cut = at_limit or self.state in {State.STOPPED, State.FAILED}
        return cut and self.role == Role.ASSISTANT and bool(self.text)
