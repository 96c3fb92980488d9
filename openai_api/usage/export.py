"""Rows of usage as a file of comma-separated values, however many there are."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet

from openai_api.models import Usage

COLUMNS = tuple(field.name for field in Usage._meta.fields)
AT_ONCE = 2_000
# A spreadsheet takes what begins so for a formula, and names are what people chose.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def written(rows: QuerySet[Usage]) -> AsyncIterator[bytes]:
    """The heading, then the rows, the newest first. Between two parts nothing is held in the database."""
    yield _lines([COLUMNS])
    ordered, after = rows.order_by("-began_at", "-id"), Q()
    while part := await sync_to_async(_read)(ordered.filter(after)):
        yield _lines(part)
        last = dict(zip(COLUMNS, part[-1], strict=True))
        # Both, so that the index is entered at the right place.
        after = Q(began_at__lte=last["began_at"]) & (Q(began_at__lt=last["began_at"]) | Q(id__lt=last["id"]))


def _read(rows: QuerySet[Usage]) -> list[tuple[Any, ...]]:
    return list(rows.values_list(*COLUMNS)[:AT_ONCE])


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
