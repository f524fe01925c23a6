"""CSV files as streams of bytes whose header has been looked at."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ..errors import ContractError, TerminalError

if TYPE_CHECKING:
    from .sources import CsvSource

__all__ = ["CHUNK", "CsvRows", "open_csv", "read_error"]

CHUNK = 1 << 16
_LONGEST_HEADER = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Before PostgreSQL 18 a line with only this ends a COPY, and everything after it is lost without a word.
_END_OF_COPY = re.compile(rb"[\r\n]\\\.(?=[\r\n])")


class CsvRows:
    r"""A CSV file as a stream of bytes, of which the header has been looked at.

    Attributes:
        header: the names in the header.
        line_end: the last byte of the header's line end, a line feed or a carriage return.
        refuse_end_of_copy: whether a line with only `\.` is an error.
        error: what went wrong while reading; the driver hides it from its caller.
        last_quote_line: the line of the last double quote that was read.
        bytes_read: how many bytes the file had until now.
    """

    def __init__(self, file: BinaryIO, source: CsvSource, progress: Callable[[int], None]) -> None:
        self._file = file
        self._source = source
        self._progress = progress
        self._digest = hashlib.sha256()
        self.bytes_read = 0
        self.error: BaseException | None = None
        self.refuse_end_of_copy = False
        self.last_quote_line = 1
        self.header, self._pending, self.line_end = self._read_header()
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

    @property
    def checksum(self) -> str:
        """SHA-256 over what was read until now, in hex."""
        return self._digest.hexdigest()

    def _next(self, size: int) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        self.bytes_read += len(data)
        self._progress(self.bytes_read)
        return data

    def _read_header(self) -> tuple[list[str], bytes, bytes]:
        """The names, the bytes that were read for them, and the byte that ends a line."""
        buffer = b""
        while True:
            chunk = self._next(CHUNK)
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
            self.last_quote_line = self._line + data.count(self.line_end, 0, quote)
        if self.refuse_end_of_copy:
            joined = self._tail + data
            found = _END_OF_COPY.search(joined)
            if found is not None:
                line = self._line + joined[len(self._tail) : found.start() + 1].count(self.line_end)
                raise ContractError(
                    f"{self._source.name}, line {line}: "
                    "a line that holds only \\. cannot be loaded by this server",
                    hint="PostgreSQL before 18 takes it for the end of the data; put it in quotes",
                )
            self._tail = joined[-3:]
        self._line += data.count(self.line_end)


@contextmanager
def open_csv(
    source: CsvSource,
    table: str,
    names: list[str] | None,
    required: list[str],
    progress: Callable[[int], None],
) -> Iterator[CsvRows]:
    """Open a source and compare its header with the columns of a table, by name.

    Args:
        source: the source.
        table: what the table is called in an error.
        names: the columns that there may be; None allows any.
        required: the columns that there must be.
        progress: called with the number of bytes that are read by now.

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
        wrong += [
            f"the column {name!r} is not in {table}"
            for name in rows.header
            if name not in (names or rows.header)
        ]
        twice = sorted({name for name in rows.header if rows.header.count(name) > 1})
        wrong += [f"the column {name} comes twice" for name in twice]
        if wrong:
            raise ContractError(
                f"{source.name}, line 1: the header does not fit: {'; '.join(wrong)}", table=table
            )
        yield rows


def read_error(error: BaseException, source: CsvSource) -> BaseException:
    """What to raise when reading a source has failed: its own error, or one line about the file."""
    if isinstance(error, OSError | EOFError):
        return TerminalError(f"{source.name} cannot be read: {error}")
    return error


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
