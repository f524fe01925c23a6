"""The rows of an extraction, as a stream of CSV in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, BinaryIO

import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.loading.csv_text import write_csv
from sqlmodel_framework.loading.extraction import Extraction
from sqlmodel_framework.loading.streams import PushedStream
from sqlmodel_framework.runner.step import StepContext
from sqlmodel_framework.targets.target import Target

from .connection import open_connection
from .errors import translate
from .text import text_of

__all__ = ["open_rows", "stream"]

# Rows that are in memory at once; one of them may hold large objects.
_ROWS_AT_ONCE = 256
_PADDED = ("char", "nchar")


def open_rows(context: StepContext, extraction: Extraction) -> BinaryIO:
    """Open the rows of an extraction from the context's source."""
    assert context.source is not None
    return stream(context.source, extraction)


def stream(source: Target, extraction: Extraction) -> BinaryIO:
    """The rows of an extraction from a server, after a header line.

    Reading raises what goes wrong in the source; closing early cancels the query.

    Raises:
        DatakitError: the server cannot be reached.
    """
    connection = open_connection(source)
    cursor = connection.cursor()
    cursor.arraysize = _ROWS_AT_ONCE
    query = extraction.sql("mssql")

    def push(file: BinaryIO) -> None:
        with closing(connection):
            try:
                padded = _padded_columns(cursor, query)
                cursor.execute(query)
                write_csv(file, extraction.columns, _texts(cursor, padded, source, extraction))
            except pyodbc.Error as error:
                raise translate(error, source) from None

    return PushedStream(push, cancel=cursor.cancel)  # type: ignore[return-value]


def _padded_columns(cursor: pyodbc.Cursor, query: str) -> frozenset[int]:
    """The places of columns whose values SQL Server fills up with blanks; PostgreSQL's text has none."""
    text = "N'" + query.replace("'", "''") + "'"
    described = cursor.execute(
        "SELECT column_ordinal, system_type_name "
        f"FROM sys.dm_exec_describe_first_result_set({text}, NULL, 0) WHERE error_number IS NULL"
    ).fetchall()
    return frozenset(
        place - 1 for place, kind in described if kind is not None and kind.partition("(")[0] in _PADDED
    )


def _texts(
    cursor: pyodbc.Cursor, padded: frozenset[int], source: Target, extraction: Extraction
) -> Iterator[Sequence[str | None]]:
    while rows := cursor.fetchmany():
        for row in rows:
            yield [
                _text(value, place in padded, source, extraction, place) for place, value in enumerate(row)
            ]


def _text(value: Any, padded: bool, source: Target, extraction: Extraction, place: int) -> str | None:
    try:
        text = text_of(value)
    except TypeError as error:
        raise TerminalError(
            f"SQL Server {source.name}: {extraction.table}.{extraction.columns[place]}: {error}",
            hint="give the source a view that casts it",
            target=source.name,
        ) from None
    return text.rstrip(" ") if padded and text is not None else text
