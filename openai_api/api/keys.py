"""/api/v1/keys: one's own API keys, or everybody's for whom may see them. A secret is shown once, where it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from openai_api import keys
from openai_api.api.authentication import Grant, GroupAsUser
from openai_api.lineage import excess, out_of_reach
from openai_api.models import ApiKey, Scope
from registry.api.access import actor
from registry.api.base import Nothing, Strict, YardViews
from registry.api.filters import Filters

SEE_ALL, CHANGE_ALL = "openai_api.view_apikey", "openai_api.change_apikey"


class KeyShown(serializers.ModelSerializer[ApiKey]):
    """A key without its secret, which is stored nowhere."""

    user = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)
    group = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), read_only=True)

    class Meta:
        model = ApiKey
        fields = (
            *("id", "name", "prefix", "user", "group", "scopes", "allowed_models", "replaces", "parent"),
            *("created_at", "last_used_at", "expires_at", "revoked_at"),
        )
        read_only_fields = fields


class KeyMade(KeyShown):
    """A key that was made just now. Keep the secret: nobody can show it again."""

    secret = serializers.CharField(read_only=True)

    class Meta(KeyShown.Meta):
        fields = (*KeyShown.Meta.fields, "secret")  # type: ignore[assignment]  # one more


class KeyNew(Strict):
    """A key to make; without `user` and `group` it is one's own."""

    name = serializers.CharField(max_length=100)
    user = serializers.SlugRelatedField[Any](
        slug_field="username", queryset=get_user_model().objects.filter(is_active=True), required=False
    )
    group = serializers.SlugRelatedField[Any](slug_field="name", queryset=Group.objects.all(), required=False)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), default=[Scope.INFERENCE.value], min_length=1
    )
    allowed_models = serializers.ListField(child=serializers.CharField(max_length=100), default=[], max_length=1000)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)


