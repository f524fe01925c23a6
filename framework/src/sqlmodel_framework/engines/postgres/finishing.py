"""The end of a load, in the transaction of its last rows."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import DDL, Connection, text

from ...loading.load import Load
from ...runs import ledger
from ...runs.result import LoadResult

__all__ = ["finish", "known_rows"]

# Of the rows, from which on the planner is told; as autovacuum does by default.
_SHARE = 0.1


def finish(connection: Connection, load: Load, run_id: UUID, result: LoadResult) -> None:
    """Write a load down in the ledger, and let the planner know of its rows."""
    ledger.record_load(connection, run_id, load, result)
    if result.loaded > _SHARE * known_rows(connection, load):
        # What reads the table next should not plan with the numbers of an empty one. Of a bronze table, the
        # next load reads these columns, and nobody looks for values in the others.
        columns = " (source_system, source_table, row_hash)" if load.is_bronze else ""
        connection.execute(DDL(f"ANALYZE %(fullname)s{columns}").against(load.sql_table))  # type: ignore[no-untyped-call]


def known_rows(connection: Connection, load: Load) -> float:
    """How many rows the planner takes the load's table to have.

    Args:
        connection: to the target.
        load: the load.
    """
    name = connection.dialect.identifier_preparer.format_table(load.sql_table)
    query = text("SELECT reltuples FROM pg_catalog.pg_class WHERE oid = CAST(:name AS regclass)")
    known: float = connection.execute(query, {"name": name}).scalar_one()
    return max(known, 0.0)
