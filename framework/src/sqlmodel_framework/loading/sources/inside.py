"""Rows that are in the target already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.sql.expression import Select
from sqlmodel import SQLModel

__all__ = ["QuerySource", "TableSource"]


@dataclass(frozen=True)
class TableSource:
    """Rows of another table of the same target, read as text.

    Every column of the destination that the source table has by the same name is read.

    Args:
        table: the typed table to read.
        null_values: texts that stand for NULL, such as `("", "NA")`.
    """

    table: type[SQLModel]
    null_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuerySource:
    """Rows of a query in the same target; its columns go to the columns of the same names.

    Args:
        statement: a SQLAlchemy or SQLModel `select(...)`.
    """

    statement: Select[Any]
