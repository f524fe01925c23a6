"""Types: SQLite keeps the declared name, and lets it decide how values are kept."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from ...schema.dialects import offline, quoted
from ...schema.difference import Difference

__all__ = ["affinity", "values_that_change"]

_LENGTH = re.compile(r"\((\d+)\)")


def affinity(type_: str) -> str:
    """How values of a type are kept: INTEGER, TEXT, BLOB, REAL or NUMERIC."""
    name = type_.partition(" COLLATE ")[0].upper()
    if "INT" in name:
        return "INTEGER"
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not name or "BLOB" in name:
        return "BLOB"
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return "NUMERIC"


def values_that_change(connection: Connection, difference: Difference) -> int:
    """How many values a column's declared type does not hold as they are."""
    column = offline(connection.dialect).identifier_preparer.quote(difference.name)
    conditions = list(_conditions(column, difference.have.type, difference.want.type))
    if not conditions:
        return 0
    table = quoted(connection.dialect, difference.table)
    sql = f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND ({' OR '.join(conditions)})"
    options = {"no_parameters": True}
    return int(connection.exec_driver_sql(sql, execution_options=options).scalar_one())


def _conditions(column: str, have: str, want: str) -> list[str]:
    found = []
    old, new = affinity(have), affinity(want)
    # Dates and the like are text in a column that would rather be numbers: only numbers proper are cast.
    numeric = new in ("INTEGER", "REAL") or want.upper().startswith(("NUMERIC", "DECIMAL"))
    if numeric and old != new:
        found.append(f"CAST(CAST({column} AS {new}) AS {old}) IS NOT {column}")
    length = _LENGTH.search(want)
    before = _LENGTH.search(have)
    shorter = length is not None and (before is None or int(before[1]) > int(length[1]) or old != new)
    if new == "TEXT" and length is not None and shorter:
        found.append(f"length({column}) > {length[1]}")
    return found
