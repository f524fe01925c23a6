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
_LINE = re.compile(r"line (\d+)")
# Before PostgreSQL 18 a line with only this ends a COPY, and everything after it is lost without a word.
_END_OF_COPY = re.compile(rb"[\r\n]\\\.(?=[\r\n])")
_MEANINGS = (
    ("extra data after last expected column", "it has more fields than the header"),
    ("missing data for column", "it has fewer fields than the header"),
    ("unterminated CSV quoted field", "a quote that is opened is never closed"),
    ("unquoted newline found in data", "its line end differs from that of the lines before"),
    ("unquoted carriage return found in data", "its line end differs from that of the lines before"),
    ('invalid byte sequence for encoding "UTF8": 0x00', "it holds a zero byte"),
    ("invalid byte sequence for encoding", "it is not UTF-8"),
)


class CsvRows:
    """The rows of a CSV file after its header, as a stream of bytes.

    Attributes:
        header: the names in the header.
        header_lines: how many lines the header takes.
        error: what went wrong while reading; the driver hides it from its caller.
    """

    def __init__(self, file: BinaryIO, source: CsvSource, progress: Callable[[int], None]) -> None:
        self._file = file
        self._source = source
        self._progress = progress
        self._bytes_read = 0
        self.error: BaseException | None = None
        self.header, self.header_lines, self._pending = self._read_header()
        self._lines = self.header_lines
        self._tail = b"\n"
        self.refuse_end_of_copy = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes; at most `size` of them."""
        try:
            data, self._pending = self._pending, b""
            if not data:
                data = self._next(size)
            elif 0 <= size < len(data):
                data, self._pending = data[:size], data[size:]
            if self.refuse_end_of_copy:
                self._look_for_end_of_copy(data)
            return data
        except BaseException as error:
            self.error = error
            raise

    def _next(self, size: int) -> bytes:
        data = self._file.read(size)
        self._bytes_read += len(data)
        self._progress(self._bytes_read)
        return data

    def _read_header(self) -> tuple[list[str], int, bytes]:
        buffer = b""
        while True:
            chunk = self._next(_CHUNK)
            buffer += chunk
            end = _end_of_record(buffer, final=not chunk)
            if end is not None:
                break
            if len(buffer) > _LONGEST_HEADER:
                raise ContractError(f"{self._source.name}, line 1: no header line within 1 MiB")
        text = self._decoded(buffer[:end].removeprefix(b"\xef\xbb\xbf"))
        if not text.strip():
            raise ContractError(f"{self._source.name}, line 1: the header line is missing")
        if "\0" in text:
            raise ContractError(f"{self._source.name}, line 1: the header holds a zero byte")
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise ContractError(f"{self._source.name}, line 1: the header cannot be read: {error}") from None
        # The server counts line feeds, or carriage returns where a file has no line feed.
        return names, max(1, text.count("\n") or text.count("\r")), buffer[end:]

    def _decoded(self, header: bytes) -> str:
        try:
            return header.decode("utf-8")
        except UnicodeDecodeError:
            raise ContractError(f"{self._source.name}, line 1: the header is not UTF-8") from None

    def _look_for_end_of_copy(self, data: bytes) -> None:
        joined = self._tail + data
        found = _END_OF_COPY.search(joined)
        if found is not None:
            before = joined[len(self._tail) : found.start() + 1].count(b"\n")
            raise ContractError(
                f"{self._source.name}, line {self._lines + before + 1}: "
                "a line that holds only \\. cannot be loaded by this server",
                hint="PostgreSQL before 18 takes it for the end of the data; put it in quotes",
            )
        self._lines += data.count(b"\n")
        self._tail = joined[-3:]


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
    line = f", line {int(found[1]) + rows.header_lines}" if found else ""
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
