"""Filters of the lists. None lists the rows of another table or asks for what is distinct in a long one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from registry.models import Deployment, Node

PAGE = "p"


class TypedFilter(admin.SimpleListFilter):
    """A value that is typed in, since there may be hundreds to choose from."""

    template = "registry/typed_filter.html"
    placeholder: Any = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kept = [(name, value) for name, value in request.GET.items() if name not in {self.parameter_name, PAGE}]
        self.kept = kept  # what the page is filtered and ordered by already
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"clear": changelist.get_query_string(remove=[self.parameter_name]) if self.value() else ""}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        written = (self.value() or "").strip()
        return self.narrowed(queryset, written) if written else queryset

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        raise NotImplementedError


class NameFilter(TypedFilter):
    """By the name of a related row: exactly when there is one of this name, else by a part of it."""

    field = ""
    rows: ClassVar[type[Model]]

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        known = self.rows._default_manager.filter(name=written).values_list("pk", flat=True)
        if known:
            return queryset.filter(**{f"{self.field}_id": known[0]})
        return queryset.filter(**{f"{self.field}__name__icontains": written})


class NodeFilter(NameFilter):
    """Rows of one node."""

    parameter_name = field = "node"
    title = _("node")
    placeholder = _("name, or a part of it")
    rows = Node


class DeploymentFilter(NameFilter):
    """Rows of one deployment."""

    parameter_name = field = "deployment"
    title = _("deployment")
    placeholder = _("name, or a part of it")
    rows = Deployment


class SubjectFilter(TypedFilter):
    """Events about one thing; exactly, since a part would read the whole table."""

    parameter_name = "subject"
    title = _("subject")
    placeholder = _("node gpu-1, or chat/0")

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        return queryset.filter(subject=written)


class LabelFilter(TypedFilter):
    """Nodes with a label, written as key or key=value."""

    parameter_name = "label"
    title = _("label")
    placeholder = "zone=a"

    def narrowed(self, queryset: QuerySet[Any], written: str) -> QuerySet[Any]:
        key, equals, value = written.partition("=")
        return queryset.filter(labels__contains={key: value}) if equals else queryset.filter(labels__has_key=key)


class ChoiceFilter(admin.SimpleListFilter):
    """A few declared choices: value, words, and what they keep."""

    options: ClassVar[dict[str, Any]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.options.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return self.chosen(queryset, value) if value in self.options else queryset

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        raise NotImplementedError
