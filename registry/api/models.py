"""/api/v1/models: weights, and the names they answer to."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry import desired
from registry.api.access import actor
from registry.api.base import Strict, YardViews
from registry.api.filters import Filters
from registry.models import Model

NAMES = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}"


class ModelShown(serializers.ModelSerializer[Model]):
    """A model as it is read."""

    aliases = serializers.SlugRelatedField[Any](slug_field="name", many=True, read_only=True)
    deployments = serializers.SlugRelatedField[Any](slug_field="name", many=True, read_only=True)

    class Meta:
        model = Model
        fields = (
            "name",
            "path",
            "description",
            "chat_template",
            "trust_remote_code",
            "aliases",
            "deployments",
            "created_at",
        )
        read_only_fields = fields


class ModelEdit(Strict, serializers.ModelSerializer[Model]):
    """What can be said of a model. `aliases` replaces all that it has."""

    aliases = serializers.ListField(child=serializers.CharField(max_length=100), required=False, max_length=100)

    class Meta:
        model = Model
        fields: tuple[str, ...] = ("path", "description", "chat_template", "trust_remote_code", "aliases")


class ModelNew(ModelEdit):
    """A model to register."""

    class Meta(ModelEdit.Meta):
        fields = ("name", *ModelEdit.Meta.fields)
        # That a name is taken is a conflict, which the view answers.
        extra_kwargs: dict[str, Any] = {"name": {"validators": []}}


class ModelFilter(Filters):
    """By the beginning of a name, or by an alias."""

    name = filters.CharFilter(lookup_expr="startswith", help_text="How the name begins.")
    alias = filters.CharFilter(field_name="aliases__name", help_text="The model with this alias.")


class ModelViews(YardViews[Model]):
    """Models. A change that matters to running workers makes new revisions of the model's deployments."""

    queryset = Model.objects.prefetch_related("aliases", "deployments")
    serializer_class = ModelShown
    filterset_class = ModelFilter
    ordering_fields = ("name", "created_at")
    lookup_value_regex = NAMES

    @extend_schema(summary="List models")
    def list(self, request: Request) -> Response:
        """Every registered model, with or without a deployment."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(ModelShown(page, many=True).data)

    @extend_schema(summary="One model")
    def retrieve(self, request: Request, name: str) -> Response:
        """Its ETag goes into If-Match of an edit."""
        return Response(self.shown(self.get_object()))

    @extend_schema(summary="Register a model", request=ModelNew, responses={201: ModelShown})
    @transaction.atomic
    def create(self, request: Request) -> Response:
        """Nothing runs of it until it is deployed."""
        said = self.body(ModelNew)
        return Response(self._save(Model(), said), status=201)

    @extend_schema(summary="Edit a model", request=ModelEdit, responses=ModelShown)
    @transaction.atomic
    def partial_update(self, request: Request, name: str) -> Response:
        """What is not named stays as it is. Its name stays too: clients know it by that."""
        model = self.locked()
        return Response(self._save(model, self.body(ModelEdit, partial=True)))

    @extend_schema(summary="Forget a model", responses={204: None})
    @transaction.atomic
    def destroy(self, request: Request, name: str) -> Response:
        """The files stay where they are. Refused while a deployment names it."""
        desired.delete_model(self.locked(), actor=actor(request))
        return Response(status=204)

    def _save(self, model: Model, said: dict[str, Any]) -> dict[str, Any]:
        aliases = said.pop("aliases", None)
        for field, value in said.items():
            setattr(model, field, value)
        desired.save_model(model, aliases=aliases, actor=actor(self.request))
        return self.shown(self.get_queryset().get(pk=model.pk))
