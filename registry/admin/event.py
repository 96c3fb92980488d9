"""The timeline, read-only."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from registry.admin import marks
from registry.admin.base import ReadOnlyAdmin, display
from registry.admin.filters import ChoiceFilter, DeploymentFilter, SubjectFilter
from registry.models import Event
from registry.states import WorkerState


class StateFilter(ChoiceFilter):
    """By the state that a worker came to."""

    title = _("new state")
    parameter_name = "to"
    options: ClassVar[dict[str, Any]] = {state.value: state.label for state in WorkerState}

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(to_state=value)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Who did what to what, and why."""

    list_display = ("when", "actor", "subject", "change", "why", "revision_number")
    list_filter = (StateFilter, SubjectFilter, DeploymentFilter, "at")
    search_fields = ("subject", "actor", "reason")
    search_help_text = _("Subject, actor or reason")
    first_step = _(
        "Whatever anybody orders and whatever becomes of it is written down here: add a model and deploy it."
    )
    show_full_result_count = False  # the longest table: counted once a page, not twice
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("when", "actor"),
                    ("subject", "revision_number"),
                    "change",
                    "reason",
                    ("deployment", "worker"),
                )
            },
        ),
    )

    @display(description=_("At (UTC)"), ordering="id")
    def when(self, event: Event) -> SafeString:
        return marks.whole(f"{event.at:%Y-%m-%d %H:%M:%S}")

    @display(description=_("Change"), ordering="to_state")
    def change(self, event: Event) -> SafeString | str:
        return marks.change(event.from_state, event.to_state)

    @display(description=_("Revision"), ordering="revision", empty_value=marks.NOTHING)
    def revision_number(self, event: Event) -> str | None:
        return f"r{event.revision}" if event.revision else None

    @display(description=_("Reason"))
    def why(self, event: Event) -> SafeString | str:
        return marks.reason(event.reason)
