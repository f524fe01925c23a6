"""Rows that Python has, one by one: typed rows, mappings, lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from sqlmodel import SQLModel

from ...base.tables import is_generated, own_columns, table_of
from ...errors import ContractError, TerminalError
from ..csv_text import write_csv
from ..streams import PushedStream
from ..value_text import Writer, writers
from .csv import CsvSource
from .outside import OutsideSource

__all__ = ["JsonLinesSource", "Row", "RowSource", "rows_as_csv"]

Row = SQLModel | Mapping[str, Any]
"""A row: an instance of a typed table, or values by the names of columns."""


@dataclass(frozen=True, kw_only=True)
class RowSource(OutsideSource):
    """Rows that an iterator yields.

    They are read one after another, never held together, and one row costs some microseconds: where rows
    come in columns, as of Arrow or Parquet, the sources for those are many times faster.

    Args:
        rows: returns the rows anew; called for each load, and again when a row breaks the contract of its
            table.
        columns: the names of the columns that the rows have, where a row need not have all. By default
            those of the first row; one that a later row lacks is null there.
        name, system, host, extraction_method: as of every source outside of the target.
    """

    rows: Callable[[], Iterable[Row]]
    columns: tuple[str, ...] | None = None
    extraction_method: str = "api"

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """The rows, each value as the databases read it."""
        return rows_as_csv(self, table, self.columns, lambda: enumerate(self.rows(), 1), "row")


@dataclass(frozen=True, kw_only=True)
class JsonLinesSource(OutsideSource):
    """A file of JSON lines (UTF-8): one object a line, whose names are columns. Empty lines count for none.

    An object or a list inside of another is kept as JSON. A number that is no whole one keeps its digits.

    Args:
        open: returns the file, opened in binary mode; called for each load, and again when a row breaks the
            contract of its table.
        columns: the names of the columns, where a line need not have all. By default those of the first
            line; one that a later line lacks is null there.
        name, system, host, extraction_method: as of every source outside of the target.
    """

    open: Callable[[], BinaryIO]
    columns: tuple[str, ...] | None = None

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """The lines as records."""
        return rows_as_csv(self, table, self.columns, self._rows, "line")

    def _rows(self) -> Iterator[tuple[int, Row]]:
        try:
            file = self.open()
        except OSError as error:
            raise TerminalError(f"{self.name} cannot be opened: {error.strerror or error}") from error
        with file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, self._object(number, line)

    def _object(self, number: int, line: bytes) -> Mapping[str, Any]:
        try:
            found = json.loads(line, parse_float=_Digits)
        except UnicodeDecodeError:
            raise ContractError(f"{self.name}, line {number}: it is not UTF-8") from None
        except ValueError as error:
            raise ContractError(f"{self.name}, line {number}: it is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise ContractError(f"{self.name}, line {number}: it is no object, but {type(found).__name__}")
        return found


class _Digits(float):
    """A number with the digits that it was written in; inside of a JSON value it is the number alone."""

    def __new__(cls, digits: str) -> _Digits:
        made = super().__new__(cls, digits)
        made.digits = digits
        return made

    digits: str

    def __str__(self) -> str:
        return self.digits


def rows_as_csv(
    source: OutsideSource,
    table: type[SQLModel],
    columns: tuple[str, ...] | None,
    rows: Callable[[], Iterable[tuple[int, Row]]],
    unit: str,
) -> CsvSource:
    """Rows as a CSV file that is written while it is read.

    Args:
        source: what is called so.
        table: where the rows go, as far as it says how a value is written.
        columns: the names of the columns; by default those of the first row.
        rows: returns the rows anew, each with its number.
        unit: what is numbered: "row" or "line".
    """

    def push(file: BinaryIO) -> None:
        numbered = iter(rows())
        first = next(numbered, None)
        names = columns or _columns(table, None if first is None else _mapping(first[1]))
        known = writers(table, names)
        every = numbered if first is None else chain([first], numbered)
        write_csv(file, names, (_texts(source, table, known, unit, *each) for each in every))

    return CsvSource(
        open=lambda: PushedStream(push),  # type: ignore[arg-type,return-value]
        null="",
        name=source.name,
        system=source.system,
        host=source.host,
        extraction_method=source.extraction_method,
    )


def _columns(table: type[SQLModel], first: Mapping[str, Any] | None) -> tuple[str, ...]:
    if first is not None:
        return tuple(first)
    # No row came: what a row would have to have is offered.
    columns = own_columns(table)
    return tuple(column.name for column in columns if not is_generated(table, column))


def _mapping(row: Row) -> Mapping[str, Any]:
    if not isinstance(row, SQLModel):
        return row
    cls = type(row)
    values = {}
    for column in table_of(cls).columns:
        value = getattr(row, cls.__mapper__.get_property_by_column(column).key)  # type: ignore[attr-defined]
        if value is not None or not is_generated(cls, column):
            values[column.name] = value
    return values


def _texts(
    source: OutsideSource,
    table: type[SQLModel],
    known: Mapping[str, Writer],
    unit: str,
    number: int,
    row: Row,
) -> list[str | None]:
    values = _mapping(row)
    if not values.keys() <= known.keys():
        stranger = next(name for name in values if name not in known)
        raise ContractError(
            f"{source.name}, {unit} {number}: the column {stranger!r} is not among those of the first "
            f"{unit}, or of columns=",
            hint=f"name every column of {table_of(table).fullname} that can come, in columns=(...)",
            table=table_of(table).fullname,
            column=stranger,
        )
    get = values.get
    try:
        return [None if (value := get(name)) is None else write(value) for name, write in known.items()]
    except (TypeError, ValueError):
        raise _unwritable(source, table, known, f"{unit} {number}", values) from None


def _unwritable(
    source: OutsideSource,
    table: type[SQLModel],
    known: Mapping[str, Writer],
    where: str,
    values: Mapping[str, Any],
) -> ContractError:
    """Which value of a row has no text, and why."""
    for name, write in known.items():
        value = values.get(name)
        try:
            if value is not None:
                write(value)
        except (TypeError, ValueError) as error:
            return ContractError(
                f"{source.name}, {where}: {name} cannot be written: {error}",
                hint="nothing was loaded; mend the value, or keep it as bytes",
                table=table_of(table).fullname,
                column=name,
            )
    raise AssertionError(f"{source.name}, {where}: every value can be written")
