"""Cut a table of PostgreSQL into ranges of a column, all of them read as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, text
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.loading.extraction import Extraction

from .jdbc import SESSION

__all__ = ["Reading", "ranges", "reading"]

# As `Extraction.sql` names the column beside the others.
_COLUMN = '"datakit_0"'

_WHOLE = frozenset({"smallint", "integer", "bigint"})
_TIMES = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_OTHERS = frozenset({"numeric", "real", "double precision"})


@dataclass(frozen=True)
class Reading:
    """How every part of a table is read.

    Attributes:
        query: the rows, with the partition column beside them where there is one.
        predicates: a condition for each part; together they hold once for every row. None: one part.
        session: SQL for the session of each part, which makes all of them see the same moment.
    """

    query: str
    predicates: tuple[str, ...] | None
    session: str


@contextmanager
def reading(engine: BaseEngine, extraction: Extraction, column: str | None, parts: int) -> Iterator[Reading]:
    """Hold a moment of the source open, and say how to read it; at the end of the block it is let go.

    Args:
        engine: the source's; it is connected for the time of the block.
        extraction: what is read.
        column: by whose ranges it is cut; None for one part.
        parts: how many ranges at most.

    Raises:
        TerminalError: the table, or a column, is not there; or the column has no ranges.
        DatakitError: any other error of the source.
    """
    query = extraction.sql("postgresql", also=(column,) if column else ())
    with engine.transaction() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        snapshot: str = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        path: str = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
        # What is wrong with the query is told by this, in the words of the source.
        described = connection.exec_driver_sql(
            f"SELECT * FROM ({query}) AS datakit_rows LIMIT 0", execution_options={"no_parameters": True}
        )
        cursor = described.cursor
        assert cursor is not None
        oid: Any = cursor.description[-1][1]
        described.close()
        predicates = None
        if column is not None:
            predicates = ranges(_boundaries(connection, query, column, oid, parts))
        quoted_path = f"set_config('search_path', {_literal(path)}, false)"
        session = (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; "
            f"SET TRANSACTION SNAPSHOT {_literal(snapshot)}; {SESSION}; SELECT {quoted_path}"
        )
        yield Reading(query=query, predicates=predicates, session=session)


def ranges(boundaries: Sequence[str]) -> tuple[str, ...] | None:
    """A condition for each range between boundaries, which are SQL. NULL belongs to the first range.

    >>> ranges(["5"])
    ('"datakit_0" < 5 OR "datakit_0" IS NULL', '"datakit_0" >= 5')
    """
    if not boundaries:
        return None
    between = (f"{_COLUMN} >= {low} AND {_COLUMN} < {high}" for low, high in pairwise(boundaries))
    first = f"{_COLUMN} < {boundaries[0]} OR {_COLUMN} IS NULL"
    return (first, *between, f"{_COLUMN} >= {boundaries[-1]}")


def _boundaries(connection: Connection, query: str, column: str, oid: int, parts: int) -> list[str]:
    """Where the ranges meet: PostgreSQL itself computes equal steps from the least to the greatest value."""
    type_name: str = connection.execute(text("SELECT format_type(:oid, NULL)"), {"oid": oid}).scalar_one()
    step = f"low + (high - low) * part / {parts}"
    if type_name in _WHOLE:
        # In numbers of any size: the difference of two of them may be too large for their type.
        step = f"floor(low::numeric + (high::numeric - low::numeric) * part / {parts})"
    elif type_name not in _TIMES | _OTHERS:
        raise TerminalError(
            f"the partition column {column!r} is of the type {type_name}",
            hint="it has to be a number, a date or a timestamp",
        )
    finite = f"isfinite({_COLUMN})" if type_name in _TIMES else "true"
    found = connection.exec_driver_sql(
        f"WITH bounds AS (SELECT min({_COLUMN}) AS low, max({_COLUMN}) AS high "
        f"FROM ({query}) AS datakit_rows WHERE {finite}), "
        f"steps AS (SELECT DISTINCT ({step})::{type_name} AS boundary "
        f"FROM bounds, generate_series(1, {parts - 1}) AS part WHERE low < high) "
        # By its value: as a text, 9 would come after 10.
        "SELECT boundary::text AS words FROM steps ORDER BY steps.boundary",
        execution_options={"no_parameters": True},
    )
    boundaries: list[str] = list(found.scalars())
    return [f"{_literal(boundary)}::{type_name}" for boundary in boundaries]


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
