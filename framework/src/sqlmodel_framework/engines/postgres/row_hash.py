"""The hash of a bronze row, as PostgreSQL computes it; see `sqlmodel_framework.loading.row_hash`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Text, cast, func
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.sql.elements import ColumnElement

__all__ = ["row_hash"]


def row_hash(rows: FromClause, names: list[str]) -> ColumnElement[Any]:
    """SHA-256 of the canonical bytes, in a session whose encoding is UTF-8.

    Args:
        rows: what has the columns, all of them text.
        names: of the columns, in declared order.
    """
    # Sent as to a client, the text is in the client's encoding, whatever the database keeps it in.
    return func.sha256(func.array_send(cast(array([rows.c[name] for name in names]), ARRAY(Text))))
