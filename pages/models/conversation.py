"""Conversations: trees of messages, of which a page shows one path."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """Where a conversation belongs."""

    CHAT = "chat", _("Chat")
    LANE = "lane", _("One side of a comparison or a battle")


class Conversation(models.Model):
    """A person's talk with models. Messages form a tree; `leaf` is the end of the path that was looked at last."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    kind = models.CharField(max_length=4, choices=Kind.choices, default=Kind.CHAT)
    # Lanes of one comparison have the same.
    comparison = models.UUIDField(null=True, editable=False)
    title = models.CharField(max_length=200, blank=True, help_text=_("Empty: the first question."))
    model = models.CharField(max_length=100, blank=True, help_text=_("The name of the model that answers next."))
    system = models.TextField(blank=True, help_text=_("What the model is told before the first message."))
    # As in the API: temperature, top_p, top_k, max_tokens, seed, penalties, stop, response_format.
    parameters = models.JSONField(default=dict, blank=True)
    leaf = models.ForeignKey("pages.Message", on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    # Who knows the token may read the path that ends in `shared_leaf`.
    share_token = models.CharField(max_length=43, null=True, unique=True, editable=False)  # noqa: DJ001 - unique
    shared_leaf = models.ForeignKey(
        "pages.Message", on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    # So many characters of that last message were there; null: all that it has, since it was still being given.
    shared_characters = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-changed_at"]
        indexes = [
            models.Index(fields=["owner", "-changed_at"], name="conversations_of_a_person", condition=Q(kind="chat")),
            models.Index(fields=["owner", "-created_at"], name="lanes_of_a_person", condition=Q(kind="lane")),
            models.Index("comparison", name="lanes_of_a_comparison", condition=Q(comparison__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title or "New chat"
