"""How the rows that break something are counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    cast,
    func,
    literal,
    not_,
    select,
)
from sqlmodel import SQLModel

from ..base.tables import table_of
from ..errors import DeclarationError

__all__ = ["column_of", "orphans", "place_of", "repeated", "rows_where"]


def column_of(cls: type[SQLModel], name: str) -> Column[Any]:
    """A column of a table class.

    Raises:
        DeclarationError: the class is no table, or has no such column.
    """
    table = table_of(cls)
    if name not in table.columns:
        raise DeclarationError(
            f"a check names {name!r}, which is no column of {table.fullname}",
            hint=f"there are: {', '.join(table.columns.keys())}",
            table=table.fullname,
        )
    return table.columns[name]


def place_of(column: Column[Any]) -> str:
    """The full name of a column; what it shows of itself lacks the schema."""
    table = column.table
    assert isinstance(table, Table)
    return f"{table.fullname}.{column.name}"


def rows_where(table: Table, broken: ColumnElement[bool]) -> Select[Any]:
    """How many rows of a table meet a condition."""
    return select(func.count()).select_from(table).where(broken)


def repeated(columns: Sequence[Column[Any]]) -> Select[Any]:
    """How many rows there are beyond the first of each group with the same values; nulls are left out."""
    groups = (
        select((func.count() - 1).label("extra"))
        .select_from(columns[0].table)
        .where(*(column.is_not(None) for column in columns))
        .group_by(*columns)
        .having(func.count() > 1)
        .subquery()
    )
    # A sum of whole numbers has another type in some databases.
    return select(cast(func.coalesce(func.sum(groups.c.extra), 0), BigInteger))


def orphans(columns: Sequence[Column[Any]], to: Sequence[Column[Any]]) -> Select[Any]:
    """How many rows refer to what is not there; one with a null among its columns refers to nothing."""
    # A table may refer to itself.
    there = to[0].table.alias()
    pairs = [there.c[other.name] == own for own, other in zip(columns, to, strict=True)]
    found = select(literal(1)).select_from(there).where(*pairs).correlate(columns[0].table).exists()
    table = columns[0].table
    assert isinstance(table, Table)
    return rows_where(table, and_(*(column.is_not(None) for column in columns), not_(found)))
