"""Columns of Arrow, in memory or in Parquet files: written as CSV a batch at a time, not a row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from sqlmodel import SQLModel

from ...errors import ContractError, TerminalError
from ..csv_text import csv_record
from ..streams import PushedStream
from ..value_text import writers
from .csv import CsvSource
from .outside import OutsideSource

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ArrowSource", "ColumnarSource", "ParquetSource", "columns_as_csv"]

_ROWS_AT_ONCE = 1 << 16


class ColumnarSource(OutsideSource):
    """Rows that come in columns of Arrow, a batch at a time."""

    def as_columns(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The schema, and the batches anew.

        Raises:
            ContractError: there is not even an empty batch, or the file is broken.
            TerminalError: the file cannot be read.
        """
        found = iter(self._found())
        first = next(found, None)
        if first is None:
            raise ContractError(
                f"{self.name} has no batch, and so no schema", hint="offer an empty batch of its schema"
            )
        return first.schema, chain([first], found)

    def _found(self) -> Iterable[pa.RecordBatch]:
        raise NotImplementedError(f"{type(self).__name__} has no batches")

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """The batches as records."""
        return columns_as_csv(self, table, self.as_columns)


@dataclass(frozen=True, kw_only=True)
class ArrowSource(ColumnarSource):
    """Record batches of Arrow. Needs pyarrow, which the wheel's extra `parquet` brings.

    Lists, structures and maps are kept as JSON, or as an array where the table has one.

    Args:
        batches: returns the batches anew, all of one schema, such as a `pyarrow.RecordBatchReader`, or the
            batches of `table.to_batches()`; called for each load, and again when a row breaks the contract of
            its table.
        name, system, host, extraction_method: as of every source outside of the target.
    """

    batches: Callable[[], Iterable[pa.RecordBatch]]
    extraction_method: str = "api"

    def _found(self) -> Iterable[pa.RecordBatch]:
        return self.batches()


@dataclass(frozen=True, kw_only=True)
class ParquetSource(ColumnarSource):
    """A Parquet file, read a row group at a time. Needs pyarrow, which the wheel's extra `parquet` brings.

    Args:
        path: the file.
        name, system, host, extraction_method: as of every source outside of the target; the name is by
            default that of the file.
    """

    path: Path
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.path.name)

    def _found(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path) as file:
                # An empty file has a schema too.
                yield pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
                yield from file.iter_batches(_ROWS_AT_ONCE, use_threads=False)
        except pa.ArrowInvalid as error:
            raise ContractError(f"{self.name} is broken, or no Parquet file: {error}") from None
        except OSError as error:
            raise TerminalError(f"{self.name} cannot be read: {error.strerror or error}") from error


def columns_as_csv(
    source: OutsideSource,
    table: type[SQLModel],
    columns: Callable[[], tuple[pa.Schema, Iterator[pa.RecordBatch]]],
) -> CsvSource:
    """What comes in columns as a CSV file that is written while it is read.

    Args:
        source: what is called so.
        table: where the rows go, as far as it says how a value is written.
        columns: returns the schema, and the batches anew.
    """

    def push(file: BinaryIO) -> None:
        _write(file, table, *columns())

    return CsvSource(
        open=lambda: cast("BinaryIO", PushedStream(push)),
        null="",
        name=source.name,
        system=source.system,
        host=source.host,
        extraction_method=source.extraction_method,
    )


def _write(
    file: BinaryIO, table: type[SQLModel], schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> None:
    """Write batches as `sqlmodel_framework.loading.csv_text` writes rows: nulls apart from empty texts."""
    import pyarrow as pa
    from pyarrow import csv

    written = writers(table, schema.names)
    plain = pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])
    options = csv.WriteOptions(include_header=False, batch_size=_ROWS_AT_ONCE)
    file.write(csv_record(schema.names).encode())
    with csv.CSVWriter(pa.PythonFile(file, "w"), plain, write_options=options) as writer:
        for batch in batches:
            if batch.num_rows:
                columns = [
                    _column(column, field.type, written[field.name])
                    for column, field in zip(batch.columns, plain, strict=True)
                ]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=plain))


def _plain(type_: pa.DataType) -> pa.DataType:
    """The type of the column that is written: what Arrow's CSV has no words for is written as text here."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(type_):
        return _plain(type_.value_type)
    if types.is_timestamp(type_) and type_.tz is not None:
        # Offsets are written in minutes, and those before the zones of today have seconds.
        return pa.timestamp(type_.unit, "UTC")
    speaks = (
        types.is_boolean(type_)
        or types.is_integer(type_)
        or types.is_floating(type_)
        or types.is_decimal(type_)
        or types.is_string(type_)
        or types.is_large_string(type_)
        or types.is_date(type_)
        or types.is_time(type_)
        or types.is_timestamp(type_)
    )
    return type_ if speaks else pa.string()


def _column(column: Any, wanted: pa.DataType, write: Callable[[Any], str | None]) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(column.type):
        return _column(column.dictionary_decode(), wanted, write)
    if column.type.equals(wanted):
        return column
    if types.is_string_view(column.type) or types.is_timestamp(column.type):
        return column.cast(wanted)
    return pa.array([None if value is None else write(value) for value in column.to_pylist()], wanted)