class KeyEdit(Strict):
    """What can be said of a key; its owner and its secret stay."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), min_length=1)
    allowed_models = serializers.ListField(child=serializers.CharField(max_length=100), max_length=1000)
    expires_at = serializers.DateTimeField(allow_null=True)


class Rotate(Strict):
    """How long the old secret works beside the new one."""

    overlap_s = serializers.FloatField(default=keys.OVERLAP.total_seconds(), min_value=0, max_value=30 * 86_400)


class KeyFilter(Filters):
    """By owner and by whether it is revoked."""

    user = filters.CharFilter(field_name="user__username")
    group = filters.CharFilter(field_name="group__name")
    revoked = filters.BooleanFilter(field_name="revoked_at", lookup_expr="isnull", exclude=True)


class KeyViews(YardViews[ApiKey]):
    """API keys."""

    queryset = ApiKey.objects.select_related("user", "group")
    serializer_class = KeyShown
    filterset_class = KeyFilter
    ordering_fields = ("id", "name", "created_at", "last_used_at", "expires_at")
    lookup_field = "id"
    lookup_value_regex = "[0-9]{1,18}"
    # Everybody may see and revoke their own; whose others are, the queryset and the actions decide.
    permissions = {"list": "", "retrieve": "", "revoke": "", "rotate": "openai_api.add_apikey"}

    def get_queryset(self) -> QuerySet[ApiKey]:
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        seen = SEE_ALL if self.action in {"list", "retrieve"} else CHANGE_ALL
        return rows if self.request.user.has_perm(seen) else rows.filter(_owned_by(self.request.user))

    @extend_schema(summary="List API keys")
    def list(self, request: Request) -> Response:
        """One's own; everybody's with the permission openai_api.view_apikey."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(KeyShown(page, many=True).data)

    @extend_schema(summary="One API key")
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Without its secret."""
        return Response(self.shown(self.get_object()))

    @extend_schema(summary="Make an API key", request=KeyNew, responses={201: KeyMade})
    @transaction.atomic
    def create(self, request: Request) -> Response:
        """The answer has the secret, this once. Only superusers give others more than inference.

        A key makes keys of its own user or group only, which never can do more than itself and end with it.
        """
        said = self.body(KeyNew)
        if "user" not in said and "group" not in said:
            said |= _oneself(request.user)
        self._check_reach(said)
        said["parent"] = self._making_key(said)
        key, secret = keys.create_key(said.pop("name"), said.pop("user", None), actor=actor(request), **said)
        return Response(self._made(key, secret), status=201)

    @extend_schema(summary="Edit an API key", request=KeyEdit, responses=KeyShown)
    @transaction.atomic
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """What is not named stays. What is taken from a key is taken from those that it made."""
        key = self.locked()
        before = set(key.scopes)
        for name, value in self.body(KeyEdit, partial=True).items():
            setattr(key, name, value)
        self._check_reach({"user": key.user, "group": key.group, "scopes": before | set(key.scopes)})
        own = self._own_key()
        if own is not None and own.pk not in {key.pk, key.parent_id}:
            raise PermissionDenied("A key edits itself and the keys that it made, and no others.")
        for bound in filter(None, (own, key.parent)):
            if problem := excess(key, bound):
                raise PermissionDenied(problem)
        keys.edit(key, actor=actor(request))
        return Response(self.shown(ApiKey.objects.get(pk=key.pk)))

    @extend_schema(summary="Revoke an API key", request=Nothing, responses=KeyShown)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Programs that use it are refused within a second."""
        self.body(Nothing)
        key = self.get_object()
        keys.revoke([key], actor=actor(request))
        return Response(self.shown(ApiKey.objects.get(pk=key.pk)))

    @extend_schema(summary="Rotate an API key", request=Rotate, responses={201: KeyMade})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """A successor with the same rights; the old secret works until the overlap is over."""
        old, overlap = self.get_object(), self.body(Rotate)["overlap_s"]
        self._check_reach({"user": old.user, "group": old.group, "scopes": old.scopes})
        if (own := self._own_key()) is not None and own.pk not in {old.pk, old.parent_id}:
            raise PermissionDenied("A key rotates itself and the keys that it made, and sees no other secrets.")
        made, secret = keys.rotate(old, overlap=timedelta(seconds=overlap), actor=actor(request))
        return Response(self._made(made, secret), status=201)

    def _check_reach(self, said: dict[str, Any]) -> None:
        problem = out_of_reach(self.request.user, user=said.get("user"), group=said.get("group"), scopes=said["scopes"])
        if problem:
            raise PermissionDenied(problem)

    def _making_key(self, said: dict[str, Any]) -> ApiKey | None:
        """The key that asks for another; None: a person does. It makes none that can do more than itself."""
        if (own := self._own_key()) is None:
            return None
        if own.parent_id is not None:
            raise PermissionDenied("This key was made by a key, and so makes none itself: use the one that made it.")
        if {name: said[name] for name in ("user", "group") if name in said} != _oneself(self.request.user):
            raise PermissionDenied("A key makes keys of its own user or group only; a person may make those of others.")
        wanted = ApiKey(**{name: said[name] for name in ("scopes", "allowed_models", "expires_at")})
        wanted.allowed_models = wanted.allowed_models or own.allowed_models
        wanted.expires_at = wanted.expires_at or own.expires_at
        if problem := excess(wanted, own):
            raise PermissionDenied(problem)
        return own

    def _own_key(self) -> ApiKey | None:
        granted = cast("Grant | None", self.request.auth)
        return granted.key if granted is not None else None

    def _made(self, key: ApiKey, secret: str) -> dict[str, Any]:
        return {**KeyShown(ApiKey.objects.get(pk=key.pk)).data, "secret": secret}


def _oneself(user: Any) -> dict[str, Any]:
    return {"group": user.group} if isinstance(user, GroupAsUser) else {"user": user}


def _owned_by(user: Any) -> Q:
    return Q(group=user.group) if isinstance(user, GroupAsUser) else Q(user_id=user.pk)
