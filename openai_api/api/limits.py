"""/api/v1/limits: how much a key, a person, a group or everybody may ask."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from openai_api.api.authentication import GroupAsUser
from openai_api.limits import desired
from openai_api.models import ApiKey, Limit
from openai_api.models.limit import WHOSE
from registry.api.access import actor
from registry.api.base import Strict, YardViews
from registry.api.errors import Conflict
from registry.api.filters import Filters
from registry.models import Model

SEE_ALL = "openai_api.view_limit"


class LimitShown(serializers.ModelSerializer[Limit]):
    """Whom it is about, by the key's id and by names, and what it allows; null limits nothing."""

    user = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)
    group = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)
    model = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)

    class Meta:
        model = Limit
        fields = ("id", *WHOSE, *desired.CAPS)
        read_only_fields = fields


class LimitEdit(Strict, serializers.ModelSerializer[Limit]):
    """What it allows from now on; null takes a number away. At least one has to stay."""

    class Meta:
        model = Limit
        fields: tuple[str, ...] = desired.CAPS


class LimitNew(LimitEdit):
    """A limit to set, of a key, a user or a group; or of a model alone: of everybody's requests to it."""

    key = serializers.PrimaryKeyRelatedField[Any](queryset=ApiKey.objects.filter(revoked_at=None), required=False)
    user = serializers.SlugRelatedField[Any](
        slug_field="username", queryset=get_user_model().objects.all(), required=False
    )
    group = serializers.SlugRelatedField[Any](slug_field="name", queryset=Group.objects.all(), required=False)
    model = serializers.SlugRelatedField[Any](slug_field="name", queryset=Model.objects.all(), required=False)

    class Meta(LimitEdit.Meta):
        fields = (*WHOSE, *desired.CAPS)
        validators: tuple[Any, ...] = ()  # that there is one already is a conflict, which the view answers


class LimitFilter(Filters):
    """By whom it is about."""

    key = filters.NumberFilter(field_name="key_id", max_value=2**63 - 1)
    user = filters.CharFilter(field_name="user__username")
    group = filters.CharFilter(field_name="group__name")
    model = filters.CharFilter(field_name="model__name")


class LimitViews(YardViews[Limit]):
    """Limits. Of several that hold for a request, each must be kept."""

    queryset = Limit.objects.select_related(*WHOSE)
    serializer_class = LimitShown
    filterset_class = LimitFilter
    ordering_fields = ("id", *desired.CAPS)
    lookup_field = "id"
    lookup_value_regex = "[0-9]{1,18}"
    permissions = {"list": "", "retrieve": ""}  # everybody those that hold for them

    def get_queryset(self) -> QuerySet[Limit]:
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        reads = self.action in {"list", "retrieve"}
        return rows.filter(_hold_for(self.request.user)) if reads and not self.request.user.has_perm(SEE_ALL) else rows

    @extend_schema(summary="List limits")
    def list(self, request: Request) -> Response:
        """Those that hold for oneself; all with the permission openai_api.view_limit."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(LimitShown(page, many=True).data)

    @extend_schema(summary="One limit")
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Its ETag goes into If-Match of an edit."""
        return Response(self.shown(self.get_object()))

    @extend_schema(summary="Set a limit", request=LimitNew, responses={201: LimitShown})
    @transaction.atomic
    def create(self, request: Request) -> Response:
        """Every web process follows within a second."""
        said = self.body(LimitNew)
        whose = {name: said.get(name) for name in WHOSE}
        # Of several who set the same at once each looks when the one before is done.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('modelyard limit'))")
        if there := Limit.objects.filter(**whose).first():
            raise Conflict(f"There is a limit of {there} already: edit /api/v1/limits/{there.pk}.")
        limit = Limit(**said)
        desired.save(limit, actor=actor(request))
        return Response(self._again(limit), status=201)

    @extend_schema(summary="Edit a limit", request=LimitEdit, responses=LimitShown)
    @transaction.atomic
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """What is not named stays as it is. Whom it is about stays too."""
        limit = self.locked()
        for name, cap in self.body(LimitEdit, partial=True).items():
            setattr(limit, name, cap)
        desired.save(limit, actor=actor(request))
        return Response(self._again(limit))

    @extend_schema(summary="Remove a limit", responses={204: None})
    @transaction.atomic
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """With what it counted."""
        desired.remove([self.locked()], actor=actor(request))
        return Response(status=204)

    def _again(self, limit: Limit) -> dict[str, Any]:
        return self.shown(super().get_queryset().get(pk=limit.pk))


def _hold_for(asker: Any) -> Q:
    """Limits that somebody's requests are counted by."""
    if isinstance(asker, GroupAsUser):
        mine = Q(group=asker.group) | Q(key__group=asker.group)
    else:
        mine = Q(user_id=asker.pk) | Q(key__user_id=asker.pk) | Q(group__in=asker.groups.all())
    return mine | Q(key=None, user=None, group=None)
