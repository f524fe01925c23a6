"""CSV files by COPY: the stream goes to the server as it is read, in constant memory."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import psycopg2
from psycopg2 import sql
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ...errors import ContractError, TerminalError
from ...loading.sources import CsvSource

__all__ = ["CsvRows", "copy_rows", "open_csv"]

_CHUNK = 1 << 16
_LONGEST_HEADER = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE = re.compile(r"line (\d+)")
# Before PostgreSQL 18 a line with only this ends a COPY, and everything after it is lost without a word.
_END_OF_COPY = re.compile(rb"[\r\n]\\\.(?=[\r\n])")
_MEANINGS = (
    ("extra data after last expected column", "it has more fields than the header"),
    ("missing data for column", "it has fewer fields than the header"),
    ("unquoted newline found in data", "its line end differs from that of the lines before"),
    ("unquoted carriage return found in data", "its line end differs from that of the lines before"),
    ('invalid byte sequence for encoding "UTF8": 0x00', "it holds a zero byte"),
    ("invalid byte sequence for encoding", "it is not UTF-8"),
)


class CsvRows:
    r"""A CSV file as a stream of bytes, of which the header has been looked at.

    Attributes:
        header: the names in the header.
        refuse_end_of_copy: whether a line with only `\.` is an error.
        error: what went wrong while reading; the driver hides it from its caller.
        last_quote_line: the line of the last double quote that was read.
    """

    def __init__(self, file: BinaryIO, source: CsvSource, progress: Callable[[int], None]) -> None:
        self._file = file
        self._source = source
        self._progress = progress
        self._bytes_read = 0
        self.error: BaseException | None = None
        self.refuse_end_of_copy = False
        self.last_quote_line = 1
        self.header, self._pending, self._line_end = self._read_header()
        self._line = 1
        self._tail = b"\n"

    def read(self, size: int = -1) -> bytes:
        """The next bytes; at most `size` of them."""
        try:
            data, self._pending = self._pending, b""
            if not data:
                data = self._next(size)
            elif 0 <= size < len(data):
                data, self._pending = data[:size], data[size:]
            self._look_at(data)
            return data
        except BaseException as error:
            self.error = error
            raise

    def _next(self, size: int) -> bytes:
        data = self._file.read(size)
        self._bytes_read += len(data)
        self._progress(self._bytes_read)
        return data

    def _read_header(self) -> tuple[list[str], bytes, bytes]:
        """The names, the bytes that were read for them, and the byte that ends a line."""
        buffer = b""
        while True:
            chunk = self._next(_CHUNK)
            buffer += chunk
            end = _end_of_record(buffer, final=not chunk)
            if end is not None:
                break
            if len(buffer) > _LONGEST_HEADER:
                raise self._complaint("no header line within 1 MiB")
        buffer, start = buffer.removeprefix(_BYTE_ORDER_MARK), len(buffer)
        header = buffer[: end - (start - len(buffer))]
        try:
            text = header.decode("utf-8")
        except UnicodeDecodeError:
            raise self._complaint("the header is not UTF-8") from None
        if not text.strip("\r\n"):
            raise self._complaint("the header line is missing")
        if "\0" in text:
            raise self._complaint("the header holds a zero byte")
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise self._complaint(f"the header cannot be read: {error}") from None
        return names, buffer, b"\r" if header.endswith(b"\r") else b"\n"

    def _complaint(self, what: str) -> ContractError:
        return ContractError(f"{self._source.name}, line 1: {what}")

    def _look_at(self, data: bytes) -> None:
        quote = data.rfind(b'"')
        if quote >= 0:
            self.last_quote_line = self._line + data.count(self._line_end, 0, quote)
        if self.refuse_end_of_copy:
            joined = self._tail + data
            found = _END_OF_COPY.search(joined)
            if found is not None:
                line = self._line + joined[len(self._tail) : found.start() + 1].count(self._line_end)
                raise ContractError(
                    f"{self._source.name}, line {line}: "
                    "a line that holds only \\. cannot be loaded by this server",
                    hint="PostgreSQL before 18 takes it for the end of the data; put it in quotes",
                )
            self._tail = joined[-3:]
        self._line += data.count(self._line_end)


@contextmanager
def open_csv(
    source: CsvSource,
    table: str,
    names: list[str],
    required: list[str],
    progress: Callable[[int], None],
) -> Iterator[CsvRows]:
    """Open a source and compare its header with the columns of a table, by name.

    Raises:
        TerminalError: the file cannot be opened.
        ContractError: the header differs; every column that does is named.
    """
    try:
        file = source.open()
    except OSError as error:
        raise TerminalError(f"{source.name} cannot be opened: {error.strerror or error}") from error
    with file:
        rows = CsvRows(file, source, progress)
        wrong = [f"the column {name} is missing" for name in required if name not in rows.header]
        wrong += [f"the column {name!r} is not in {table}" for name in rows.header if name not in names]
        twice = sorted({name for name in rows.header if rows.header.count(name) > 1})
        wrong += [f"the column {name} comes twice" for name in twice]
        if wrong:
            raise ContractError(
                f"{source.name}, line 1: the header does not fit: {'; '.join(wrong)}", table=table
            )
        yield rows


def copy_rows(connection: Connection, rows: CsvRows, table: str, source: CsvSource) -> int:
    """COPY the rows into a temporary table; returns how many the server counted.

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
    statement = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN WITH ({})").format(
        sql.Identifier(table), columns, sql.SQL(", ").join(options)
    )
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(statement, rows, size=_CHUNK)
        except psycopg2.Error as error:
            if rows.error is not None:
                raise _read_error(rows.error, source) from error
            if error.pgcode and error.pgcode[:2] == "22":
                raise _broken_row(error, rows, source) from None
            raise DBAPIError("COPY", {}, error) from error
        return int(cursor.rowcount)


def _read_error(error: BaseException, source: CsvSource) -> BaseException:
    if isinstance(error, OSError | EOFError):
        return TerminalError(f"{source.name} cannot be read: {error}")
    return error


def _broken_row(error: psycopg2.Error, rows: CsvRows, source: CsvSource) -> ContractError:
    text = error.diag.message_primary or str(error)
    meaning = next((words for start, words in _MEANINGS if text.startswith(start)), text)
    found = _LINE.search(error.diag.context or "")
    line = f", line {found[1]}" if found else ""
    if text == "unterminated CSV quoted field":
        # The server names the end of the file, which is as far as it looked.
        line = f", line {rows.last_quote_line}"
        meaning = "a quote that is opened here is never closed"
    return ContractError(
        f"{source.name}{line}: {meaning}", hint="nothing of this file was loaded; mend it and run again"
    )


def _end_of_record(buffer: bytes, *, final: bool) -> int | None:
    """Where the first record ends, behind its line end; None when more bytes are needed."""
    quoted = False
    for match in re.finditer(rb'["\r\n]', buffer):
        if match[0] == b'"':
            quoted = not quoted
        elif not quoted:
            if match[0] == b"\n":
                return match.end()
            if match.end() < len(buffer):
                return match.end() + (buffer[match.end() : match.end() + 1] == b"\n")
            if final:
                return match.end()
    return len(buffer) if final else None
