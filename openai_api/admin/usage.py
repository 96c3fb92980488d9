"""Usage in the admin: who used what and how fast it came, with sums and as a file. Nobody edits it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.paginator import InfinitePaginator

from openai_api.admin.traffic import traffic_part
from openai_api.admin.usage_filters import (
    DayFilter,
    KeyFilter,
    ModelFilter,
    OutcomeFilter,
    RequestFilter,
    UserFilter,
)
from openai_api.models import Usage
from openai_api.usage.export import written
from openai_api.usage.totals import ANSWERED, CLIENT_LEFT, GROUPS, altogether, totals
from registry.admin import live, marks
from registry.admin.base import ReadOnlyAdmin, display
from registry.models import Worker

# Sums are of so many days unless a filter says which.
RECENT = timedelta(days=30)
LINES = 50
# What sums are by: the head of the column, and the link to it.
BY = {
    "model": (_("Model"), _("by model")),
    "key": (_("Key"), _("by key")),
    "user": (_("User"), _("by user")),
    "group": (_("Group"), _("by group")),
    "day": (_("Day"), _("by day")),
}


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    """The longest table: its rows are never counted, and sorted by time alone."""

    list_display = ("when", "model", "who", "key_name", "outcome", "tokens", "first_token", "speed", "took")
    list_display_links = ("when",)
    list_filter = (DayFilter, ModelFilter, UserFilter, KeyFilter, OutcomeFilter, RequestFilter, "began_at")
    sortable_by = ("when",)
    first_step = _("Each request becomes a line: ask a model in the chat, on its own page, or with a key at /v1.")
    paginator = InfinitePaginator
    show_full_result_count = False
    list_before_template = "openai_api/usage_top.html"
    fieldsets = (
        (
            None,
            {"fields": ("request_id", ("when", "streamed"), ("endpoint", "model"), ("outcome", "error"), "worker")},
        ),
        (_("Who"), {"fields": (("username", "key_name"), ("group_name", "client"))}),
        (_("Tokens"), {"fields": (("prompt_tokens", "completion_tokens"), ("cached_tokens", "exact"))}),
        (_("Time"), {"fields": (("queued", "first_token"), ("speed", "took"))}),
    )

    def get_urls(self) -> list[Any]:
        site = self.admin_site
        return [
            path("totals/<slug:by>/", site.admin_view(self.totals_view), name="openai_api_usage_totals"),
            path("traffic/", live.view(site, traffic_part), name="openai_api_usage_traffic"),
            path("export/", site.admin_view(self.export_view), name="openai_api_usage_export"),
            *super().get_urls(),
        ]

    def totals_view(self, request: HttpRequest, by: str) -> HttpResponse:
        """The part of the list's page with the sums of what its filters leave."""
        rows = self._rows(request)
        if by not in GROUPS:
            raise Http404
        bounded = any(name == "day" or name.startswith("began_at") for name in request.GET)
        if not bounded:
            rows = rows.filter(began_at__gte=timezone.now() - RECENT)
        context = {
            "head": BY[by][0],
            "groups": {name: BY[name][1] for name in GROUPS},
            "bounded": bounded,
            "days": RECENT.days,
            "query": request.GET.urlencode(),
        }
        try:
            lines = totals(rows, by)
        except OperationalError:  # the database's own deadline
            return TemplateResponse(request, "openai_api/usage_totals.html", context | {"too_many": True})
        context |= {"lines": lines[:LINES], "more": max(0, len(lines) - LINES), "sum": altogether(lines)}
        return TemplateResponse(request, "openai_api/usage_totals.html", context)

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """The rows that the filters leave, as a file."""
        name = f"usage-{timezone.now():%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store, private"}
        return StreamingHttpResponse(written(self._rows(request)), content_type="text/csv", headers=headers)

    def _rows(self, request: HttpRequest) -> QuerySet[Usage]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows: QuerySet[Usage] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            raise BadRequest(gettext("No such filter.")) from None
        return rows

    @display(description=_("At"), ordering="began_at")
    def when(self, usage: Usage) -> SafeString:
        return marks.whole(f"{timezone.localtime(usage.began_at):%Y-%m-%d %H:%M:%S}")

    @display(description=_("User"), empty_value=marks.NOTHING)
    def who(self, usage: Usage) -> str | None:
        return usage.username or (gettext("group {name}").format(name=usage.group_name) if usage.group_name else None)

    @display(description=_("Outcome"))
    def outcome(self, usage: Usage) -> SafeString:
        if usage.status == ANSWERED and not usage.error:
            return marks.dot("success", usage.finish or gettext("answered"))
        if usage.status == CLIENT_LEFT:
            return marks.dot("default", gettext("client left"))
        return marks.dot("danger", f"{usage.status} {usage.error}")

    @display(description=_("Tokens in → out"))
    def tokens(self, usage: Usage) -> SafeString:
        cached = gettext(" ({count} cached)").format(count=f"{usage.cached_tokens:,}") if usage.cached_tokens else ""
        figures = f"{usage.prompt_tokens:,}{cached} → {usage.completion_tokens:,}"
        return marks.whole(figures if usage.exact else gettext("about {figures}").format(figures=figures))

    @display(description=_("First token"), empty_value=marks.NOTHING)
    def first_token(self, usage: Usage) -> str | None:
        return None if usage.ttft_ms is None else _seconds(usage.ttft_ms)

    @display(description=_("Tokens/s"), empty_value=marks.NOTHING)
    def speed(self, usage: Usage) -> str | None:
        spoken_ms = usage.duration_ms - (usage.ttft_ms or usage.queued_ms)
        if usage.completion_tokens < 2 or spoken_ms <= 0:
            return None
        return f"{usage.completion_tokens / spoken_ms * 1000:.1f}"

    @display(description=_("Took"))
    def took(self, usage: Usage) -> str:
        return _seconds(usage.duration_ms)

    @display(description=_("Waited for a replica"))
    def queued(self, usage: Usage) -> str:
        return _seconds(usage.queued_ms)

    @display(description=_("Worker"))
    def worker(self, usage: Usage) -> SafeString | str:
        found = Worker.objects.filter(launch_id=usage.launch_id).first() if usage.launch_id else None
        return marks.link(found) if found else str(usage.launch_id or marks.NOTHING)


def _seconds(milliseconds: float) -> str:
    if milliseconds < 1000:
        return gettext("{milliseconds} ms").format(milliseconds=f"{milliseconds:.0f}")
    return gettext("{seconds} s").format(seconds=f"{milliseconds / 1000:.2f}")
