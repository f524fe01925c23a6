"""One load into a bronze table from end to end, in the transaction that the caller has begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    cast,
    func,
    insert,
    select,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.schema import CreateTable

from ...errors import TerminalError
from ...loading.bronze import append_new, bronze_columns
from ...loading.csv_file import open_csv
from ...loading.csv_records import read_records
from ...loading.load import Load
from ...loading.sources import OutsideSource
from ...runs import ledger
from ...runs.result import LoadResult
from .ddl import COLLATION
from .row_hash import row_hash

__all__ = ["carry_out"]

POSITION = "datakit_position"
_ROWS_AT_ONCE = 2000


def carry_out(
    connection: Connection,
    load: Load,
    *,
    run_id: UUID,
    progress: Callable[[int], None],
) -> LoadResult:
    """Stage, append, count and record.

    Raises:
        TerminalError: the table is not a bronze table.
        ContractError: the source is broken.
    """
    started = time.perf_counter()
    if not load.is_bronze:
        raise TerminalError(
            f"load {load.name!r} into {load.full_table_name}: on MariaDB, only bronze tables can be loaded",
            hint="load silver and gold on PostgreSQL",
            table=load.full_table_name,
        )
    assert isinstance(load.source, OutsideSource)
    source = load.source.as_csv(load.table)
    names = bronze_columns(load)
    with open_csv(source, load.full_table_name, names, names, progress) as rows:
        stage = Table(
            "datakit_stage",
            MetaData(),
            SqlColumn(POSITION, BigInteger, primary_key=True),
            *(SqlColumn(name, LONGTEXT(charset="utf8mb4", collation=COLLATION)) for name in rows.header),
            prefixes=["TEMPORARY"],
            # The URL may name no database.
            schema=load.sql_table.schema,
        )
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
        row_hash=row_hash,
        exact=lambda value: cast(value, LargeBinary),
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
    connection.execute(text(f"DROP TEMPORARY TABLE {name}"))
    return result


def _batches(records: Iterable[list[str | None]]) -> Iterator[list[list[str | None]]]:
    remaining = iter(records)
    while batch := list(islice(remaining, _ROWS_AT_ONCE)):
        yield batch
