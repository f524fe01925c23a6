"""Values of columns, as they are compared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Dialect,
    String,
    cast,
    collate,
    func,
    literal,
    literal_column,
    null,
    type_coerce,
)
from sqlalchemy.dialects.mysql import SET

from ...base.tables import plain_type

__all__ = ["declared_value", "exact"]

# Each letter counts, and so do spaces at the end.
_EXACT = "utf8mb4_nopad_bin"


def declared_value(column: Column[Any], value: Any, dialect: Dialect) -> ColumnElement[Any]:
    """A value in the column's type, where a value can be cast to it: to a list, a truth or JSON none can."""
    plain = null() if value is None else literal(value, column.type)
    typed = cast(plain, column.type)
    words = typed.typeclause.compile(dialect=dialect).string
    return plain if words in (None, "JSON") else typed


def exact(column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Texts that differ in case, accents or the spaces at their end may be equal: here they are not."""
    if not isinstance(plain_type(column), String | SET | JSON):
        return value
    text = type_coerce(value, String).op("USING")(literal_column("utf8mb4"))
    return collate(func.convert(text), _EXACT)
