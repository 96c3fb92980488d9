"""/api/v1/usage: what was asked and what it took, one's own or everybody's for whom may see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from openai_api.api.authentication import GroupAsUser
from openai_api.models import Usage
from openai_api.usage.totals import GROUPS, altogether, totals
from registry.api.base import YardViews
from registry.api.filters import Filters, refuse_strange
from registry.api.paging import Timeline

SEE_ALL = "openai_api.view_usage"
DEFAULT_SPAN = timedelta(days=30)
BY = OpenApiParameter("by", str, enum=tuple(GROUPS), default="model", description="What has a line each.")


class ByTime(Timeline):
    """The newest request first."""

    ordering: Any = ("-began_at", "-id")


class UsageShown(serializers.ModelSerializer[Usage]):
    """One request."""

    class Meta:
        model = Usage
        fields = "__all__"
        read_only_fields = tuple(field.name for field in Usage._meta.fields)


class TotalShown(serializers.Serializer[Any]):
    """Sums of requests; what was measured is of streams that came to their end, on average."""

    requests = serializers.IntegerField()
    failed = serializers.IntegerField()
    aborted = serializers.IntegerField(help_text="The client left.")
    tokens_in = serializers.IntegerField()
    tokens_out = serializers.IntegerField()
    cached = serializers.IntegerField(help_text="Of the tokens that came in.")
    ttft_s = serializers.FloatField(allow_null=True, help_text="Seconds to the first token.")
    tokens_per_second = serializers.FloatField(allow_null=True, help_text="Of one stream, once it speaks.")


class LineShown(serializers.Serializer[Any]):
    """What one model, key, user, group or day took."""

    name = serializers.CharField()
    total = TotalShown()


class SummaryShown(serializers.Serializer[Any]):
    """A line each, and all together."""

    by = serializers.ChoiceField(choices=tuple(GROUPS))
    since = serializers.DateTimeField(help_text="Requests that began then or later.")
    results = LineShown(many=True)
    total = TotalShown()


class UsageFilter(Filters):
    """By model, by who asked, and by time."""

    model = filters.CharFilter()
    endpoint = filters.CharFilter()
    key_id = filters.NumberFilter(max_value=2**63 - 1)
    user = filters.CharFilter(field_name="username")
    group = filters.CharFilter(field_name="group_name")
    status = filters.NumberFilter(max_value=999)
    since = filters.IsoDateTimeFilter(field_name="began_at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="began_at", lookup_expr="lt")


class UsageViews(YardViews[Usage]):
    """Usage, which the gateway writes."""

    queryset = Usage.objects.all()
    serializer_class = UsageShown
    filterset_class = UsageFilter
    pagination_class = ByTime
    ordering_fields: tuple[str, ...] = ()
    lookup_field = "id"
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    permissions = {"list": "", "retrieve": "", "summary": ""}  # everybody their own

    def get_queryset(self) -> QuerySet[Usage]:
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        asker: Any = self.request.user
        if asker.has_perm(SEE_ALL):
            return rows
        return rows.filter(Q(group_id=asker.group.pk) if isinstance(asker, GroupAsUser) else Q(user_id=asker.pk))

    @extend_schema(summary="List usage")
    def list(self, request: Request) -> Response:
        """One's own requests; everybody's with the permission openai_api.view_usage."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(UsageShown(page, many=True).data)

    @extend_schema(summary="One request")
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """What it took."""
        return Response(self.shown(self.get_object()))

    @extend_schema(summary="Sums of usage", parameters=[BY], filters=True, responses=SummaryShown)
    @action(detail=False, methods=["get"], pagination_class=None)
    def summary(self, request: Request) -> Response:
        """A line for each model, key, user, group or day, of the last 30 days unless `since` says otherwise."""
        refuse_strange(request, self, known={"by"})
        by = request.query_params.get("by", "model")
        if by not in GROUPS:
            raise serializers.ValidationError({"by": f"Write one of {', '.join(GROUPS)}."})
        rows, since = self.filter_queryset(self.get_queryset()), _said_since(request)
        if since is None:
            since = timezone.now() - DEFAULT_SPAN
            rows = rows.filter(began_at__gte=since)
        lines = totals(rows, by)
        found = {"by": by, "since": since, "results": lines, "total": altogether(lines)}
        return Response(SummaryShown(found).data)


def _said_since(request: Request) -> datetime | None:
    """The filter, which was checked before."""
    said: datetime | None = IsoDateTimeField(required=False).clean(request.query_params.get("since"))
    return said
