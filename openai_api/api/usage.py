"""/api/v1/usage: what was asked and what it took, one's own or everybody's for whom may see it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from openai_api.api.authentication import GroupAsUser
from openai_api.models import Usage
from registry.api.base import YardViews
from registry.api.filters import Filters
from registry.api.paging import Timeline

SEE_ALL = "openai_api.view_usage"


class ByTime(Timeline):
    """The newest request first."""

    ordering: Any = ("-began_at", "-id")


class UsageShown(serializers.ModelSerializer[Usage]):
    """One request."""

    class Meta:
        model = Usage
        fields = "__all__"
        read_only_fields = tuple(field.name for field in Usage._meta.fields)


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
    permissions = {"list": "", "retrieve": ""}  # everybody their own

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
