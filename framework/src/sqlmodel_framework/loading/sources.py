"""Where the rows of a load come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy.sql.expression import Select
from sqlmodel import SQLModel

__all__ = ["CsvSource", "QuerySource", "Source", "TableSource"]


@dataclass(frozen=True, kw_only=True)
class CsvSource:
    """Rows of a CSV file: UTF-8, comma, double quotes, a header line.

    The header's names must be the table's own columns, in any order.

    Args:
        open: returns the file, opened in binary mode; called once for each load.
        name: what the source is called in errors, in the ledger and in `source_table`.
        system: the system that it comes from, for `source_system`.
        host: the host it was read from, for `source_host`.
        null: text that stands for NULL when it is not in quotes. None keeps every value as it
            comes: an empty field is then an empty text, not NULL.
        extraction_method: how the rows left the source, for a bronze table.
    """

    open: Callable[[], BinaryIO]
    name: str
    system: str
    host: str | None = None
    null: str | None = None
    extraction_method: str = "file"


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


Source = CsvSource | TableSource | QuerySource
