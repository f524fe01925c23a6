"""The rows that a source outside of the target offers, on their way through COPY: as bytes, or as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Column, Connection

from ...loading.csv_file import CsvRows, open_csv
from ...loading.load import Load
from ...loading.sources import CsvSource, OutsideSource
from ...loading.sources.arrow import columns_as_csv
from .arrow_copy import binary_rows
from .csv_copy import copy_rows
from .stage import required_columns

__all__ = ["Offered", "open_rows"]


class Offered(Protocol):
    """What COPY takes."""

    header: list[str]
    """The columns that the source offers."""

    as_text: bool
    """Whether the server reads the values from text, and so names the line of one that it cannot read."""

    @property
    def error(self) -> BaseException | None:
        """What went wrong while reading the source, other than a value."""

    @property
    def bytes_read(self) -> int:
        """How many bytes went over until now."""

    @property
    def checksum(self) -> str:
        """SHA-256 over them, in hex."""

    def copy_into(self, connection: Connection, place: tuple[str, ...]) -> int:
        """COPY the rows into a table; returns how many the server counted.

        Raises:
            ContractError: a row is broken.
        """


class _CsvOffered:
    as_text = True

    def __init__(self, rows: CsvRows, source: CsvSource) -> None:
        self.header = rows.header
        self._rows = rows
        self._source = source

    @property
    def error(self) -> BaseException | None:
        return self._rows.error

    @property
    def bytes_read(self) -> int:
        return self._rows.bytes_read

    @property
    def checksum(self) -> str:
        return self._rows.checksum

    def copy_into(self, connection: Connection, place: tuple[str, ...]) -> int:
        return copy_rows(connection, self._rows, place, self._source)


@contextmanager
def open_rows(
    load: Load,
    type_name: Callable[[Column[Any]], str],
    progress: Callable[[int], None],
    *,
    as_text: bool = False,
) -> Iterator[Offered]:
    """Open the source of a load whose rows have the types of their table.

    Args:
        load: of a source outside of the target.
        type_name: what the database calls the type of a column.
        progress: called with the number of bytes that are read by now.
        as_text: never take bytes.

    Raises:
        TerminalError: the source cannot be opened.
        ContractError: its columns differ from the table's; every one that does is named.
    """
    source = load.source
    assert isinstance(source, OutsideSource)
    columns, required = load.sql_table.columns, required_columns(load)
    found = None if as_text else source.as_columns()
    if found is None:
        csv = source.as_csv(load.table)
    else:
        types = {column.name: type_name(column) for column in columns}
        in_bytes = binary_rows(*found, types, progress) if set(required) <= set(found[0].names) else None
        if in_bytes is not None:
            yield in_bytes
            return
        # They are open, and some can be opened but once.
        csv = columns_as_csv(source, load.table, lambda: found)
    with open_csv(csv, load.full_table_name, columns.keys(), required, progress) as rows:
        yield _CsvOffered(rows, csv)
