"""What the limits count. Only the functions in `sql/limits.sql` write here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from openai_api.models.limit import Limit


class LimitCounter(models.Model):
    """How far a limit is used up. Buckets hold what was left at `counted_at`; windows what their day and month took.

    Without a constraint in the database: a request that is counted must not wait for somebody who edits the limit.
    """

    limit = models.OneToOneField(
        Limit, on_delete=models.CASCADE, primary_key=True, db_constraint=False, related_name="counter"
    )
    counted_at = models.DateTimeField(null=True)
    requests_left = models.FloatField(null=True)
    tokens_left = models.FloatField(null=True)
    day = models.DateField(null=True, help_text=_("In the installation's time zone."))
    day_tokens = models.BigIntegerField(default=0)
    month_tokens = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"counter of limit {self.pk}"


class Reservation(models.Model):
    """A request that runs, once for each of its limits: a seat until `expires_at`, and tokens that may come back."""

    call = models.UUIDField()
    limit = models.ForeignKey(Limit, on_delete=models.CASCADE, db_constraint=False, related_name="reservations")
    tokens = models.BigIntegerField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "limit"], name="one_reservation_each")]

    def __str__(self) -> str:
        return f"{self.call}: {self.tokens} tokens of limit {self.limit_id}"
