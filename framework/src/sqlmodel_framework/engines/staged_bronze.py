"""One load into a bronze table where there is no COPY: rows are inserted into a stage, then appended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Connection, MetaData, Table, func, insert, select, text
from sqlalchemy import Column as SqlColumn
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from ..errors import TerminalError
from ..loading.bronze import RowHash, append_new, bronze_columns
from ..loading.csv_file import open_csv
from ..loading.csv_records import read_records
from ..loading.load import Load
from ..loading.sources import OutsideSource
from ..runs import ledger
from ..runs.result import LoadResult

__all__ = ["POSITION", "Staging", "carry_out", "stage_table"]

POSITION = "datakit_position"
"""The column of the staged rows that has their order."""

_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True)
class Staging:
    """How a database keeps rows that are staged, and tells them apart.

    Attributes:
        database: what it is called in an error.
        text_type: what a staged value is kept as: any text, of any length.
        row_hash: the row hash as an expression over staged columns.
        exact: makes a text one that is compared character by character.
        drop: the words that drop a temporary table, and do not commit.
    """

    database: str
    text_type: TypeEngine[Any]
    row_hash: RowHash
    exact: Callable[[ColumnElement[Any]], ColumnElement[Any]] = lambda value: value
    drop: str = "DROP TABLE"


def carry_out(
    connection: Connection,
    load: Load,
    staging: Staging,
    *,
    run_id: UUID,
    progress: Callable[[int], None],
) -> LoadResult:
    """Stage, append, count and record, in the transaction that the caller has begun.

    Raises:
        TerminalError: the table is not a bronze table.
        ContractError: the source is broken.
    """
    started = time.perf_counter()
    if not load.is_bronze:
        raise TerminalError(
            f"load {load.name!r} into {load.full_table_name}: on {staging.database}, only bronze tables "
            "can be loaded",
            hint="load silver and gold on PostgreSQL",
            table=load.full_table_name,
        )
    assert isinstance(load.source, OutsideSource)
    source = load.source.as_csv(load.table)
    names = bronze_columns(load)
    with open_csv(source, load.full_table_name, names, names, progress) as rows:
        stage = stage_table(load, rows.header, staging)
        connection.execute(CreateTable(stage))
        read = 0
        statement = insert(stage)
        for batch in _batches(read_records(rows, source)):
            values = [
                {POSITION: read + number, **dict(zip(rows.header, record, strict=True))}
                for number, record in enumerate(batch, 1)
            ]
            connection.execute(statement, values)
            read += len(values)
    loaded = append_new(
        connection,
        load,
        stage,
        run_id,
        position=POSITION,
        row_hash=staging.row_hash,
        exact=staging.exact,
    )
    result = LoadResult(
        table=load.name,
        layer=load.layer,
        read=read,
        accepted=connection.execute(select(func.count()).select_from(stage)).scalar_one(),
        rejected=0,
        loaded=loaded,
        seconds=time.perf_counter() - started,
        bytes=rows.bytes_read,
        checksum=rows.checksum,
    )
    ledger.record_load(connection, run_id, load, result)
    name = connection.dialect.identifier_preparer.format_table(stage)
    connection.execute(text(f"{staging.drop} {name}"))
    return result


def stage_table(load: Load, header: Iterable[str], staging: Staging) -> Table:
    """The temporary table that the rows of a load are staged in.

    Args:
        load: the load.
        header: the names of its source's columns.
        staging: the database's way of it.
    """
    return Table(
        "datakit_stage",
        MetaData(),
        SqlColumn(POSITION, BigInteger, primary_key=True),
        *(SqlColumn(name, staging.text_type) for name in header),
        prefixes=["TEMPORARY"],
        # Where a schema is a database, the URL may name none.
        schema=load.sql_table.schema,
    )


def _batches(records: Iterable[list[str | None]]) -> Iterator[list[list[str | None]]]:
    remaining = iter(records)
    while batch := list(islice(remaining, _ROWS_AT_ONCE)):
        yield batch
