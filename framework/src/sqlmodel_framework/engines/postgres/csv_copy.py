"""CSV by COPY, in and out: a stream goes to the server, or comes from it, in constant memory."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import psycopg2
from psycopg2 import sql
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ...errors import ContractError
from ...loading.csv_file import CHUNK, CsvRows, read_error
from ...loading.sources import CsvSource

__all__ = ["copy_rows", "write_query"]

_BYTES_AT_ONCE = 1 << 18
_LINE = re.compile(r"line (\d+)")
_MEANINGS = (
    ("extra data after last expected column", "it has more fields than the header"),
    ("missing data for column", "it has fewer fields than the header"),
    ("unquoted newline found in data", "its line end differs from that of the lines before"),
    ("unquoted carriage return found in data", "its line end differs from that of the lines before"),
    ('invalid byte sequence for encoding "UTF8": 0x00', "it holds a zero byte"),
    ("invalid byte sequence for encoding", "it is not UTF-8"),
)


def copy_rows(connection: Connection, rows: CsvRows, place: tuple[str, ...], source: CsvSource) -> int:
    """COPY the rows into a table; returns how many the server counted.

    Args:
        connection: in a transaction.
        rows: whose header names columns of the table.
        place: the table's schema, if it has one, and name.
        source: where the rows come from.

    Raises:
        ContractError: a row is broken; the message names file and line.
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    rows.refuse_end_of_copy = driver.server_version < 180000
    columns = sql.SQL(", ").join(map(sql.Identifier, rows.header))
    options = [
        sql.SQL("FORMAT csv"),
        sql.SQL("HEADER"),
        sql.SQL("ENCODING 'UTF8'"),
        sql.SQL("NULL {}").format(sql.Literal(source.null or "")),
    ]
    if source.null is None:
        options.append(sql.SQL("FORCE_NOT_NULL ({})").format(columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH ({})").format(
        sql.Identifier(*place), columns, sql.SQL(", ").join(options)
    )
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(statement, rows, size=CHUNK)
        except psycopg2.Error as error:
            if rows.error is not None:
                raise read_error(rows.error, source) from error
            if error.pgcode and error.pgcode[:2] in ("22", "23"):
                raise _broken_row(error, rows, source) from None
            raise DBAPIError("COPY", {}, error) from error
        return int(cursor.rowcount)


def write_query(connection: Connection, query: str, file: BinaryIO) -> None:
    """Write the rows of a query as `sqlmodel_framework.loading.csv_text` does, with a header line.

    Raises:
        DBAPIError: the server refused, or went away.
    """
    driver: Any = connection.connection.driver_connection
    copy = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *, ENCODING 'UTF8')"
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(copy, file, size=_BYTES_AT_ONCE)
        except psycopg2.Error as error:
            raise DBAPIError("COPY", {}, error) from error


def _broken_row(error: psycopg2.Error, rows: CsvRows, source: CsvSource) -> ContractError:
    text = error.diag.message_primary or str(error)
    if error.diag.message_detail and text.startswith("duplicate key"):
        text = f"{text}: {error.diag.message_detail}"
    meaning = next((words for start, words in _MEANINGS if text.startswith(start)), text)
    found = _LINE.search(error.diag.context or "")
    line = f", line {found[1]}" if found else ""
    if text == "unterminated CSV quoted field":
        # The server names the end of the file, which is as far as it looked.
        line = f", line {rows.last_quote_line}"
        meaning = "a quote that is opened here is never closed"
    return ContractError(
        f"{source.name}{line}: {meaning}",
        hint="nothing of this file was loaded; mend it and run again",
        column=error.diag.column_name,
    )
