"""/api/v1/workers: what does run. Machines write these rows, so they are only read here."""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from registry import logs
from registry.api.base import YardViews
from registry.api.filters import Filters
from registry.models import Claim, Worker
from registry.states import ACTIVE

MOST_LINES = 1_000


class ClaimShown(serializers.ModelSerializer[Claim]):
    """Bytes of a device that the worker holds."""

    device = serializers.StringRelatedField[Any](help_text="node:index")

    class Meta:
        model = Claim
        fields = ("device", "bytes")


class WorkerShown(serializers.ModelSerializer[Worker]):
    """One launch of one replica."""

    deployment = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    node = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)
    revision = serializers.IntegerField(source="revision.number", read_only=True)
    replaces = serializers.UUIDField(source="replaces.launch_id", read_only=True, allow_null=True, default=None)
    claims = ClaimShown(many=True, read_only=True)

    class Meta:
        model = Worker
        fields = (
            *("launch_id", "deployment", "replica", "revision", "replaces", "node", "claims"),
            *("state", "order", "reason", "cause", "hint", "attempt", "progress", "detail"),
            *("created_at", "state_changed_at", "ready_at", "heartbeat_at", "ended_at"),
            *("pid", "exit_code", "exit_note", "capabilities", "context_length"),
            *("in_flight", "requests_total", "tokens_total", "tokens_per_second", "memory_bytes", "memory_peak_bytes"),
        )
        read_only_fields = fields


class LogShown(serializers.Serializer[Any]):
    """The end of a log; `note` says why there is none."""

    text = serializers.CharField()
    note = serializers.CharField()


class WorkerFilter(Filters):
    """By what it belongs to and what it does."""

    deployment = filters.CharFilter(field_name="deployment__name")
    node = filters.CharFilter(field_name="node__name")
    state = filters.CharFilter()
    active = filters.BooleanFilter(method="only_active", help_text="Only those that are not over, or only those.")

    def only_active(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.filter(state__in=ACTIVE) if value else queryset.exclude(state__in=ACTIVE)


class WorkerViews(YardViews[Worker]):
    """Workers, the newest launch first."""

    queryset = (
        Worker.objects.select_related("deployment", "node", "revision", "replaces")
        .prefetch_related("claims__device__node")
        .defer("replaces__log_tail")
    )
    serializer_class = WorkerShown
    filterset_class = WorkerFilter
    ordering_fields = ("created_at", "state", "replica")
    lookup_field = "launch_id"
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    @extend_schema(summary="List workers")
    def list(self, request: Request) -> Response:
        """Every launch, also those that are over."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset().defer("log_tail"))) or []
        return self.get_paginated_response(WorkerShown(page, many=True).data)

    @extend_schema(summary="One worker")
    def retrieve(self, request: Request, launch_id: str) -> Response:
        """One launch."""
        return Response(self.shown(self.get_object()))

    @extend_schema(
        summary="The end of its log", parameters=[OpenApiParameter("lines", int, default=200)], responses=LogShown
    )
    @action(detail=True, methods=["get"])
    def log(self, request: Request, launch_id: str) -> Response:
        """The newest lines, from the file, from the worker on another machine, or what was kept of them."""
        said = serializers.IntegerField(min_value=1, max_value=MOST_LINES)
        lines = said.run_validation(request.query_params.get("lines", 200))
        found = logs.last_lines(self.get_object(), lines)
        return Response({"text": found.text, "note": found.note})
