"""Values of columns, as they are compared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, cast
from sqlalchemy.dialects.postgresql import JSONB

from ...base.tables import plain_type

__all__ = ["exact"]


def exact(column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The type json has no equality, jsonb has."""
    is_json = isinstance(plain_type(column), JSON) and not isinstance(plain_type(column), JSONB)
    return cast(value, JSONB) if is_json else value
