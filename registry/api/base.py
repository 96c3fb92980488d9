"""What all parts of the management API share: permissions by action, strict fields, and ETags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import orjson
from django.db.models import Model
from django.shortcuts import get_object_or_404
from django.utils.http import parse_etags, quote_etag
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from registry.api.errors import Changed, NoPrecondition

Row = TypeVar("Row", bound=Model)
VERBS = {"create": "add", "partial_update": "change", "destroy": "delete"}


class Strict(serializers.Serializer[Any]):
    """Fields of a write; one that is not known is refused, so that a misspelt one is not lost in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            for name in data:
                if name not in writable:
                    have = ", ".join(sorted(writable)) or "none"
                    raise serializers.ValidationError({name: f"There is no such field here. Fields: {have}."})
        return super().to_internal_value(data)


class Nothing(Strict):
    """The empty body of an action."""


class YardViews(GenericViewSet[Row]):
    """Rows by their name. Each view names what an action takes; what it does not name, the model's permissions say."""

    lookup_field = "name"
    permissions: ClassVar[Mapping[str, str]] = {}

    def permission_for(self, request: Request) -> str:
        """The Django permission that this action takes."""
        if self.action in self.permissions:
            return self.permissions[self.action]
        options = self.get_queryset().model._meta
        fallback = "view" if request.method in SAFE_METHODS else "change"
        return f"{options.app_label}.{VERBS.get(self.action or '', fallback)}_{options.model_name}"

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Whatever is read has an ETag, and whoever has it already gets 304."""
        if response.status_code in {200, 201} and self.action in {"list", "retrieve", "create", "partial_update"}:
            tag = etag(response.data)
            response["ETag"] = tag
            if request.method in SAFE_METHODS and tag in parse_etags(request.headers.get("If-None-Match", "")):
                response = Response(status=304, headers={"ETag": tag})
        return super().finalize_response(request, response, *args, **kwargs)

    def locked(self) -> Row:
        """The row of this request, locked until the transaction ends, as the client saw it: else 412, or 428."""
        rows = self.get_queryset().select_for_update(of=("self",))
        row = get_object_or_404(rows, **{self.lookup_field: self.kwargs[self.lookup_field]})
        self.check_object_permissions(self.request, row)
        wanted = self.request.headers.get("If-Match")
        if wanted is None:
            raise NoPrecondition
        if wanted.strip() != "*" and etag(self.shown(row)) not in parse_etags(wanted):
            raise Changed
        return row

    def shown(self, row: Row) -> dict[str, Any]:
        """A row as it is read."""
        data: dict[str, Any] = type(self).serializer_class(row, context=self.get_serializer_context()).data  # type: ignore[misc]
        return data

    def body(self, fields: type[serializers.Serializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """What this request's body says, checked."""
        serializer = fields(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        said: dict[str, Any] = serializer.validated_data
        return said


def etag(data: Any) -> str:
    """Equal for equal answers."""
    return quote_etag(hashlib.sha256(orjson.dumps(data, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32])


def flag(request: Request, name: str) -> bool:
    """A switch in the address, such as `dry_run=true`."""
    said = request.query_params.get(name, "false").lower()
    if said not in {"true", "false", "1", "0"}:
        raise serializers.ValidationError({name: "Write true or false."})
    return said in {"true", "1"}
