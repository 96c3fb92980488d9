"""Limits in the admin: whom they hold for, and what they allow."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from openai_api.limits import desired
from openai_api.models import Limit
from registry.admin.base import YardAdmin, actor, display
from registry.admin.history import EnglishHistory


class LimitForm(ModelForm):  # type: ignore[type-arg]  # Django's own is not subscriptable
    """A limit that limits something."""

    class Meta:
        help_texts: ClassVar[dict[str, str | Promise]] = {
            "key": _("For requests with this API key."),
            "user": _("For all requests of this person, with whatever key and on the pages."),
            "group": _("For everybody in this group together."),
            "model": _("Only for requests to this model; empty: to any."),
            "requests_per_minute": _("Requests that may begin within a minute; empty: any number."),
            "tokens_per_minute": _("Prompts and answers together; empty: any number."),
            "tokens_per_day": _("Prompts and answers together, from midnight; empty: any number."),
            "tokens_per_month": _("Prompts and answers together, from the first of the month; empty: any number."),
        }

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not self.errors and all(cleaned.get(name) is None for name in desired.CAPS):
            raise ValidationError(gettext("Fill in at least one number: a limit without any limits nothing."))
        return cleaned


@admin.register(Limit)
class LimitAdmin(EnglishHistory, YardAdmin):
    """Of several limits that hold for a request, each must be kept."""

    form = LimitForm
    list_display = ("__str__", "kind", *desired.CAPS)
    list_select_related = ("key", "user", "group", "model")
    list_filter = ("user", "group", "model")
    search_fields = ("key__name", "user__username", "group__name", "model__name")
    autocomplete_fields = ("key", "user")
    first_step = _("Whoever has a key or an account may ask as much as the machines give. Add a limit to change that.")
    fieldsets = (
        (
            _("Whose"),
            {
                "fields": ("key", "user", "group", "model"),
                "description": _(
                    "One of key, user and group, or none for everybody together; "
                    "with a model it is about requests to that model only."
                ),
            },
        ),
        (_("Rates"), {"fields": ("requests_per_minute", "tokens_per_minute", "concurrent")}),
        (_("Budgets"), {"fields": ("tokens_per_day", "tokens_per_month")}),
        (_("One request"), {"fields": ("max_context", "max_output", "priority")}),
    )

    @display(description=_("Of"))
    def kind(self, limit: Limit) -> str:
        words = {"key": gettext("key"), "user": gettext("user"), "group": gettext("group")}
        return next((words[name] for name in words if getattr(limit, f"{name}_id")), gettext("everybody"))

    def save_model(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, obj: Limit, form: ModelForm[Limit], change: bool
    ) -> None:
        desired.save(obj, actor=actor(request))

    def delete_model(self, request: HttpRequest, obj: Limit) -> None:
        desired.remove([obj], actor=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Limit]) -> None:
        desired.remove(queryset, actor=actor(request))
