"""One load, compared with what its source offers, in temporary tables that are rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Integer,
    Numeric,
    Select,
    Table,
    Text,
    and_,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, array

from ...base.models import ReferenceTableMixin
from ...base.tables import plain_type
from ...loading.bronze import bronze_columns
from ...loading.contract import contract_of
from ...loading.load import Load
from ...loading.modes import DeleteInsert, History, InsertOnly, Replace
from ...loading.sources import OutsideSource
from ...verify.result import Comparison
from .candidates import Candidates, screened_rows
from .comparing import HASH, KEY, PLACE, Compared, compare_by_hash, compare_by_key
from .row_hash import row_hash
from .screening import screen
from .source_hashes import hash_source
from .stage import fill_stage
from .typed_stage import stage_typed
from .values import exact
from .writing import usable_key

if TYPE_CHECKING:
    from .engine import PostgresEngine

__all__ = ["compare_load"]


def compare_load(
    engine: PostgresEngine,
    load: Load,
    *,
    chunk_rows: int,
    whole: bool,
    progress: Callable[[int], None],
) -> Comparison:
    """Compare a load's source with its table; see `sqlmodel_framework.verify.verify` for what counts.

    Raises:
        DatakitError: the source cannot be read.
    """
    with engine.transaction() as connection:
        # All that is asked of the target is asked of one state of it.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        connection.execute(text("SET LOCAL work_mem = '64MB'"))
        if load.is_bronze:
            found = _compare_bronze(connection, load, chunk_rows, progress)
        else:
            found = _Typed(connection, load, chunk_rows, whole, engine.declared_type).compare(progress)
        connection.rollback()
    return found


def _compare_bronze(
    connection: Connection, load: Load, chunk_rows: int, progress: Callable[[int], None]
) -> Comparison:
    source, bronze = load.source, load.sql_table
    assert isinstance(source, OutsideSource)
    offered = hash_source(connection, load, progress)
    hashed = row_hash(bronze, bronze_columns(load))
    same = (bronze.c.source_system == source.system, bronze.c.source_table == source.name)
    there = select(hashed.label(HASH)).where(*same).offset(literal_column("0")).subquery("there")
    found = compare_by_hash(connection, offered.rows, there, whole=False, chunk_rows=chunk_rows)
    altered = func.count().filter(bronze.c.row_hash != hashed)
    rows, changed_since = connection.execute(
        select(func.count(), altered).select_from(bronze).where(*same)
    ).one()
    return replace(_comparison(found, offered.key), others=rows - found.target_rows, altered=changed_since)


def _comparison(found: Compared, key: tuple[str, ...]) -> Comparison:
    return Comparison(
        key=key,
        source_rows=found.source_rows,
        target_rows=found.target_rows,
        chunks=found.chunks,
        differences=found.differences,
    )


@dataclass(frozen=True)
class _Typed:
    connection: Connection
    load: Load
    chunk_rows: int
    whole: bool
    type_name: Callable[[Column[Any]], str]

    def compare(self, progress: Callable[[int], None]) -> Comparison:
        rows, offered, rejected = self._staged(progress)
        key = usable_key(self.load, offered)
        # A row that was there already keeps its values.
        compared = list(key) if key and isinstance(self.load.mode, InsertOnly) else offered
        table = self.load.sql_table
        scope = self._scope(rows, offered, key)
        if key:
            ours = self._hashed(rows.table, compared, {n: rows.table.c[n] for n in key}, rows.accepted)
            if not self.whole:
                # Of a table that holds much more, the rest need not be hashed.
                scope.append(self._comes(rows, key, rows.accepted))
            there = self._hashed(table, compared, {n: table.c[n] for n in key}, *scope)
            found = compare_by_key(
                self.connection,
                ours.subquery("source_rows"),
                there.subquery("target_rows"),
                key,
                whole=self.whole,
                chunk_rows=self.chunk_rows,
            )
        else:
            place = func.row_number().over(order_by=rows.order)
            called = cast(array([cast(place, Text)]), ARRAY(Text))
            ours = self._hashed(rows.table, compared, {PLACE: place, KEY: called}, rows.accepted)
            there = self._hashed(table, compared, {}, *scope)
            found = compare_by_hash(
                self.connection,
                ours.subquery("offered"),
                there.subquery("there"),
                whole=self.whole,
                chunk_rows=self.chunk_rows,
            )
        count = self.connection.execute(select(func.count()).select_from(table)).scalar_one()
        return replace(_comparison(found, key or ()), rejected=rejected, others=count - found.target_rows)

    def _staged(self, progress: Callable[[int], None]) -> tuple[Candidates, list[str], int]:
        """The rows that the source offers, its columns, and how many rows break the contract."""
        load = self.load
        if not isinstance(load.mode, DeleteInsert):
            # What is there already breaks no contract here.
            load = replace(load, mode=Replace())
        staged = stage_typed(self.connection, load, self.type_name, progress)
        if staged is not None:
            return staged.candidates, staged.offered, 0
        stage = fill_stage(self.connection, load, progress)
        offered = [column.name for column in load.sql_table.columns if column.name in stage.types]
        version = cast(func.current_setting("server_version_num"), Integer)
        screened = screen(
            self.connection,
            load,
            contract_of(load.table, offered),
            stage,
            self.type_name,
            has_input_check=self.connection.execute(select(version >= 160000)).scalar_one(),
        )
        rows = screened_rows(screened)
        rejected = select(func.count()).select_from(screened).where(not_(rows.accepted))
        return rows, offered, self.connection.execute(rejected).scalar_one()

    def _hashed(
        self,
        rows: FromClause,
        compared: list[str],
        beside: Mapping[str, ColumnElement[Any]],
        *conditions: ColumnElement[bool],
    ) -> Select[Any]:
        """The hash of the values that are compared, each as the text that its type gives it, and more."""
        values = [_text(self.load.sql_table.c[name], rows.c[name]) for name in compared]
        labels = [f"datakit_{number}" for number in range(len(values))]
        more = [value.label(name) for name, value in beside.items()]
        query = select(*more, *(value.label(name) for name, value in zip(labels, values, strict=True)))
        # What is kept behind OFFSET is turned into text once.
        inner = query.select_from(rows).where(*conditions).offset(literal_column("0")).subquery()
        return select(*(inner.c[name] for name in beside), row_hash(inner, labels).label(HASH))

    def _scope(
        self, rows: Candidates, offered: list[str], key: tuple[str, ...] | None
    ) -> list[ColumnElement[bool]]:
        """Which rows of the table stand against what the source offers."""
        load, table = self.load, self.load.sql_table
        match load.mode:
            case DeleteInsert(by=by, partitions=None):
                # Each once: what is asked by more than equality is looked for among all of them.
                brought = select(*(rows.table.c[name] for name in by)).distinct().subquery("brought")
                same = [brought.c[name].is_not_distinct_from(table.c[name]) for name in by]
                return [select(literal(1)).select_from(brought).where(*same).exists()]
            case DeleteInsert(by=by, partitions=given):
                return [or_(false(), *(_in_partition(table, by, partition) for partition in given or ()))]
            case Replace() | History() if key:
                # Where a row is rejected, the one that is there is the last good one.
                scope = [not_(self._comes(rows, key, not_(rows.accepted)))]
                if issubclass(load.table, ReferenceTableMixin) and "inactivated_at" not in offered:
                    scope.append(table.c.inactivated_at.is_(None))
                return scope
        return []

    def _comes(
        self, rows: Candidates, key: tuple[str, ...], condition: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        """Whether the source offers a row of the same key for which a condition holds."""
        same = [rows.table.c[name] == self.load.sql_table.c[name] for name in key]
        return select(literal(1)).select_from(rows.table).where(condition, *same).exists()


def _in_partition(table: Table, by: tuple[str, ...], partition: tuple[object, ...]) -> ColumnElement[bool]:
    pairs = zip((table.c[name] for name in by), partition, strict=True)
    return and_(*(column.is_not_distinct_from(literal(value, column.type)) for column, value in pairs))


def _text(column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value of a column as text; equal ones have the same."""
    converted: ColumnElement[Any] = cast(value, column.type)
    type_ = plain_type(column)
    if isinstance(type_, Numeric) and not isinstance(type_, Float):
        converted = func.trim_scale(converted)
    return cast(exact(column, converted), Text)
