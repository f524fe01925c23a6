"""A full snapshot whose rows the table has already, most of them: only those that differ are sent.

A snapshot in the order of its key is laid beside the table, which is read in that order too, block by block.
The server has to stage, index and write the few rows that are left, and compares none.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql
from sqlalchemy import BigInteger, Connection, TableClause, column, table
from sqlalchemy.exc import DBAPIError

from ...loading.contract import contract_of
from ...loading.load import Load
from ...loading.modes import History, Merge, Replace
from .arrow_copy import BinaryRows
from .batch_difference import Difference, difference, has_exact_text, last_key
from .finishing import known_rows
from .offered import Offered
from .writing import ends_rows_by_a_mark, nothing_else_is_unique

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["GONE", "ChangedRows", "changed_rows"]

GONE = "datakit_gone"

# A smaller table is not worth two more statements for each block.
_ROWS_WORTH_IT = 20_000
# Rows of the table for each one of the source: where there are more, the source is no snapshot of it.
_ROWS_THERE_FOR_ONE = 4


@dataclass(frozen=True)
class _Place:
    """What is read of the table, and how it is written."""

    connection: Connection
    table: sql.Identifier
    columns: sql.Composed
    key: sql.Identifier
    gone = sql.Identifier("pg_temp", GONE)

    @contextmanager
    def cursor(self, what: str) -> Iterator[Any]:
        """The driver's own cursor, whose errors are those of any other statement."""
        driver: Any = self.connection.connection.driver_connection
        try:
            with driver.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            raise DBAPIError(what, {}, error) from error

    def read(self, after: int | None, to: int, at_most: int) -> tuple[bytes, int]:
        """The rows between two keys as CSV, and how many there are."""
        statement = sql.SQL(
            "COPY (SELECT {} FROM {} WHERE {} AND {} <= {} ORDER BY {} LIMIT {}) TO STDOUT (FORMAT csv)"
        ).format(
            self.columns,
            self.table,
            self.after(after),
            self.key,
            sql.Literal(to),
            self.key,
            sql.Literal(at_most),
        )
        received = BytesIO()
        with self.cursor("COPY") as cursor:
            cursor.copy_expert(statement, received)
            return received.getvalue(), cursor.rowcount

    def after(self, key: int | None) -> sql.Composable:
        """The condition that a row comes after a key; without one, that there is a row."""
        return sql.SQL("true") if key is None else sql.SQL("{} > {}").format(self.key, sql.Literal(key))

    def execute(self, statement: str, **parts: sql.Composable) -> None:
        with self.cursor(statement) as cursor:
            known = {"table": self.table, "key": self.key, "gone": self.gone}
            cursor.execute(sql.SQL(statement).format(**known, **parts))


