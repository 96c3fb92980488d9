"""Django's own history of edits, which is read in many languages and written in one."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import translation


class EnglishHistory:
    """For rows that are called by words, not by names alone: the history keeps what they were called."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        with translation.override("en"):
            return super().log_addition(request, obj, message)  # type: ignore[misc]  # mixed into an admin

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        with translation.override("en"):
            return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        with translation.override("en"):
            return super().log_deletions(request, queryset)  # type: ignore[misc]
