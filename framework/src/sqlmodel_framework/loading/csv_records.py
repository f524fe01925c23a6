"""CSV as records, for databases that have no COPY: where a null stands apart from an empty text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import ContractError
from .csv_file import CHUNK, CsvRows, read_error

if TYPE_CHECKING:
    from .sources import CsvSource

__all__ = ["read_records"]

# A field in quotes, or one without, and what ends it: a comma, or a line end as the header has it.
_FIELD = r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))'
_FIELDS = {b"\n": re.compile(_FIELD + r"(,|\r?\n)"), b"\r": re.compile(_FIELD + r"(,|\r)")}
# What is wrong with a text that does not begin with a field, though it is long enough to tell.
_FAULTS = (
    (re.compile(r'[^",\r\n]+"|"(?:[^"]|"")*"[^",\r\n]'), "a quote stands inside of a value"),
    (re.compile(_FIELD + r"(?:\n|\r[^\n])"), "its line end differs from that of the lines before"),
)


def read_records(rows: CsvRows, source: CsvSource) -> Iterator[list[str | None]]:
    """The records after the header, each with a value for every name in the header.

    Raises:
        ContractError: a record is broken; the message names file and line.
        TerminalError: the file cannot be read to its end.
    """
    wanted = len(rows.header)
    first = True
    line = 1
    for record, lines in _split(rows, source):
        if first:
            first = False
        elif len(record) != wanted:
            more = "more" if len(record) > wanted else "fewer"
            raise _broken(source, line, f"it has {more} fields than the header")
        else:
            yield [value if quoted or value != source.null else None for value, quoted in record]
        line += lines


def _split(rows: CsvRows, source: CsvSource) -> Iterator[tuple[list[tuple[str, bool]], int]]:
    """Each record as pairs of a value and whether it stood in quotes, and the number of lines it takes."""
    record: list[tuple[str, bool]] = []
    lines, line = 0, 1
    text = ""
    ended = False
    field, line_end = _FIELDS[rows.line_end], rows.line_end.decode()
    reader = io.TextIOWrapper(io.BufferedReader(_Bytes(rows), CHUNK), encoding="utf-8", newline="")
    while not ended:
        try:
            piece = reader.read(CHUNK)
        except UnicodeDecodeError as error:
            before = text.count("\n") + error.object[: error.start].count(b"\n")
            raise _broken(source, line + before, "it is not UTF-8") from None
        except (OSError, EOFError) as error:
            raise read_error(rows.error or error, source) from error
        ended = not piece
        text += piece
        if ended and text and not text.endswith(line_end):
            text += line_end
        place = 0
        while (match := field.match(text, place)) is not None:
            in_quotes, plain, end = match.groups()
            quoted = in_quotes is not None
            value = in_quotes.replace('""', '"') if quoted else plain
            if "\0" in value:
                raise _broken(source, line, "it holds a zero byte")
            record.append((value, quoted))
            lines += value.count("\n") if quoted else 0
            place = match.end()
            if end != ",":
                yield record, lines + 1
                line += lines + 1
                record, lines = [], 0
        text = text[place:]
        for fault, what in _FAULTS:
            if fault.match(text):
                raise _broken(source, line, what)
        if ended and text:
            raise _broken(source, line, "a quote that is opened here is never closed")


def _broken(source: CsvSource, line: int, what: str) -> ContractError:
    return ContractError(
        f"{source.name}, line {line}: {what}", hint="nothing of this file was loaded; mend it and run again"
    )


class _Bytes(io.RawIOBase):
    """What `io` needs of a file to decode it."""

    def __init__(self, rows: CsvRows) -> None:
        self._rows = rows

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._rows.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
