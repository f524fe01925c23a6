"""The hash of a bronze row, as MariaDB computes it; see `sqlmodel_framework.loading.row_hash`."""

from __future__ import annotations

import struct
from typing import Any

from sqlalchemy import FromClause, LargeBinary, case, cast, func, literal_column, or_
from sqlalchemy.sql.elements import ColumnElement

__all__ = ["row_hash"]


def row_hash(rows: FromClause, names: list[str]) -> ColumnElement[Any]:
    """SHA-256 of the canonical bytes.

    Args:
        rows: what has the columns, all of them text in utf8mb4.
        names: of the columns, in declared order.
    """
    values = [rows.c[name] for name in names]
    has_null = case((or_(*(value.is_(None) for value in values)), _number(1)), else_=_number(0))
    parts: list[ColumnElement[Any]] = [_number(1), has_null, _number(25), _number(len(values)), _number(1)]
    for value in values:
        # One that is not null has its size before it; `CONCAT` with a null is null.
        size = func.unhex(func.lpad(func.hex(func.octet_length(value)), 8, "0"))
        parts.append(func.coalesce(func.concat(size, cast(value, LargeBinary)), _number(-1)))
    return func.unhex(func.sha2(func.concat(*parts), 256), type_=LargeBinary)


def _number(value: int) -> ColumnElement[Any]:
    return literal_column(f"X'{struct.pack('!i', value).hex()}'")
