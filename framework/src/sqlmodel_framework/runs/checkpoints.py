"""How far a load has come, in the target's ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from ..base.instants import TransactionTime
from ..loading.load import Load
from . import ledger

__all__ = ["Checkpoint", "find_checkpoint", "forget_checkpoint", "keep_checkpoint"]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A load that was cut short, or is under way.

    Attributes:
        fingerprint: what is loaded; another load does not go on from here.
        run_ids: the runs that wrote rows of it.
        after: the key of the last row that was written, each value as text.
        read: how many rows were written.
        chunks: in how many transactions.
        seconds: how long they took.
    """

    fingerprint: str
    run_ids: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    read: int = 0
    chunks: int = 0
    seconds: float = 0.0

    def with_run(self, run_id: UUID) -> tuple[str, ...]:
        """The runs that wrote rows of it, and this one."""
        return tuple(dict.fromkeys((*self.run_ids, str(run_id))))


def find_checkpoint(connection: Connection, datakit: str, load: Load) -> Checkpoint | None:
    """Where a load was cut short, if it was."""
    table = ledger.table(ledger.CheckpointRecord)
    row = connection.execute(select(table).where(*_of(datakit, load))).one_or_none()
    if row is None:
        return None
    return Checkpoint(
        fingerprint=row.fingerprint,
        run_ids=tuple(row.run_ids),
        after=tuple(row.after),
        read=row.read,
        chunks=row.chunks,
        seconds=row.seconds,
    )


def keep_checkpoint(connection: Connection, datakit: str, load: Load, reached: Checkpoint) -> None:
    """Write down how far a load has come, in the transaction of the rows."""
    forget_checkpoint(connection, datakit, load)
    connection.execute(
        insert(ledger.table(ledger.CheckpointRecord)).values(
            datakit=datakit,
            table_name=load.full_table_name,
            load_name=load.name,
            fingerprint=reached.fingerprint,
            run_ids=list(reached.run_ids),
            after=list(reached.after),
            read=reached.read,
            chunks=reached.chunks,
            seconds=reached.seconds,
            updated_at=TransactionTime(),
        )
    )


def forget_checkpoint(connection: Connection, datakit: str, load: Load) -> None:
    """The load is done, or what it wrote is gone."""
    connection.execute(delete(ledger.table(ledger.CheckpointRecord)).where(*_of(datakit, load)))


def _of(datakit: str, load: Load) -> list[ColumnElement[Any]]:
    table = ledger.table(ledger.CheckpointRecord)
    return [
        table.c.datakit == datakit,
        table.c.table_name == load.full_table_name,
        table.c.load_name == load.name,
    ]
