"""Appending a file to a table by one COPY, where the database itself holds the rows to the whole contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection, String

from ...base.tables import plain_type
from ...loading.contract import Bound, contract_of
from ...loading.csv_file import open_csv
from ...loading.load import Load
from ...loading.modes import Append
from ...loading.sources import OutsideSource
from ...runs.result import LoadResult
from .csv_copy import copy_rows
from .finishing import finish
from .stage import required_columns
from .writing import check_writable

__all__ = ["append", "is_left_to_the_table"]


def is_left_to_the_table(load: Load) -> bool:
    """Whether COPY can go into the table itself: one bad row ends the load, and the table knows a bad row.

    Types, nulls, keys and foreign keys the table knows, and how long a text may be. Other bounds of a field
    are Python's, so rows that have to keep them are staged and screened.
    """
    plain = isinstance(load.mode, Append) and load.contract == "enforce" and not load.rules
    if load.is_bronze or not plain or not isinstance(load.source, OutsideSource):
        return False
    bounds = contract_of(load.table, load.sql_table.columns.keys()).bounds
    return all(_is_length(load, bound) for bound in bounds)


def _is_length(load: Load, bound: Bound) -> bool:
    type_ = plain_type(load.sql_table.columns[bound.column])
    return bound.kind == "max_length" and isinstance(type_, String) and type_.length == bound.limit


def append(
    connection: Connection, load: Load, *, run_id: UUID, progress: Callable[[int], None]
) -> LoadResult:
    """Copy the rows into the table, and record the load.

    Args:
        connection: in a transaction.
        load: for which `is_left_to_the_table` holds.
        run_id: the run.
        progress: called with the number of bytes that are read by now.

    Raises:
        ContractError: a row is broken, or breaks the table's contract; the message names the line.
        DeclarationError: the source's columns do not fit the table's.
    """
    started = time.perf_counter()
    assert isinstance(load.source, OutsideSource)
    source = load.source.as_csv(load.table)
    table = load.sql_table
    names = [column.name for column in table.columns]
    with open_csv(source, load.full_table_name, names, required_columns(load), progress) as rows:
        check_writable(load, rows.header)
        place = (table.name,) if table.schema is None else (table.schema, table.name)
        read = copy_rows(connection, rows, place, source)
    result = LoadResult(
        table=load.name,
        layer=load.layer,
        read=read,
        accepted=read,
        rejected=0,
        loaded=read,
        seconds=time.perf_counter() - started,
    )
    finish(connection, load, run_id, result)
    return result
