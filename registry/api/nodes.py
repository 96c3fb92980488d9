"""/api/v1/nodes and /api/v1/devices: machines with an agent, and what of them can be claimed."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from registry import desired
from registry.api.access import actor
from registry.api.base import Nothing, Strict, YardViews, flag
from registry.api.filters import Filters
from registry.models import Device, Node

FORCE = OpenApiParameter("force", bool, description="Give its workers up as lost; they are placed elsewhere.")


class NodeShown(serializers.ModelSerializer[Node]):
    """A machine with an agent."""

    class Meta:
        model = Node
        fields = (
            *("name", "hostname", "address", "labels", "cordoned", "drain_deadline", "lost_at", "left_at"),
            *("last_seen_at", "registered_at", "agent_version", "simulated", "disk_free_bytes", "disk_total_bytes"),
        )
        read_only_fields = fields


class DeviceShown(serializers.ModelSerializer[Device]):
    """A GPU, or the machine's CPU."""

    node = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    claimed_bytes = serializers.IntegerField(read_only=True, help_text="The sum of the claims of workers.")

    class Meta:
        model = Device
        fields = (
            *("id", "node", "index", "kind", "name", "uuid", "present", "simulated", "quarantine", "quarantined_at"),
            *("memory_total_bytes", "memory_used_bytes", "claimed_bytes", "foreign_bytes"),
            *("utilization_percent", "temperature_c", "power_w", "observed_at"),
        )
        read_only_fields = fields


class Drain(Strict):
    """How long what runs may go on."""

    timeout_s = serializers.FloatField(default=600.0, min_value=0, max_value=604_800)


class Labels(Strict):
    """Labels to set; null takes one away, and those that are not named stay."""

    labels = serializers.DictField(child=serializers.CharField(allow_null=True, allow_blank=True, max_length=63))


class NodeFilter(Filters):
    """By what was ordered of it."""

    cordoned = filters.BooleanFilter()
    simulated = filters.BooleanFilter()


class DeviceFilter(Filters):
    """By its node and kind."""

    node = filters.CharFilter(field_name="node__name")
    kind = filters.ChoiceFilter(choices=Device.Kind.choices)
    present = filters.BooleanFilter()


class NodeViews(YardViews[Node]):
    """Nodes. Agents write them; operators say whether they may have workers."""

    queryset = Node.objects.all()
    serializer_class = NodeShown
    filterset_class = NodeFilter
    ordering_fields = ("name", "registered_at", "last_seen_at")
    lookup_value_regex = r"[a-z0-9][a-z0-9-]{0,39}"

    @extend_schema(summary="List nodes")
    def list(self, request: Request) -> Response:
        """Every machine that has joined."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(NodeShown(page, many=True).data)

    @extend_schema(summary="One node")
    def retrieve(self, request: Request, name: str) -> Response:
        """One machine."""
        return Response(self.shown(self.get_object()))

    @extend_schema(summary="Cordon", request=Nothing, responses=NodeShown)
    @action(detail=True, methods=["post"])
    def cordon(self, request: Request, name: str) -> Response:
        """It gets no new workers; what runs there goes on."""
        return self._cordon(cordoned=True)

    @extend_schema(summary="Uncordon", request=Nothing, responses=NodeShown)
    @action(detail=True, methods=["post"])
    def uncordon(self, request: Request, name: str) -> Response:
        """It gets new workers again. This also ends a drain."""
        return self._cordon(cordoned=False)

    @extend_schema(summary="Drain", request=Drain, responses=NodeShown)
    @action(detail=True, methods=["post"])
    def drain(self, request: Request, name: str) -> Response:
        """Its replicas move elsewhere where they fit, and what still runs at the deadline is stopped."""
        node = self.get_object()
        desired.drain(node, timeout_s=self.body(Drain)["timeout_s"], actor=actor(request))
        return self._again(node)

    @extend_schema(summary="Label", request=Labels, responses=NodeShown)
    @action(detail=True, methods=["post"])
    def label(self, request: Request, name: str) -> Response:
        """Deployments choose nodes by labels when a worker is placed; what runs stays where it is."""
        node = self.get_object()
        desired.label(node, self.body(Labels)["labels"], actor=actor(request))
        return self._again(node)

    @extend_schema(summary="Remove a node", parameters=[FORCE], responses={204: None})
    @transaction.atomic
    def destroy(self, request: Request, name: str) -> Response:
        """Forgets a machine that is gone for good. Refused while its agent runs or workers may."""
        desired.remove_node(self.locked(), actor=actor(request), force=flag(request, "force"))
        return Response(status=204)

    def _cordon(self, *, cordoned: bool) -> Response:
        self.body(Nothing)
        node = self.get_object()
        desired.cordon(node, cordoned=cordoned, actor=actor(self.request))
        return self._again(node)

    def _again(self, node: Node) -> Response:
        return Response(self.shown(Node.objects.get(pk=node.pk)))


class DeviceViews(YardViews[Device]):
    """Devices, which agents observe."""

    queryset = Device.objects.select_related("node").annotate(claimed_bytes=Coalesce(Sum("claims__bytes"), 0))
    serializer_class = DeviceShown
    filterset_class = DeviceFilter
    ordering_fields = ("id", "index", "memory_total_bytes", "memory_used_bytes")
    lookup_field = "id"
    lookup_value_regex = "[0-9]{1,15}"

    @extend_schema(summary="List devices")
    def list(self, request: Request) -> Response:
        """Every device of every node."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset().order_by("node__name", "index")))
        return self.get_paginated_response(DeviceShown(page or [], many=True).data)

    @extend_schema(summary="One device")
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One device."""
        return Response(self.shown(self.get_object()))
