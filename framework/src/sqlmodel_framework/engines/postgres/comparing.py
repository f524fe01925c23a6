"""Two sets of rows, compared in a temporary table: in order, cut into chunks, by count and checksum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Subquery,
    Text,
    and_,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, array
from sqlalchemy.sql.elements import ColumnElement

from ...verify.result import ChunkDifference
from .stage import CreateTemporaryAs

__all__ = ["HASH", "KEY", "PLACE", "Compared", "compare_by_hash", "compare_by_key"]

HASH = "datakit_hash"
"""The column with the hash of a row's values."""

PLACE = "datakit_place"
"""The column with a row's place in its source."""

KEY = "datakit_key"
"""The column with what a row of a source is called by: an array of texts."""

_NAME = "datakit_compared"
_OCCURRENCE = "datakit_occurrence"
_COMPARED = table(
    _NAME,
    column("place", BigInteger),
    column("key", ARRAY(Text)),
    column("source"),
    column("target"),
    schema="pg_temp",
)
_BITS = 64


@dataclass(frozen=True)
class Compared:
    """What came of it; see `sqlmodel_framework.verify.result.Comparison`."""

    source_rows: int
    target_rows: int
    chunks: int
    differences: tuple[ChunkDifference, ...]


def compare_by_key(
    connection: Connection,
    source: Subquery,
    target: Subquery,
    key: Sequence[str],
    *,
    whole: bool,
    chunk_rows: int,
) -> Compared:
    """Compare rows that a key tells apart; they are put in its order.

    Args:
        connection: in a transaction that will be rolled back.
        source: with the columns of the key, and `HASH`.
        target: the same.
        key: the names of columns that are never null.
        whole: whether rows count that only the target has.
        chunk_rows: how many rows are one chunk.
    """
    same = and_(*(source.c[name] == target.c[name] for name in key))
    places: list[ColumnElement[Any]] = [func.coalesce(source.c[name], target.c[name]) for name in key]
    called = cast(array([cast(each, Text) for each in places]), ARRAY(Text))
    return _compare(connection, source, target, same, places, called, whole=whole, chunk_rows=chunk_rows)


def compare_by_hash(
    connection: Connection, source: FromClause, target: FromClause, *, whole: bool, chunk_rows: int
) -> Compared:
    """Compare rows that only their values tell apart, with multiplicity; they are in the source's order.

    Args:
        connection: in a transaction that will be rolled back.
        source: with the columns `PLACE`, `KEY` and `HASH`.
        target: with the column `HASH`.
        whole: whether rows count that only the target has; they come last.
        chunk_rows: how many rows are one chunk.
    """
    numbered = select(source, _occurrence(source, source.c[PLACE])).subquery("source_rows")
    there = select(target, _occurrence(target)).subquery("target_rows")
    same = and_(*(numbered.c[name] == there.c[name] for name in (HASH, _OCCURRENCE)))
    places: list[ColumnElement[Any]] = [numbered.c[PLACE].nulls_last()]
    return _compare(
        connection, numbered, there, same, places, numbered.c[KEY], whole=whole, chunk_rows=chunk_rows
    )


def _occurrence(rows: FromClause, *order: ColumnElement[Any]) -> ColumnElement[Any]:
    number = func.row_number().over(partition_by=rows.c[HASH], order_by=list(order) or None)
    return number.label(_OCCURRENCE)


def _compare(
    connection: Connection,
    source: Subquery,
    target: Subquery,
    same: ColumnElement[bool],
    places: list[ColumnElement[Any]],
    called: ColumnElement[Any],
    *,
    whole: bool,
    chunk_rows: int,
) -> Compared:
    joined = source.outerjoin(target, same, full=whole)
    query = select(
        func.row_number().over(order_by=places).label("place"),
        called.label("key"),
        source.c[HASH].label("source"),
        target.c[HASH].label("target"),
    ).select_from(joined)
    connection.execute(CreateTemporaryAs(_NAME, query))
    counts = select(
        func.count(_COMPARED.c.source), func.count(_COMPARED.c.target), func.max(_COMPARED.c.place)
    )
    counted = connection.execute(counts).one()
    return Compared(
        source_rows=counted[0],
        target_rows=counted[1],
        chunks=-(-(counted[2] or 0) // chunk_rows),
        differences=tuple(_difference(row) for row in connection.execute(_chunks_that_differ(chunk_rows))),
    )


def _chunks_that_differ(chunk_rows: int) -> Any:
    rows = _COMPARED
    size: ColumnElement[int] = literal_column(str(chunk_rows), BigInteger)
    number = ((rows.c.place - literal(1)) // size).label("number")
    both = and_(rows.c.source.is_not(None), rows.c.target.is_not(None))
    differs = rows.c.source.is_distinct_from(rows.c.target)
    # What only the target has may have no key to be called by.
    named = rows.c.key.is_not(None)
    chunks = (
        select(
            number,
            func.min(rows.c.place).filter(named).label("first"),
            func.max(rows.c.place).filter(named).label("last"),
            func.count(rows.c.source).label("source_rows"),
            func.sum(_beginning(rows.c.source)).label("source_sum"),
            func.count(rows.c.target).label("target_rows"),
            func.sum(_beginning(rows.c.target)).label("target_sum"),
            func.count().filter(rows.c.target.is_(None)).label("missing"),
            func.count().filter(both, differs).label("changed"),
            func.count().filter(rows.c.source.is_(None)).label("extra"),
        )
        .group_by(number)
        .having(func.count().filter(differs) > 0)
        .subquery("chunks")
    )
    first, last = rows.alias("first_row"), rows.alias("last_row")
    return (
        select(chunks, first.c.key.label("first_key"), last.c.key.label("last_key"))
        .select_from(
            chunks.outerjoin(first, first.c.place == chunks.c["first"]).outerjoin(
                last, last.c.place == chunks.c["last"]
            )
        )
        .order_by(chunks.c.number)
    )


def _beginning(hashed: ColumnElement[Any]) -> ColumnElement[Any]:
    """The first eight bytes of a hash as a number, which a sum of many of them turns into a numeric."""
    digits = literal_column("'x'", Text).concat(func.encode(func.substr(hashed, 1, _BITS // 8), "hex"))
    return cast(cast(digits, BIT(_BITS)), BigInteger)


def _difference(row: Any) -> ChunkDifference:
    return ChunkDifference(
        number=row.number + 1,
        first=tuple(row.first_key or ()),
        last=tuple(row.last_key or ()),
        source_rows=row.source_rows,
        source_checksum=_checksum(row.source_sum),
        target_rows=row.target_rows,
        target_checksum=_checksum(row.target_sum),
        missing=row.missing,
        changed=row.changed,
        extra=row.extra,
    )


def _checksum(total: Decimal | None) -> str:
    return f"{int(total or 0) % 2**_BITS:0{_BITS // 4}x}"
