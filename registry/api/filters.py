"""How lists are asked for less and in another order. What a list does not know is refused, not ignored."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module by its name in the settings

ALWAYS = {"limit", "offset", "cursor", "ordering"}


class Filters(FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What a list can be asked for less by."""


class Ordering(OrderingFilter):
    """`ordering=name,-created_at`."""

    ordering_description = "Fields to sort by, with commas between them; a dash before a field turns it round."

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        if getattr(view, "action", "") != "list":
            return queryset
        refuse_strange(request, view, known=ALWAYS)
        return super().filter_queryset(request, queryset, view)

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        known = [name for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        asked = [term.strip() for term in request.query_params.get("ordering", "").split(",") if term.strip()]
        if wrong := [term for term in asked if term.removeprefix("-") not in known]:
            choices = ", ".join(known) or "none"
            raise ValidationError({"ordering": f"This list cannot be sorted by {wrong[0]}. Fields: {choices}."})
        return super().get_ordering(request, queryset, view)


def refuse_strange(request: Request, view: APIView, *, known: Collection[str]) -> None:
    """Raises 400 for a filter that is neither the view's nor one of these."""
    everything = {*known, *getattr(getattr(view, "filterset_class", None), "base_filters", ())}
    strange = next((name for name in request.query_params if name not in everything), None)
    if strange is not None:
        raise ValidationError(
            {strange: f"There is no filter of that name here. Filters: {', '.join(sorted(everything))}."}
        )
