"""Values of columns, as they are compared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, DateTime, String, Unicode, cast, literal, null
from sqlalchemy.dialects.mssql import DATETIME2, VARBINARY
from sqlalchemy.types import TypeEngine

from ...base.tables import plain_type
from .types import LONGEST_TEXT, is_generic

__all__ = ["declared_value", "exact"]


def declared_value(column: Column[Any], value: Any) -> ColumnElement[Any]:
    """A value as the column holds it, where SQLAlchemy would take a smaller type for it."""
    return cast(null() if value is None else literal(value, column.type), _type_of(column))


def exact(column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Texts that differ in case, or in the spaces at their end, may be equal: their bytes are not."""
    if not isinstance(plain_type(column), String | JSON):
        return value
    return cast(cast(value, Unicode), VARBINARY("max"))  # type: ignore[no-untyped-call]


def _type_of(column: Column[Any]) -> TypeEngine[Any]:
    plain: Any = plain_type(column)
    if is_generic(plain) and isinstance(plain, String):
        length = plain.length
        return Unicode(None if length is None or length > LONGEST_TEXT else length)
    if is_generic(plain) and isinstance(plain, JSON):
        return Unicode()
    if is_generic(plain) and isinstance(plain, DateTime) and not plain.timezone:
        return DATETIME2(7)  # type: ignore[no-untyped-call]
    return column.type
