"""Many new rows by one statement: columns go as arrays, which costs a fraction of a placeholder for each value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import CharField, Field, Model
from django.db.models.fields import NOT_PROVIDED
from psycopg import sql


@dataclass(frozen=True, slots=True)
class _Column:
    """`values` is one value when all rows have the same."""

    name: str
    kind: str
    values: Sequence[Any]


def insert(rows: Sequence[Model]) -> None:
    """Store new rows of one model, in this order. The database makes their ids, which the objects do not learn.

    Where it has a default of its own (`db_default`), it takes that, whatever the objects say. A column of arrays or
    JSON has to be the same in all rows.
    """
    if not rows:
        return
    first, *others = (field for field in rows[0]._meta.concrete_fields if _is_ours(field))
    columns = [_column(field, rows) for field in others]
    varying = [_array(first, rows), *(column for column in columns if len(column.values) > 1)]
    same = [column for column in columns if len(column.values) == 1]
    statement = sql.SQL("INSERT INTO {table} ({names}) SELECT {values} FROM unnest({arrays}) AS rows").format(
        table=sql.Identifier(rows[0]._meta.db_table),
        names=sql.SQL(", ").join(sql.Identifier(column.name) for column in (*varying, *same)),
        values=sql.SQL(", ").join([sql.SQL("rows.*"), *(_typed(column.kind) for column in same)]),
        arrays=sql.SQL(", ").join(_typed(f"{column.kind}[]") for column in varying),
    )
    with connection.cursor() as cursor:
        parameters = [*(column.values[0] for column in same), *(list(column.values) for column in varying)]
        cursor.execute(statement, parameters)


def _typed(kind: str) -> sql.Composed:
    return sql.SQL("%s::") + sql.SQL(kind)


def _is_ours(field: Field[Any, Any]) -> bool:
    return not field.primary_key and field.db_default is NOT_PROVIDED


def _column(field: Field[Any, Any], rows: Sequence[Model]) -> _Column:
    values = list(map(attrgetter(field.attname), rows))
    differs = any(value != values[0] for value in values)
    return _array(field, rows if differs else rows[:1])


def _array(field: Field[Any, Any], rows: Sequence[Model]) -> _Column:
    # A cast to varchar(n) would cut what is too long without a word.
    kind = "text" if isinstance(field, CharField) else str(field.db_type(connection))
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows]
    return _Column(str(field.column), kind, values)
