"""Appending a file to a table by one COPY, where the database itself holds the rows to the whole contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, String

from ...base.tables import plain_type
from ...errors import ContractError
from ...loading.contract import Bound, contract_of
from ...loading.load import Load
from ...loading.modes import Append
from ...loading.rereading import refuse_spent_source
from ...loading.sources import OutsideSource
from ...runs.result import LoadResult
from .finishing import finish
from .offered import Offered, open_rows
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
    connection: Connection,
    load: Load,
    *,
    run_id: UUID,
    type_name: Callable[[Column[Any]], str],
    progress: Callable[[int], None],
) -> LoadResult:
    """Copy the rows into the table, and record the load.

    Args:
        connection: in a transaction.
        load: for which `is_left_to_the_table` holds.
        run_id: the run.
        type_name: what the database calls the type of a column.
        progress: called with the number of bytes that are read by now.

    Raises:
        ContractError: a row is broken, or breaks the table's contract; the message names the line.
        DeclarationError: the source's columns do not fit the table's.
    """
    started = time.perf_counter()
    rows, read = _copy(connection, load, type_name, progress)
    result = LoadResult(
        table=load.name,
        layer=load.layer,
        read=read,
        accepted=read,
        rejected=0,
        loaded=read,
        seconds=time.perf_counter() - started,
        bytes=rows.bytes_read,
        checksum=rows.checksum,
    )
    finish(connection, load, run_id, result)
    return result


def _copy(
    connection: Connection,
    load: Load,
    type_name: Callable[[Column[Any]], str],
    progress: Callable[[int], None],
) -> tuple[Offered, int]:
    table = load.sql_table
    place = (table.name,) if table.schema is None else (table.schema, table.name)
    with open_rows(load, type_name, progress) as rows:
        check_writable(load, rows.header)
        try:
            with connection.begin_nested():
                return rows, rows.copy_into(connection, place)
        except ContractError:
            if rows.as_text:
                raise
    # The server, or what reads the source, names the line then.
    refuse_spent_source(load.source)
    with open_rows(load, type_name, progress, as_text=True) as rows:
        return rows, rows.copy_into(connection, place)
