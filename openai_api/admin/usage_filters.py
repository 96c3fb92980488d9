"""Filters of usage: each is by what the table has an index for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from openai_api.usage.narrowing import of_key, of_user
from openai_api.usage.totals import ANSWERED, CLIENT_LEFT
from registry.admin.filters import ChoiceFilter, TypedFilter

_MONTH, _DAY = "%Y-%m", "%Y-%m-%d"


class DayFilter(TypedFilter):
    """Requests that began on a day, or in a month, of the installation's time zone."""

    title = _("day")
    parameter_name = "day"
    placeholder = _("2026-11-21 or 2026-11")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        written = (self.value() or "").strip()
        if written and period(written) is None:
            words = gettext("“{day}” is no day: write 2026-11-21, or 2026-11 for the month.")
            messages.error(request, words.format(day=written[:20]))
        return super().queryset(request, queryset)

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        found = period(written)
        return queryset.none() if found is None else queryset.filter(began_at__gte=found[0], began_at__lt=found[1])


def period(written: str) -> tuple[datetime, datetime] | None:
    """The beginning of a day or a month, and of the next one; None when it is neither."""
    month = bool(re.fullmatch(r"\d{4}-\d\d", written))
    try:
        start = datetime.strptime(written, _MONTH if month else _DAY)  # noqa: DTZ007 - made aware below
        end = (start.replace(day=28) + timedelta(days=4)).replace(day=1) if month else start + timedelta(days=1)
        return timezone.make_aware(start), timezone.make_aware(end)
    except (ValueError, OverflowError):
        return None


class ModelFilter(TypedFilter):
    """Requests to a model."""

    title = _("model")
    parameter_name = "model"
    placeholder = _("its own name")

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        return queryset.filter(model=written)


class UserFilter(TypedFilter):
    """Requests of a person."""

    title = _("user")
    parameter_name = "user"
    placeholder = _("name")

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        return of_user(queryset, written)


class KeyFilter(TypedFilter):
    """Requests with a key."""

    title = _("key")
    parameter_name = "key"
    placeholder = _("name, first characters or id")

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        return of_key(queryset, written)


class RequestFilter(TypedFilter):
    """The request that an answer's header names."""

    title = _("request")
    parameter_name = "request_id"
    placeholder = "X-Request-Id"

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        return queryset.filter(request_id=written)


class OutcomeFilter(ChoiceFilter):
    """By how requests ended."""

    title = _("outcome")
    parameter_name = "outcome"
    options = {"answered": _("Answered"), "failed": _("Failed"), "aborted": _("Client left")}

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "answered":
            return queryset.filter(status=ANSWERED)
        left = Q(status=CLIENT_LEFT)
        # The first condition is the index's own.
        return queryset.filter(~Q(status=ANSWERED)).filter(left if value == "aborted" else ~left)
