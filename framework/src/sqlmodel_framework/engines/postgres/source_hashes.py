"""What the source of a bronze table offers now: the hash of each row, in the order of the source.

From a table of a database that has a primary key, rows come in the order of that key, and are called by it.
PostgreSQL computes the hash itself, so that only keys and hashes travel; rows of any other source are staged
as a load stages them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    cast,
    inspect,
    literal_column,
    select,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.elements import ColumnElement

from ...loading.bronze import bronze_columns
from ...loading.csv_file import open_csv
from ...loading.extraction import written_out
from ...loading.load import Load
from ...loading.sources import CsvSource, DatabaseSource
from ..registry import engine_for
from .candidates import POSITION
from .comparing import HASH, KEY, PLACE
from .csv_copy import copy_rows
from .row_hash import row_hash
from .stage import fill_stage

__all__ = ["SourceHashes", "hash_source"]

_HASHES = "datakit_hashes"


@dataclass(frozen=True)
class SourceHashes:
    """Rows with the columns `PLACE`, `KEY` and `HASH`, and the names of what is in `KEY`."""

    rows: FromClause
    key: tuple[str, ...]


def hash_source(connection: Connection, load: Load, progress: Callable[[int], None]) -> SourceHashes:
    """Hash what the source of a bronze table offers.

    Args:
        connection: in a transaction that will be rolled back.
        load: the load.
        progress: called with the number of bytes that are read by now.

    Raises:
        DatakitError: the source cannot be read, or its columns do not fit.
    """
    source = load.source
    if not isinstance(source, DatabaseSource):
        return _staged(connection, load, (), progress)
    key = _primary_key(source, source.extraction(load.table).columns)
    complete = set(bronze_columns(load)) <= set(source.extraction(load.table).columns)
    if source.database.dialect == "postgresql" and complete:
        hashes = source.csv_of(_hashes_query(load, source, key))
        return _copied(connection, load, hashes, key, progress)
    rows = source.csv_of(_ordered_query(load, source, key))
    return _staged(connection, replace(load, source=rows), key, progress)


def _primary_key(source: DatabaseSource, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of the source's primary key; none where it has none, or not all of them are read."""
    engine = engine_for(source.database)
    schema, _, name = source.table.rpartition(".")
    with engine.transaction() as connection:
        engine.forbid_writes()
        try:
            found = inspect(connection).get_pk_constraint(name, schema=schema or None)
        except NoSuchTableError:
            # Reading it will say so.
            return ()
    key = tuple(found["constrained_columns"])
    return key if set(key) <= set(columns) else ()


def _ordered_query(load: Load, source: DatabaseSource, key: tuple[str, ...]) -> str:
    extraction, dialect = source.extraction(load.table), source.database.dialect
    # By its own name a column would be put in the order of the text that it is read as.
    rows = extraction.select(dialect, also=key).subquery("rows_of_the_source")
    query = select(*(rows.c[name] for name in extraction.columns))
    return written_out(query.order_by(*(rows.c[place] for place in _places(key))), dialect)


def _places(key: tuple[str, ...]) -> list[str]:
    """What the columns of the key are called, as they are in the source; see `Extraction.select`."""
    return [f"datakit_{number}" for number in range(len(key))]


def _hashes_query(load: Load, source: DatabaseSource, key: tuple[str, ...]) -> str:
    rows = source.extraction(load.table).select("postgresql", also=key)
    places = _places(key)
    # What is kept behind OFFSET is worked out once. Else the planner would turn each value into text once
    # for every place where it is used.
    inner = rows.order_by(*map(literal_column, places)).offset(literal_column("0")).subquery("rows")
    called = _called([inner.c[place] for place in places])
    # The hash is over the values in the order of the table's columns, whatever that of the source's.
    hashed = row_hash(inner, bronze_columns(load))
    query = select(cast(called, Text).label(KEY), hashed.label(HASH))
    return written_out(query.order_by(*(inner.c[place] for place in places)), "postgresql")


def _copied(
    connection: Connection,
    load: Load,
    hashes: CsvSource,
    key: tuple[str, ...],
    progress: Callable[[int], None],
) -> SourceHashes:
    rows = Table(
        _HASHES,
        MetaData(),
        SqlColumn(PLACE, BigInteger, Identity(always=True)),
        SqlColumn(KEY, ARRAY(Text)),
        SqlColumn(HASH, LargeBinary),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    connection.execute(CreateTable(rows))
    with open_csv(hashes, load.full_table_name, [KEY, HASH], [KEY, HASH], progress) as opened:
        copy_rows(connection, opened, ("pg_temp", _HASHES), hashes)
    called: ColumnElement[Any] = rows.c[KEY] if key else _called([rows.c[PLACE]])
    return SourceHashes(select(rows.c[PLACE], called.label(KEY), rows.c[HASH]).subquery("offered"), key)


def _staged(
    connection: Connection, load: Load, key: tuple[str, ...], progress: Callable[[int], None]
) -> SourceHashes:
    rows = fill_stage(connection, load, progress).table
    called = _called([rows.c[name] for name in key or (POSITION,)])
    hashed = row_hash(rows, bronze_columns(load))
    query = select(rows.c[POSITION].label(PLACE), called.label(KEY), hashed.label(HASH))
    return SourceHashes(query.offset(literal_column("0")).subquery("offered"), key)


def _called(values: list[ColumnElement[Any]]) -> ColumnElement[Any]:
    return cast(array([cast(value, Text) for value in values]), ARRAY(Text))
