"""Record batches by binary COPY: values go over as the server keeps them; nobody writes or reads digits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import psycopg2
from psycopg2 import sql
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ...errors import ContractError
from ...loading.streams import PushedStream, WatchedStream

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BinaryRows", "binary_rows"]

_ROWS_AT_ONCE = 1 << 14
_BYTES_AT_ONCE = 1 << 18
_PARAMETERS = "("

# What PostgreSQL's manual calls them: a signature, no flags, no extension; and a row of -1 fields.
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"


class BinaryRows:
    """The rows of a source, every value in the type of its column; what `Offered` asks for.

    Attributes:
        schema: of what is sent.
        bytes_read: how many bytes the rows had until now.
    """

    as_text = False
    error = None

    def __init__(
        self, schema: pa.Schema, batches: Iterator[pa.RecordBatch], progress: Callable[[int], None]
    ) -> None:
        self.header: list[str] = schema.names
        self.schema = schema
        self._batches = batches
        self._progress = progress
        self._digest = hashlib.sha256()
        self.bytes_read = 0

    @property
    def checksum(self) -> str:
        """SHA-256 over the rows as they are sent, in hex."""
        return self._digest.hexdigest()

    def copy_into(self, connection: Connection, place: tuple[str, ...]) -> int:
        """COPY the rows into a table; returns how many the server counted.

        Args:
            connection: in a transaction.
            place: the table's schema, if it has one, and name.

        Raises:
            ContractError: a value does not fit its column; which one, text says better than bytes.
            DBAPIError: the server refused, or went away.
        """
        return self.copy(connection, place, self.batches())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The source's batches, in the schema.

        Raises:
            ContractError: a value does not fit its column.
        """
        import pyarrow as pa

        for batch in self._batches:
            try:
                columns = [
                    _in_type(column, wanted.type)
                    for column, wanted in zip(batch.columns, self.schema, strict=True)
                ]
            except pa.ArrowInvalid as error:
                raise ContractError(str(error)) from None
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def count(self, batch: pa.RecordBatch) -> None:
        """Count a batch that is not sent, or sent by another way, as read."""
        for data in self._encoded(batch):
            self._count(data)

    def tell(self) -> None:
        """Tell how many bytes are read by now."""
        self._progress(self.bytes_read)

    def copy(
        self,
        connection: Connection,
        place: tuple[str, ...],
        batches: Iterator[pa.RecordBatch],
        *,
        counting: bool = True,
    ) -> int:
        """COPY batches of the schema into a table; returns how many rows the server counted.

        Args:
            connection: in a transaction.
            place: the table's schema, if it has one, and name.
            batches: the batches.
            counting: whether they count as read; those that were counted before do not.

        Raises:
            ContractError: a value does not fit its column.
            DBAPIError: the server refused, or went away.
        """
        driver: Any = connection.connection.driver_connection
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            sql.Identifier(*place), sql.SQL(", ").join(map(sql.Identifier, self.header))
        )

        def push(stream: BinaryIO) -> None:
            stream.write(_HEADER)
            for batch in batches:
                for data in self._encoded(batch):
                    if counting:
                        self._count(data)
                    stream.write(data)
            stream.write(_TRAILER)

        with PushedStream(push) as stream, driver.cursor() as cursor:
            rows = WatchedStream(stream, lambda _: self.tell())
            try:
                cursor.copy_expert(statement, rows, size=_BYTES_AT_ONCE)
            except psycopg2.Error as error:
                if rows.error is not None:
                    raise rows.error from error
                if error.pgcode and error.pgcode[:2] in ("22", "23"):
                    raise ContractError(error.diag.message_primary or str(error)) from None
                raise DBAPIError("COPY", {}, error) from error
            return int(cursor.rowcount)

    def _count(self, data: bytes) -> None:
        self._digest.update(data)
        self.bytes_read += len(data)

    def _encoded(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """The bytes of the rows alone, which are the same however many COPYs they are sent by."""
        from pgpq import ArrowToPostgresBinaryEncoder

        encoder = ArrowToPostgresBinaryEncoder(self.schema)
        encoder.write_header()
        for first in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield encoder.write_batch(batch.slice(first, _ROWS_AT_ONCE))
        yield encoder.finish().removesuffix(_TRAILER)


def binary_rows(
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    types: Mapping[str, str],
    progress: Callable[[int], None],
) -> BinaryRows | None:
    """The rows as their table's columns take them, or None where they have to be written as text.

    Args:
        schema: of the batches.
        batches: which are not touched here.
        types: what the server calls the type of each column of the table.
        progress: called with the number of bytes that are read by now.
    """
    import pyarrow as pa

    names: list[str] = schema.names
    if not find_spec("pgpq") or len(set(names)) < len(names) or not set(names) <= set(types):
        # What reads the header as text says what is wrong with it.
        return None
    fitting = {field.name: _fitting(field.type, types[field.name]) for field in schema}
    if None in fitting.values():
        return None
    return BinaryRows(pa.schema(list(fitting.items())), batches, progress)


def _fitting(type_: pa.DataType, wanted: str) -> pa.DataType | None:
    """The type of Arrow that is sent for a column; None where the values would not be those of the text."""
    import pyarrow as pa
    from pyarrow import types

    name = wanted.partition(_PARAMETERS)[0]
    if types.is_dictionary(type_):
        return _fitting(type_.value_type, wanted)
    if types.is_integer(type_):
        return {"smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64()}.get(name)
    if types.is_decimal128(type_):
        return type_ if name == "numeric" else None
    if types.is_timestamp(type_):
        asked = "timestamp without time zone" if type_.tz is None else "timestamp with time zone"
        # The precision that a column may be declared with stands in the middle of its type's name.
        return pa.timestamp("us", type_.tz) if wanted == asked else None
    if types.is_time(type_):
        return pa.time64("us") if wanted == "time without time zone" else None
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return type_ if name in ("text", "character varying") else None
    same = {
        "boolean": types.is_boolean,
        "real": types.is_float32,
        "double precision": types.is_float64,
        "date": types.is_date32,
        "bytea": types.is_binary,
    }.get(name)
    return type_ if same is not None and same(type_) else None


def _in_type(column: Any, wanted: pa.DataType) -> Any:
    return column if column.type.equals(wanted) else cast("Any", column).cast(wanted)