class ChangedRows:
    """The rows of a source, of which those are not sent that the table has.

    Attributes:
        complete: whether all rows could be compared. If not, all were sent, as if nothing had been compared.
        gone: a temporary table of the keys that only the table has, where they are to be deleted.
    """

    def __init__(self, rows: BinaryRows, load: Load, key: str) -> None:
        self.complete = False
        self.gone: TableClause | None = None
        self._rows = rows
        self._load = load
        self._key = key
        self._deletes = isinstance(load.mode, Replace | History)

    def copy_into(self, connection: Connection, place: tuple[str, ...]) -> int:
        """COPY the rows that differ; returns how many rows the source has.

        Args:
            connection: in a transaction.
            place: of the stage.

        Raises:
            ContractError: a value does not fit its column.
            DBAPIError: the server refused, or went away.
        """
        there = self._place(connection)
        if self._deletes:
            there.execute("CREATE TEMPORARY TABLE {gone} ({key} bigint) ON COMMIT DROP")
        batches = self._rows.batches()
        with ThreadPoolExecutor(1) as worker:
            read, last, unlike = self._compare(there, batches, place, worker)
        if unlike is not None:
            self._put_back(there, place, last)
            return read + self._rows.copy(connection, place, chain([unlike], batches))
        self.complete = True
        if self._deletes:
            there.execute(
                "INSERT INTO {gone} SELECT {key} FROM {table} WHERE {after}", after=there.after(last)
            )
            self.gone = table(GONE, column(self._key, BigInteger), schema="pg_temp")
        return read

    def _place(self, connection: Connection) -> _Place:
        known = self._load.sql_table
        name = (known.name,) if known.schema is None else (known.schema, known.name)
        columns = sql.SQL(", ").join(map(sql.Identifier, self._rows.header))
        return _Place(connection, sql.Identifier(*name), columns, sql.Identifier(self._key))

    def _compare(
        self,
        there: _Place,
        batches: Iterator[pa.RecordBatch],
        place: tuple[str, ...],
        worker: ThreadPoolExecutor,
    ) -> tuple[int, int | None, pa.RecordBatch | None]:
        """Send what differs; returns how many rows were compared, their last key, and a batch that cannot be.

        While the server reads one block, the one before it is compared in another thread.
        """
        read, last, unlike = 0, None, None
        waiting: Future[Difference] | None = None
        for batch in batches:
            if batch.num_rows == 0:
                continue
            to, most = last_key(batch.column(self._key), last), _ROWS_THERE_FOR_ONE * batch.num_rows
            data, rows = (b"", most) if to is None else there.read(last, to, most)
            if to is None or rows == most:
                unlike = batch
                break
            if waiting is not None:
                self._send(there, place, waiting.result())
            waiting = worker.submit(self._difference, batch, data)
            read, last = read + batch.num_rows, to
        if waiting is not None:
            self._send(there, place, waiting.result())
        return read, last, unlike

    def _difference(self, batch: pa.RecordBatch, data: bytes) -> Difference:
        self._rows.count(batch)
        return difference(batch, data, self._key, self._deletes)

    def _send(self, there: _Place, place: tuple[str, ...], found: Difference) -> None:
        if found.changed.num_rows:
            self._rows.copy(there.connection, place, iter([found.changed]), counting=False)
        self._rows.tell()
        if found.gone:
            there.execute("INSERT INTO {gone} SELECT unnest({keys}::bigint[])", keys=sql.Literal(found.gone))

    def _put_back(self, there: _Place, place: tuple[str, ...], last: int | None) -> None:
        """Stage the rows that were left out: those of the table, which are the same."""
        if last is not None:
            also_gone: sql.Composable = sql.SQL("")
            if self._deletes:
                also_gone = sql.SQL("AND NOT EXISTS (SELECT FROM {} AS g WHERE g.{} = t.{})").format(
                    there.gone, there.key, there.key
                )
            there.execute(
                "INSERT INTO {stage} ({columns}) SELECT {columns} FROM {table} AS t WHERE {key} <= {last} "
                "AND NOT EXISTS (SELECT FROM {stage} AS s WHERE s.{key} = t.{key}) {also_gone}",
                stage=sql.Identifier(*place),
                columns=there.columns,
                last=sql.Literal(last),
                also_gone=also_gone,
            )
        if self._deletes:
            there.execute("DROP TABLE {gone}")


def changed_rows(connection: Connection, load: Load, rows: Offered) -> ChangedRows | None:
    """The rows of a source without those that the table has; None where that may be wrong or slower.

    Args:
        connection: in a transaction.
        load: the load.
        rows: what its source offers.
    """
    if not isinstance(rows, BinaryRows) or not isinstance(load.mode, Merge | Replace | History):
        return None
    # Rows of another kind do not need it, and it need not be there for them.
    from pyarrow import types

    contract = contract_of(load.table, rows.header)
    # A row that is there may break a bound that only Python knows; it would be rejected when it came again.
    if len(contract.keys) != 1 or len(contract.keys[0]) != 1 or contract.bounds:
        return None
    (key,) = contract.keys[0]
    if not types.is_integer(rows.schema.field(key).type) or not all(map(has_exact_text, rows.schema.types)):
        return None
    if not nothing_else_is_unique(load, (key,)) or ends_rows_by_a_mark(load, rows.header):
        return None
    if known_rows(connection, load) < _ROWS_WORTH_IT:
        return None
    return ChangedRows(rows, load, key)
