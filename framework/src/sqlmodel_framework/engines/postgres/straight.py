"""From PostgreSQL straight into a bronze table: COPY to COPY, chunk by chunk, with a checkpoint after each.

The source reckons with the row hash, so rows never become Python's, and nothing is staged. That is possible
as long as the table holds no rows of the same source: then none can come twice. A table of the source that
has a primary key is cut into chunks along it; each is one transaction with its checkpoint, and a load that
was cut short goes on after the last one. A table without is one chunk.

All chunks that one process reads are of one snapshot of the source. A load that goes on later reads what is
there by then: rows that were added before the last key come with the next load.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import sql
from sqlalchemy import (
    Connection,
    Select,
    String,
    Text,
    Uuid,
    cast,
    column,
    delete,
    literal,
    literal_column,
    null,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ColumnElement

from ...errors import ContractError
from ...loading.bronze import bronze_columns
from ...loading.extraction import written_out
from ...loading.load import Load
from ...loading.sources import DatabaseSource
from ...loading.streams import PushedStream, WatchedStream
from ...runs.checkpoints import Checkpoint, find_checkpoint, forget_checkpoint, keep_checkpoint
from ...runs.result import LoadResult
from ..base import BaseEngine
from .finishing import finish
from .row_hash import row_hash

__all__ = ["carry_out", "straight_source"]

_BYTES_AT_ONCE = 1 << 18
_DIALECT = "postgresql"

_KEY = text("""
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS part (number, place)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number
WHERE i.indrelid = CAST(:name AS regclass) AND i.indisprimary
ORDER BY part.place
""")


def straight_source(load: Load) -> DatabaseSource | None:
    """The source of a load that can go from server to server."""
    source = load.source
    if not (load.is_bronze and isinstance(source, DatabaseSource) and source.database.dialect == _DIALECT):
        return None
    # Of a source that lacks columns, the staged way says which.
    complete = set(bronze_columns(load)) <= set(source.extraction(load.table).columns)
    return source if complete else None


def carry_out(
    engine: BaseEngine,
    source_engine: BaseEngine,
    load: Load,
    source: DatabaseSource,
    *,
    run_id: UUID,
    datakit: str,
    progress: Callable[[int], None],
) -> LoadResult | None:
    """Load chunk by chunk; None where the table holds rows of the same source already.

    Args:
        engine: the target's, connected.
        source_engine: the source's.
        load: the load.
        source: where its rows come from; see `straight_source`.
        run_id: the run that the rows belong to.
        datakit: its name.
        progress: called with the number of bytes that are read by now.

    Raises:
        ContractError: the target cannot hold a value; what the load wrote is gone again.
        UnavailableError: a server went away; a later load goes on after the last chunk.
    """
    bronze_columns(load)
    start = _begin(engine, load, source, datakit)
    if start is None:
        return None
    with source_engine.transaction() as reading:
        reading.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        source_engine.forbid_writes()
        work = _Work(engine, source_engine, reading, load, source, run_id, datakit, progress)
        try:
            return work.carry_out(start)
        except ContractError:
            with engine.transaction() as connection:
                reached = find_checkpoint(connection, datakit, load)
                if reached is not None:
                    _undo(connection, load, source, datakit, reached)
            raise


def _begin(engine: BaseEngine, load: Load, source: DatabaseSource, datakit: str) -> Checkpoint | None:
    """Where to begin; None when rows of the same source are there that belong to no load under way."""
    start = Checkpoint(fingerprint=_fingerprint(load, source))
    with engine.transaction() as connection:
        reached = find_checkpoint(connection, datakit, load)
        if reached is not None and reached.fingerprint == start.fingerprint:
            return reached
        if reached is not None:
            _undo(connection, load, source, datakit, reached)
        bronze = load.sql_table
        same = (bronze.c.source_system == source.system, bronze.c.source_table == source.name)
        there = connection.execute(select(literal(1)).select_from(bronze).where(*same).limit(1)).first()
        return start if there is None else None


def _fingerprint(load: Load, source: DatabaseSource) -> str:
    what = (load.full_table_name, source.system, source.name, source.host, source.extraction(load.table))
    return hashlib.sha256(repr(what).encode()).hexdigest()


def _undo(
    connection: Connection, load: Load, source: DatabaseSource, datakit: str, reached: Checkpoint
) -> None:
    """Take away what a load wrote that does not go on."""
    bronze = load.sql_table
    connection.execute(
        delete(bronze).where(
            bronze.c.source_system == source.system,
            bronze.c.source_table == source.name,
            bronze.c.run_id.in_([UUID(run_id) for run_id in reached.run_ids]),
        )
    )
    forget_checkpoint(connection, datakit, load)


@dataclass(frozen=True)
class _Work:
    engine: BaseEngine
    source_engine: BaseEngine
    source_connection: Connection
    load: Load
    source: DatabaseSource
    run_id: UUID
    datakit: str
    progress: Callable[[int], None]

    def carry_out(self, reached: Checkpoint) -> LoadResult:
        started = time.perf_counter() - reached.seconds
        key = self._key()
        most = self.load.chunk_rows if key else None
        bytes_before = 0
        while True:
            with self.engine.transaction() as connection:
                rows, size = self._copy(connection, self._query(key, reached.after, most), bytes_before)
                bytes_before += size
                reached = replace(
                    reached,
                    run_ids=reached.with_run(self.run_id),
                    read=reached.read + rows,
                    chunks=reached.chunks + 1,
                    seconds=time.perf_counter() - started,
                )
                if most is None or rows < most:
                    return self._finish(connection, reached)
                reached = replace(reached, after=self._last(connection, key))
                keep_checkpoint(connection, self.datakit, self.load, reached)

    def _finish(self, connection: Connection, reached: Checkpoint) -> LoadResult:
        forget_checkpoint(connection, self.datakit, self.load)
        result = LoadResult(
            table=self.load.name,
            layer=self.load.layer,
            read=reached.read,
            accepted=reached.read,
            rejected=0,
            loaded=reached.read,
            seconds=reached.seconds,
        )
        finish(connection, self.load, self.run_id, result)
        return result

    def _key(self) -> dict[str, str]:
        """The source's primary key: its columns, and the type of each in the source's words.

        Empty where there is none, or where the table does not keep all of it: then nothing says how far a
        load has come.
        """
        quote = self.source_connection.dialect.identifier_preparer.quote
        schema, _, name = self.source.table.rpartition(".")
        full = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
        found = self.source_connection.execute(_KEY, {"name": full})
        key = {str(each): str(type_) for each, type_ in found}
        return key if key.keys() <= set(self.source.extraction(self.load.table).columns) else {}

    def _last(self, connection: Connection, key: dict[str, str]) -> tuple[str, ...]:
        """The key of the row that was written last; it comes last in the order of the source's key."""
        bronze = self.load.sql_table
        query = select(*(bronze.c[name] for name in key)).order_by(bronze.c.bronze_id.desc()).limit(1)
        last: Any = connection.execute(query).one()
        return tuple(last)

    def _query(self, key: dict[str, str], after: tuple[str, ...], most: int | None) -> Select[Any]:
        extraction = self.source.extraction(self.load.table)
        rows = extraction.select(_DIALECT, also=tuple(key))
        if after:
            rows = rows.where(_place(key) > _values(key, after))
        places: list[ColumnElement[Any]] = [literal_column(f"datakit_{number}") for number in range(len(key))]
        # What is limited is worked out once. Else the planner would turn each value into text once for every
        # place where it is used.
        inner = rows.order_by(*places).limit(literal_column("ALL" if most is None else str(most)))
        named = inner.offset(literal_column("0")).subquery("rows")
        source = self.source
        described = [
            _text(source.system),
            _text(source.name),
            _text(source.host),
            _text(source.extraction_method),
            cast(literal(str(self.run_id), String), Uuid),
        ]
        # Whatever the order in which the source is asked, the hash is over the table's.
        hashed = row_hash(named, [name for name in bronze_columns(self.load) if name in extraction.columns])
        query = select(*(named.c[name] for name in extraction.columns), *described, hashed)
        return query.order_by(*(named.c[f"datakit_{number}"] for number in range(len(key))))

    def _copy(self, connection: Connection, query: Select[Any], bytes_before: int) -> tuple[int, int]:
        """Copy the rows of a query of the source into the table; how many, and how many bytes."""
        sent = f"COPY ({written_out(query, _DIALECT)}) TO STDOUT (FORMAT binary)"
        stream = PushedStream(lambda file: self._push(sent, file), self.source_engine.cancel)
        size = 0

        def progress(bytes_read: int) -> None:
            nonlocal size
            size = bytes_read
            self.progress(bytes_before + bytes_read)

        watched = WatchedStream(stream, progress)
        names = [*self.source.extraction(self.load.table).columns, *_DESCRIBED]
        place = [part for part in (self.load.sql_table.schema, self.load.sql_table.name) if part is not None]
        received = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            sql.Identifier(*place), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        driver: Any = connection.connection.driver_connection
        with stream, driver.cursor() as cursor:
            try:
                cursor.copy_expert(received, watched, size=_BYTES_AT_ONCE)
            except psycopg2.Error as error:
                if watched.error is not None:
                    raise watched.error from None
                raise DBAPIError("COPY", {}, error) from error
            return int(cursor.rowcount), size

    def _push(self, statement: str, file: Any) -> None:
        driver: Any = self.source_connection.connection.driver_connection
        with self.source_engine.translating(), driver.cursor() as cursor:
            try:
                cursor.copy_expert(statement, file, size=_BYTES_AT_ONCE)
            except psycopg2.Error as error:
                raise DBAPIError("COPY", {}, error) from error


_DESCRIBED = ("source_system", "source_table", "source_host", "extraction_method", "run_id", "row_hash")


def _text(value: str | None) -> ColumnElement[Any]:
    return cast(null() if value is None else literal(value, String), Text)


def _place(key: dict[str, str]) -> ColumnElement[Any]:
    return tuple_(*(column(name) for name in key))


def _values(key: dict[str, str], values: tuple[str, ...]) -> ColumnElement[Any]:
    pairs = zip(key.values(), values, strict=True)
    return tuple_(*(literal_column(f"CAST({_quoted(value)} AS {type_})") for type_, value in pairs))


def _quoted(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
