"""Columns that a source has and its table lacks: what they would have to be declared as."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from .screening import input_check
from .stage import Stage

__all__ = ["types_of"]

# The narrower before the wider: every whole number is a number, every day a moment, and everything a text.
_TYPES = ("bigint", "numeric", "boolean", "date", "timestamp with time zone")
_OTHERS = "text"
_DAY = r"^\d{4,}-\d\d-\d\d$"


def types_of(
    connection: Connection, stage: Stage, names: list[str], *, has_input_check: bool
) -> dict[str, str]:
    """The narrowest of the usual types that holds every staged value, for each of these columns.

    Args:
        connection: in a transaction.
        stage: the staged rows.
        names: of columns that are staged as text.
        has_input_check: whether the server has `pg_input_is_valid` (PostgreSQL 16 and later).
    """
    if not names:
        return {}
    check = input_check(connection, there=has_input_check)
    rows = stage.table

    def holds(type_: str, value: ColumnElement[Any]) -> ColumnElement[bool]:
        valid: ColumnElement[bool] = check(value, type_)
        # Of a moment PostgreSQL would take the day, and drop the rest.
        return and_(value.regexp_match(_DAY), valid) if type_ == "date" else valid

    asked = [func.bool_and(holds(type_, rows.c[name])) for name in names for type_ in _TYPES]
    answers = iter(connection.execute(select(*asked).select_from(rows)).one())
    found: dict[str, str] = {}
    for name in names:
        # Where there is no value at all, every answer is null.
        held = [type_ for type_ in _TYPES if next(answers)]
        found[name] = held[0] if held else _OTHERS
    return found
