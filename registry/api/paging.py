"""Lists in parts: by limit and offset with a total where counting is cheap, by a cursor where lists only grow."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination, LimitOffsetPagination
from rest_framework.request import Request

FARTHEST = 1_000_000


class Pages(LimitOffsetPagination):
    """`limit` (100, at most 1,000) and `offset`; the answer has `count`, `next`, `previous`, `results`."""

    default_limit = 100
    max_limit = 1_000

    def get_offset(self, request: Request) -> int:
        return min(FARTHEST, super().get_offset(request))


class Timeline(CursorPagination):
    """The newest first; `next` and `previous` are addresses, and there is no total."""

    page_size = 100
    max_page_size = 1_000
    page_size_query_param = "limit"
    ordering: Any = "-id"

    def decode_cursor(self, request: Request) -> Any:
        """As the framework, whose 404 would say that there is no such list."""
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise ValidationError({"cursor": "Take `next` or `previous` of an answer as it is."}) from None
