"""Rows that a function makes of others on their way: one by one, or a batch of columns at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import inspect
from sqlmodel import SQLModel

from ...base.tables import table_of
from ...errors import ContractError, DatakitError, TerminalError
from ..csv_file import open_csv
from ..csv_records import read_records
from .arrow import columns_as_csv
from .csv import CsvSource
from .outside import OutsideSource
from .rows import Row, rows_as_csv

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TransformedSource"]


@dataclass(frozen=True, kw_only=True)
class TransformedSource(OutsideSource):
    """What a function makes of another source's rows. Exactly one of `row` and `batch` is given.

    Args:
        of: the other source.
        row: gets a row as an instance of `reads`, and returns a row of the table that is loaded, a list of
            them, or None for no row. Some ten microseconds a row.
        reads: the typed class that the other source's rows are read as.
        batch: gets a `pyarrow.RecordBatch`, and returns another one, all of one schema: for sources that
            come in columns, and the way for many rows.
        name, system, host, extraction_method: by default those of the other source.

    Raises:
        TerminalError: neither or both of `row` and `batch` are given, or `row` without `reads`.
    """

    of: OutsideSource
    row: Callable[[Any], Row | Sequence[Row] | None] | None = None
    reads: type[SQLModel] | None = None
    batch: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if (self.row is None) == (self.batch is None) or (self.row is None) != (self.reads is None):
            raise TerminalError(
                f"a transformation of {self.of.name} needs a function of rows, with the class that they are "
                "read as, or a function of batches",
                hint="give row= and reads=, or batch=",
            )
        for name in ("name", "system", "host"):
            if not getattr(self, name):
                object.__setattr__(self, name, getattr(self.of, name))

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """The rows that the function makes as records."""
        if self.batch is not None:
            return columns_as_csv(self, table, self._columns)
        return rows_as_csv(self, table, None, lambda: enumerate(self._rows(), 1), "row")

    def as_columns(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]] | None:
        """The batches that the function makes."""
        return None if self.batch is None else self._columns()

    def _columns(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        import pyarrow as pa

        found = self.of.as_columns()
        if found is None or self.batch is None:
            raise TerminalError(
                f"{self.of.name} does not come in columns, so there are no batches to transform",
                hint="give row= and reads=",
            )
        schema, batches = found
        # An empty batch says what the function makes of the schema.
        first = self._made(self.batch, pa.RecordBatch.from_pylist([], schema=schema))
        return first.schema, (self._made(self.batch, batch) for batch in batches)

    def _made(self, function: Callable[[Any], Any], given: Any, where: str = "") -> Any:
        try:
            return function(given)
        except DatakitError:
            raise
        except Exception as error:
            raise ContractError(
                f"{self.name}{where}: the transformation failed: {type(error).__name__}: {error}"
            ) from error

    def _rows(self) -> Iterator[Row]:
        assert self.row is not None
        for number, given in enumerate(self._given(), 1):
            made = self._made(self.row, given, f", row {number}")
            if isinstance(made, Sequence):
                yield from made
            elif made is not None:
                yield made

    def _given(self) -> Iterator[SQLModel]:
        assert self.reads is not None
        source = self.of.as_csv(self.reads)
        mapped = inspect(self.reads)
        columns = table_of(self.reads).columns
        with open_csv(source, self.reads.__name__, columns.keys(), [], lambda _: None) as rows:
            names = [mapped.get_property_by_column(columns[name]).key for name in rows.header]
            for number, record in enumerate(read_records(rows, source), 1):
                values = {name: value for name, value in zip(names, record, strict=True) if value is not None}
                try:
                    yield self.reads.model_validate(values)
                except ValidationError as error:
                    first = error.errors()[0]
                    raise ContractError(
                        f"{self.name}, row {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
                    ) from None
