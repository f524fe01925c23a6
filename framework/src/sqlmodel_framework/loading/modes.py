"""Write modes: what a load does with the rows that are there already.

Whatever the mode, a load is seen as a whole or not at all: who reads the table meanwhile reads the old rows.
Rows that are the same are neither written nor locked.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import SQLModel

from ..base.models import TemporalTableMixin
from ..base.tables import table_of
from ..errors import DeclarationError

__all__ = ["Append", "DeleteInsert", "History", "InsertOnly", "Merge", "Mode", "Replace", "check_mode"]


@dataclass(frozen=True)
class Append:
    """Every row is inserted. A row whose key is there already breaks the contract."""


@dataclass(frozen=True)
class Replace:
    """The table is what the source is, empty if that is empty.

    In a table with a key that the source offers, rows whose values differ are updated, new ones are
    inserted, and those that the source lacks are deleted; in one without, every row is written anew.
    """


@dataclass(frozen=True)
class Merge:
    """New keys are inserted, rows with another value are updated, and nothing is deleted."""


@dataclass(frozen=True)
class InsertOnly:
    """New keys are inserted; a row whose key is there already changes nothing."""


@dataclass(frozen=True)
class DeleteInsert:
    """The partitions that the source brings are deleted and inserted; the others stay.

    Args:
        by: columns whose values together name a partition, such as `("day",)`.
        partitions: the partitions that the source covers, each a tuple of values in the order of `by`: they
            are deleted also when no row of them comes, and a row of another one breaks the contract. By
            default those of which a row comes.
    """

    by: tuple[str, ...]
    partitions: tuple[tuple[object, ...], ...] | None = None


@dataclass(frozen=True)
class History:
    """The source is a full snapshot, and the table keeps every state that its rows were in.

    Slowly changing dimension, type 2: a row that differs ends its state and begins another one, a new key
    begins its first, and a key that the source lacks ends its last. For tables with `TemporalTableMixin`.
    """


Mode = Append | Replace | Merge | InsertOnly | DeleteInsert | History


def check_mode(mode: object, table: type[SQLModel], where: str) -> None:
    """Refuse a mode that does not fit its table.

    Raises:
        DeclarationError: it does not.
    """
    if not isinstance(mode, Mode):
        raise DeclarationError(
            f"{where}: the mode must be Append(), Replace(), Merge() or the like, not {mode!r}"
        )
    if isinstance(mode, History) and not issubclass(table, TemporalTableMixin):
        raise DeclarationError(
            f"{where}: the mode History needs a table that keeps its history",
            hint=f"derive {table.__name__} from TemporalTableMixin, or use Replace()",
        )
    if isinstance(mode, DeleteInsert):
        given: object = mode.by
        if not isinstance(given, tuple) or not given:
            raise DeclarationError(f"{where}: DeleteInsert.by must be a tuple of column names")
        for name in mode.by:
            if name not in table_of(table).columns:
                raise DeclarationError(
                    f"{where}: DeleteInsert.by names {name!r}, which is no column of the table"
                )
        for partition in mode.partitions or ():
            if not isinstance(partition, tuple) or len(partition) != len(mode.by):
                raise DeclarationError(
                    f"{where}: the partition {partition!r} has no value for each of ({', '.join(mode.by)})"
                )
