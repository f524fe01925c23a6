"""Checks of single columns and of columns together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Column
from sqlalchemy.orm import QueryableAttribute
from sqlmodel import SQLModel

from ..base.datakit import Check
from ..base.tables import table_of
from ..errors import DeclarationError
from .breaking_rows import column_of, orphans, place_of, repeated, rows_where

__all__ = ["accepted_values", "not_null", "references", "unique"]


def not_null(cls: type[SQLModel], column: str, *, because: str = "every row needs a value") -> Check:
    """No row is without a value in a column.

    Args:
        cls: a table class.
        column: one of its columns.
        because: what it protects, in a few words.

    Raises:
        DeclarationError: there is no such column.
    """
    found = column_of(cls, column)
    return Check(
        name=f"{place_of(found)} is never null",
        statement=rows_where(table_of(cls), found.is_(None)),
        because=because,
    )


def unique(
    cls: type[SQLModel], *columns: str, because: str = "two rows that are one would be counted twice"
) -> Check:
    """The values of some columns together come once. Rows with a null among them are left out.

    What breaks it are the rows beyond the first of each group.

    Args:
        cls: a table class.
        *columns: its columns.
        because: what it protects, in a few words.

    Raises:
        DeclarationError: no column is named, or one that is not there.
    """
    if not columns:
        raise DeclarationError(f"unique() names no column of {table_of(cls).fullname}")
    return Check(
        name=f"{table_of(cls).fullname} ({', '.join(columns)}) comes once",
        statement=repeated([column_of(cls, name) for name in columns]),
        because=because,
    )


def references(
    cls: type[SQLModel], column: str, to: Any, *, because: str = "what is referred to must be there"
) -> Check:
    """Each value of a column is there in a column of another table. A null refers to nothing, so it is fine.

    Args:
        cls: a table class.
        column: one of its columns.
        to: a column such as `Airports.faa`.
        because: what it protects, in a few words.

    Raises:
        DeclarationError: there is no such column, or `to` is none.
    """
    own = column_of(cls, column)
    if not isinstance(to, (Column, QueryableAttribute)):
        raise DeclarationError(f"{place_of(own)} must refer to a column such as Airports.faa, not to {to!r}")
    other = to if isinstance(to, Column) else to.property.columns[0]
    return Check(
        name=f"{place_of(own)} is in {place_of(other)}", statement=orphans([own], [other]), because=because
    )


def accepted_values(
    cls: type[SQLModel],
    column: str,
    values: Collection[Any],
    *,
    because: str = "others mean nothing",
) -> Check:
    """A column holds no other values than these; a null is fine.

    Args:
        cls: a table class.
        column: one of its columns.
        values: of the column's own type, at least one.
        because: what it protects, in a few words.

    Raises:
        DeclarationError: there is no such column, or no value.
    """
    found = column_of(cls, column)
    # A lone text is a collection too, of letters.
    if isinstance(values, (str, bytes)) or not values:
        raise DeclarationError(
            f"the accepted values of {place_of(found)} must be a collection of at least one"
        )
    return Check(
        name=f"{place_of(found)} is one of {', '.join(map(str, values))}",
        statement=rows_where(table_of(cls), found.not_in(list(values))),
        because=because,
    )
