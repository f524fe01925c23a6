"""One load from end to end, in the transaction that the caller has begun."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    TableClause,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
)

from ...errors import DatakitError
from ...loading.bronze import append_new
from ...loading.contract import contract_of
from ...loading.load import Load
from ...loading.rejecting import RejectedRow, check_rejected
from ...runs import ledger
from ...runs.result import LoadResult
from .candidates import POSITION, REASONS, accepted, screened_rows
from .changed_rows import GONE
from .evolving import types_of
from .finishing import finish
from .row_hash import row_hash
from .screening import kept_counts, reason_counts, screen
from .stage import Stage, fill_stage
from .typed_stage import TYPED, stage_typed
from .writing import Written, check_writable, write

__all__ = ["carry_out"]


def carry_out(
    connection: Connection,
    load: Load,
    *,
    run_id: UUID,
    datakit: str,
    progress: Callable[[int], None],
    type_name: Callable[[Column[Any]], str],
) -> LoadResult:
    """Stage, screen, quarantine, write, count and record.

    Raises:
        DeclarationError: the source's columns do not fit the table's.
        ContractError: the source is a file, and it is broken.
        DatakitError: the counts do not add up, which is a bug.
    """
    started = time.perf_counter()
    quarantine = _Quarantine(connection, load, run_id, datakit)
    quarantine.empty()
    result = None if load.is_bronze else _load_good_rows(connection, load, type_name, progress)
    if result is None:
        stage = fill_stage(connection, load, progress)
        if load.is_bronze:
            result = _append(connection, load, stage, run_id)
        else:
            result = _screen_and_write(connection, load, stage, quarantine, type_name)
        result = replace(result, bytes=stage.bytes, checksum=stage.checksum)
    result = replace(result, seconds=time.perf_counter() - started)
    if result.read != result.accepted + result.rejected:
        raise DatakitError(
            f"load {load.name!r} into {load.full_table_name}: read {result.read}, "
            f"but accepted {result.accepted} and rejected {result.rejected}",
            table=load.full_table_name,
        )
    finish(connection, load, run_id, result)
    for name in ("datakit_stage", "datakit_screened", TYPED, GONE):
        connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    return result


def _load_good_rows(
    connection: Connection,
    load: Load,
    type_name: Callable[[Column[Any]], str],
    progress: Callable[[int], None],
) -> LoadResult | None:
    """The short way, for rows that all keep the contract; None where it cannot be gone."""
    staged = stage_typed(connection, load, type_name, progress)
    if staged is None:
        return None
    written = write(connection, load, staged.candidates, staged.offered)
    result = _result(load, read=staged.rows, accepted=staged.rows, written=written)
    return replace(result, bytes=staged.bytes, checksum=staged.checksum)


def _append(connection: Connection, load: Load, stage: Stage, run_id: UUID) -> LoadResult:
    loaded = append_new(connection, load, stage.table, run_id, position=POSITION, row_hash=row_hash)
    counted = connection.execute(select(func.count()).select_from(stage.table)).scalar_one()
    return _result(load, read=stage.rows, accepted=counted, written=Written(loaded))


def _screen_and_write(
    connection: Connection,
    load: Load,
    stage: Stage,
    quarantine: _Quarantine,
    type_name: Callable[[Column[Any]], str],
) -> LoadResult:
    offered = [column.name for column in load.sql_table.columns if column.name in stage.types]
    check_writable(load, offered)
    contract = contract_of(load.table, offered)
    has_input_check = _server_version(connection) >= 160000
    screened = screen(connection, load, contract, stage, type_name, has_input_check=has_input_check)
    unknown = [name for name in stage.types if name not in load.sql_table.columns]
    quarantine.fill(stage, screened)
    rejected = quarantine.count()
    check_rejected(load, stage.rows, rejected, lambda: _first_rejected(connection, screened))
    count = select(func.count()).select_from(screened).where(accepted(screened))
    result = _result(
        load,
        read=stage.rows,
        accepted=connection.execute(count).scalar_one(),
        written=write(connection, load, screened_rows(screened), offered),
    )
    return replace(
        result,
        rejected=rejected,
        kept=kept_counts(connection, load, stage, screened),
        reasons=reason_counts(connection, screened),
        new_columns=types_of(connection, stage, unknown, has_input_check=has_input_check),
    )


def _result(load: Load, *, read: int, accepted: int, written: Written) -> LoadResult:
    return LoadResult(
        table=load.name,
        layer=load.layer,
        read=read,
        accepted=accepted,
        rejected=0,
        loaded=written.loaded,
        deleted=written.deleted,
        seconds=0.0,
    )


def _first_rejected(connection: Connection, screened: TableClause) -> RejectedRow:
    query = select(screened.c[POSITION], screened.c[REASONS]).where(~accepted(screened))
    first: Any = connection.execute(query.order_by(screened.c[POSITION]).limit(1)).one()
    return RejectedRow(first[0], tuple(first[1]))


def _server_version(connection: Connection) -> int:
    setting = cast(func.current_setting("server_version_num"), Integer)
    version: int = connection.execute(select(setting)).scalar_one()
    return version


class _Quarantine:
    """The rejected rows of one load into one table: those of its latest run."""

    def __init__(self, connection: Connection, load: Load, run_id: UUID, datakit: str) -> None:
        self._connection = connection
        self._table = ledger.table(ledger.QuarantinedRow)
        self._keys = {"datakit": datakit, "table_name": load.full_table_name, "load_name": load.name}
        self._run_id = run_id

    def empty(self) -> None:
        """Forget what earlier runs of this load rejected: this run sees those rows again."""
        conditions = [self._table.c[name] == value for name, value in self._keys.items()]
        self._connection.execute(delete(self._table).where(*conditions))

    def fill(self, stage: Stage, screened: TableClause) -> None:
        """Put every rejected row here as it was offered, with the reasons."""
        offered = stage.table.alias("offered")
        values = func.to_jsonb(offered.table_valued()).op("-")(POSITION)
        described = {"run_id": self._run_id, **self._keys}
        rows = (
            select(
                *(literal(value, self._table.c[name].type) for name, value in described.items()),
                screened.c[POSITION],
                screened.c[REASONS],
                values,
            )
            .select_from(screened.join(offered, screened.c[POSITION] == offered.c[POSITION]))
            .where(~accepted(screened))
            .order_by(screened.c[POSITION])
        )
        names = [*described, "position", "reasons", "row_values"]
        self._connection.execute(insert(self._table).from_select(names, rows))

    def count(self) -> int:
        """How many rows of this run are here."""
        conditions = [self._table.c[name] == value for name, value in self._keys.items()]
        query = select(func.count()).where(*conditions, self._table.c.run_id == self._run_id)
        number: int = self._connection.execute(query).scalar_one()
        return number
