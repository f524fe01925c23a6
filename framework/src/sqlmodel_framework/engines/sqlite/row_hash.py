"""The hash of a bronze row, as SQLite computes it; see `sqlmodel_framework.loading.row_hash`.

SQLite has no SHA-256 of its own, but takes functions from Python.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import FromClause, LargeBinary, func
from sqlalchemy.sql.elements import ColumnElement

from ...loading.row_hash import canonical_bytes, hash_of_parts

__all__ = ["add_functions", "row_hash"]

# As many arguments a function may have, unless SQLite was built otherwise.
_MOST_ARGUMENTS = 100


def add_functions(connection: sqlite3.Connection) -> None:
    """Let the statements of a connection compute row hashes."""
    connection.create_function(
        "datakit_values", -1, lambda *values: canonical_bytes(values), deterministic=True
    )
    connection.create_function(
        "datakit_row_hash", -1, lambda *parts: hash_of_parts(parts), deterministic=True
    )


def row_hash(rows: FromClause, names: list[str]) -> ColumnElement[Any]:
    """SHA-256 of the canonical bytes, over a connection that has the functions for it.

    Args:
        rows: what has the columns, all of them text.
        names: of the columns, in declared order.
    """
    values = [rows.c[name] for name in names]
    parts = (values[start : start + _MOST_ARGUMENTS] for start in range(0, len(values), _MOST_ARGUMENTS))
    return func.datakit_row_hash(*(func.datakit_values(*part) for part in parts), type_=LargeBinary)
