"""/api/v1/events: the timeline, with who did what and why."""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.base import YardViews
from registry.api.filters import Filters
from registry.api.paging import Timeline
from registry.models import Event


class EventShown(serializers.ModelSerializer[Event]):
    """One line."""

    deployment = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)
    launch_id = serializers.UUIDField(source="worker.launch_id", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Event
        fields = (
            *("id", "at", "actor", "subject", "reason", "from_state", "to_state", "revision", "deployment"),
            "launch_id",
        )
        read_only_fields = fields


class EventFilter(Filters):
    """By what, who and when."""

    deployment = filters.CharFilter(field_name="deployment__name")
    subject = filters.CharFilter()
    actor = filters.CharFilter()
    to_state = filters.CharFilter()
    after_id = filters.NumberFilter(
        field_name="id", lookup_expr="gt", max_value=2**63 - 1, help_text="Only lines after the one with this id."
    )
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")


class EventViews(YardViews[Event]):
    """The timeline, the newest line first."""

    queryset = Event.objects.select_related("deployment", "worker").defer("worker__log_tail")
    serializer_class = EventShown
    filterset_class = EventFilter
    pagination_class = Timeline
    ordering_fields: tuple[str, ...] = ()
    lookup_field = "id"
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(summary="List events")
    def list(self, request: Request) -> Response:
        """The newest first, in parts, without a total."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(EventShown(page, many=True).data)

    @extend_schema(summary="One event")
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One line of the timeline."""
        return Response(self.shown(self.get_object()))
