"""Battles of two models, and who takes part in them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pages.models.conversation import Conversation


class Vote(models.TextChoices):
    """What a person said of two answers."""

    A = "a", _("A is better")
    B = "b", _("B is better")
    TIE = "tie", _("Tie")
    BAD = "bad", _("Both are bad")


class Battle(models.Model):
    """Two models that answer the same questions, and at most one vote. Names are kept as they were."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="battles")
    blind = models.BooleanField(default=True, help_text=_("The names were hidden until the vote."))
    lane_a = models.ForeignKey(Conversation, on_delete=models.SET_NULL, null=True, related_name="+")
    lane_b = models.ForeignKey(Conversation, on_delete=models.SET_NULL, null=True, related_name="+")
    model_a = models.CharField(max_length=100)
    model_b = models.CharField(max_length=100)
    language = models.CharField(max_length=8, blank=True, help_text=_("Of the first question, such as en or zh."))
    rounds = models.PositiveSmallIntegerField(default=0, help_text=_("Questions that both were asked before the vote."))
    vote = models.CharField(max_length=3, choices=Vote.choices, blank=True)
    set_aside = models.CharField(
        max_length=100, blank=True, help_text=_("Why the vote does not count; empty: it does.")
    )
    flagged = models.CharField(max_length=500, blank=True, help_text=_("What a person complained of."))
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    voted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index("voted_at", name="votes_by_time", condition=~Q(vote="")),
            models.Index(fields=["owner", "-started_at"], name="battles_of_a_person"),
            models.Index(fields=["-started_at"], name="battles_by_time"),
        ]

    def __str__(self) -> str:
        return gettext("{first} and {second}").format(first=self.model_a, second=self.model_b)


class Tally(models.Model):
    """How often two models met and how it ended, votes that count. Kept with each by a trigger: pages/sql/tally.sql."""

    blind = models.BooleanField()
    first = models.CharField(max_length=100, help_text=_("The one whose name sorts first."))
    second = models.CharField(max_length=100)
    halves = models.PositiveSmallIntegerField(help_text=_("Halves of a win of the first: 2, 1 for a tie, or 0."))
    language = models.CharField(max_length=8, blank=True)
    votes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["blind", "first", "second", "halves", "language"], name="one_tally"),
        ]

    def __str__(self) -> str:
        return f"{self.first} and {self.second}: {self.votes}"


class Contestant(models.Model):
    """How often a model is drawn. Ready models that are not listed are drawn with weight 1."""

    model = models.CharField(max_length=100, unique=True, help_text=_("The model's name."))
    weight = models.FloatField(
        default=1.0, validators=[MinValueValidator(0.0)], help_text=_("Compared with 1 for others; 0: never drawn.")
    )

    class Meta:
        ordering = ["model"]

    def __str__(self) -> str:
        return self.model


class Pairing(models.Model):
    """How often two models meet, beside their own weights."""

    first = models.CharField(max_length=100, help_text=_("The name of one model."))
    second = models.CharField(max_length=100, help_text=_("The name of the other."))
    weight = models.FloatField(
        default=1.0, validators=[MinValueValidator(0.0)], help_text=_("Compared with 1 for other pairs; 0: never.")
    )

    class Meta:
        ordering = ["first", "second"]
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="one_weight_a_pair")]

    def __str__(self) -> str:
        return gettext("{first} and {second}").format(first=self.first, second=self.second)
