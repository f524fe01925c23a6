"""One load from end to end, in the transaction that the caller has begun."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DDL,
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
from ...runs import ledger
from ...runs.result import LoadResult
from .screening import REASONS, accepted, kept_counts, reason_counts, screen
from .stage import POSITION, Stage, fill_stage
from .writing import merge, merge_key, row_hash

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
    stage = fill_stage(connection, load, progress)
    quarantine = _Quarantine(connection, load, run_id, datakit)
    quarantine.empty()
    kept: dict[str, int] = {}
    reasons: dict[str, int] = {}
    if load.is_bronze:
        count = select(func.count()).select_from(stage.table)
        loaded = append_new(connection, load, stage.table, run_id, position=POSITION, row_hash=row_hash)
    else:
        offered = [column.name for column in load.sql_table.columns if column.name in stage.types]
        merge_key(load, offered)
        contract = contract_of(load.table, offered)
        has_input_check = _server_version(connection) >= 160000
        screened = screen(connection, load, contract, stage, type_name, has_input_check=has_input_check)
        quarantine.fill(stage, screened)
        count = select(func.count()).select_from(screened).where(accepted(screened))
        kept = kept_counts(connection, load, screened)
        reasons = reason_counts(connection, screened)
        loaded = merge(connection, load, screened, offered)
    result = LoadResult(
        table=load.name,
        layer=load.layer,
        read=stage.rows,
        accepted=connection.execute(count).scalar_one(),
        rejected=quarantine.count(),
        loaded=loaded,
        seconds=time.perf_counter() - started,
        kept=kept,
        reasons=reasons,
    )
    if result.read != result.accepted + result.rejected:
        raise DatakitError(
            f"load {load.name!r} into {load.full_table_name}: read {result.read}, "
            f"but accepted {result.accepted} and rejected {result.rejected}",
            table=load.full_table_name,
        )
    ledger.record_load(connection, run_id, load.full_table_name, result)
    if loaded:
        # What reads the table next should not plan with the numbers of an empty one.
        connection.execute(DDL("ANALYZE %(fullname)s").against(load.sql_table))  # type: ignore[no-untyped-call]
    for name in ("datakit_stage", "datakit_screened"):
        connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    return result


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
