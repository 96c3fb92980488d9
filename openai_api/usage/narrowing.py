"""Rows of usage by what people write: names of keys and of people, also of those that are gone."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from openai_api.models import ApiKey, Usage

LARGEST = 2**63  # of a key's id


def of_key(rows: QuerySet[Usage], written: str) -> QuerySet[Usage]:
    """By a key's name, its id, or its first characters as lists show them."""
    by_id = int(written) if written.isdecimal() and int(written) < LARGEST else None
    wanted = Q(name=written) | Q(prefix=written.rstrip("…")) | Q(pk=by_id)
    # Numbers first: these have an index. Of a key that was deleted the rows have its name still.
    known = list(ApiKey.objects.filter(wanted).values_list("pk", flat=True))
    return rows.filter(key_id__in=known) if known else rows.filter(Q(key_name=written) | Q(key_id=by_id or 0))


def of_user(rows: QuerySet[Usage], written: str) -> QuerySet[Usage]:
    """By a person's name."""
    known = User.objects.filter(username=written).values_list("pk", flat=True).first()
    return rows.filter(username=written) if known is None else rows.filter(user_id=known)
