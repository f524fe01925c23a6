"""Writing: rows that were accepted go into their table, by the load's mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    TableClause,
    UniqueConstraint,
    and_,
    delete,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.dialects.postgresql import insert as pg_insert

from ...base.models import ReferenceTableMixin
from ...base.tables import unique_keys
from ...errors import DeclarationError
from ...history.companion import interval
from ...loading.load import Load
from ...loading.modes import Append, DeleteInsert, History, InsertOnly, Merge, Replace
from .candidates import Candidates
from .joining import merging_in_order
from .values import exact

__all__ = [
    "Written",
    "check_writable",
    "ends_rows_by_a_mark",
    "mode_reasons",
    "nothing_else_is_unique",
    "usable_key",
    "write",
]


@dataclass(frozen=True)
class Written:
    """How many rows of a table were inserted or changed, and how many were deleted."""

    loaded: int
    deleted: int = 0


def write(connection: Connection, load: Load, rows: Candidates, offered: list[str]) -> Written:
    """Write accepted rows as the load's mode says.

    Args:
        connection: in a transaction.
        load: the load.
        rows: the rows.
        offered: the columns that the source offers.
    """
    match load.mode:
        case Merge():
            return Written(_merge(connection, load, rows, offered))
        case InsertOnly():
            return Written(_merge(connection, load, rows, offered, update_known=False))
        case Append():
            return Written(_insert(connection, load, rows, offered))
        case DeleteInsert():
            deleted = connection.execute(delete(load.sql_table).where(_covered(load, rows.table))).rowcount
            return Written(_insert(connection, load, rows, offered), deleted)
        case Replace() | History():
            key = usable_key(load, offered)
            if key is None:
                deleted = connection.execute(delete(load.sql_table)).rowcount
                return Written(_insert(connection, load, rows, offered), deleted)
            if rows.distinct is not None and nothing_else_is_unique(load, key):
                loaded = _merge(connection, load, rows, offered)
                # As many rows as came, each with a key that came: none is left over.
                there = connection.execute(select(func.count()).select_from(load.sql_table)).scalar_one()
                absent = there != rows.distinct
                return Written(loaded, _end_absent(connection, load, rows, key, offered) if absent else 0)
            # What goes makes way for what comes: a unique value may have moved from row to row.
            deleted = _end_absent(connection, load, rows, key, offered)
            return Written(_merge(connection, load, rows, offered), deleted)


def mode_reasons(
    load: Load, keys: tuple[tuple[str, ...], ...], rows: FromClause
) -> list[tuple[ColumnElement[bool], str]]:
    """Why the load's mode rejects a row, beside the table's contract.

    Args:
        load: the load.
        keys: the table's keys that the source offers.
        rows: the rows with their values converted.
    """
    if isinstance(load.mode, Append):
        there = load.sql_table.alias("there")
        return [
            (
                select(literal(1)).where(*(there.c[name] == rows.c[name] for name in key)).exists(),
                f"key ({', '.join(key)}) is already there",
            )
            for key in keys
        ]
    if isinstance(load.mode, DeleteInsert) and load.mode.partitions is not None:
        inside = or_(false(), *_partitions(load, load.mode, rows))
        return [(not_(inside), f"({', '.join(load.mode.by)}) is of no partition that this load covers")]
    return []


def usable_key(load: Load, offered: list[str]) -> tuple[str, ...] | None:
    """The columns that tell rows apart: the primary key, or the first unique key that is never null.

    Args:
        load: the load.
        offered: the columns that the source offers. None when it offers no whole key.
    """
    for key in unique_keys(load.sql_table):
        names = tuple(column.name for column in key)
        if set(names) <= set(offered) and not any(column.nullable for column in key):
            return names
    return None


def check_writable(load: Load, offered: list[str]) -> None:
    """Refuse a source whose columns are too few for the load's mode.

    Raises:
        DeclarationError: the source offers no whole key, no column of a partition, or lacks a column that
            only Python can fill.
    """
    where = f"load {load.name!r} into {load.full_table_name}"
    for column in load.sql_table.columns:
        if column.name not in offered and column.default is not None and column.default.is_callable:
            # It would be called once for the whole statement, so every row would get the same value.
            raise DeclarationError(
                f"{where}: the source does not offer {column.name}, whose default is made in Python",
                hint="give the column a server_default, or offer it in the source",
            )
    if isinstance(load.mode, DeleteInsert):
        lacking = [name for name in load.mode.by if name not in offered]
        if lacking:
            raise DeclarationError(
                f"{where}: the source does not offer {lacking[0]}, which names the partition"
            )
    if isinstance(load.mode, Merge | InsertOnly | History) and usable_key(load, offered) is None:
        raise DeclarationError(
            f"{where}: the source offers no key of the table, so its rows cannot be told apart",
            hint=f"a key is {_described_keys(load)}",
        )


def _described_keys(load: Load) -> str:
    keys = [f"({', '.join(column.name for column in key)})" for key in unique_keys(load.sql_table)]
    return " or ".join(keys) or "missing in the table's declaration"


def nothing_else_is_unique(load: Load, key: tuple[str, ...]) -> bool:
    """Whether no value that goes can be in the way of one that comes.

    Args:
        load: the load.
        key: the columns by which its rows are told apart.
    """
    table = load.sql_table
    constraints = any(isinstance(c, UniqueConstraint | ExcludeConstraint) for c in table.constraints)
    others = constraints or any(index.unique for index in table.indexes)
    return not others and key == tuple(table.primary_key.columns.keys())


def _insert(connection: Connection, load: Load, rows: Candidates, offered: list[str]) -> int:
    query = select(*(rows.table.c[name] for name in offered)).where(rows.accepted).order_by(rows.order)
    statement = pg_insert(load.sql_table).from_select(offered, query)
    return connection.execute(statement).rowcount


def _merge(
    connection: Connection,
    load: Load,
    rows: Candidates,
    offered: list[str],
    *,
    update_known: bool = True,
) -> int:
    """Insert accepted rows with a new key, update those of which a value differs; returns how many.

    Columns that the source does not offer keep their values, except those that record the time of an
    update, and the end of a reference row that has come again.
    """
    table, new = load.sql_table, rows.table
    key = usable_key(load, offered)
    assert key is not None
    others = [name for name in offered if name not in key] if update_known else []
    same_key = and_(*(table.c[name] == new.c[name] for name in key))
    differs = [_differs(table.c[name], new.c[name]) for name in others]
    revived = _inactivated(load, offered) if update_known else None
    if revived is not None:
        differs.append(revived.is_not(None))
    query = select(*(new.c[name] for name in offered)).where(rows.accepted).order_by(rows.order)
    if not rows.mostly_differ:
        query = query.select_from(new.outerjoin(table, same_key))
        query = query.where(or_(table.c[key[0]].is_(None), *differs))
    statement = pg_insert(table).from_select(offered, query)
    update_set: dict[str, Any] = {name: statement.excluded[name] for name in others}
    if revived is not None:
        update_set[revived.name] = None
    if update_set:
        update_set |= _recorded_updates(load, offered)
        bounds = interval(table)
        if bounds is not None and bounds[0].name not in offered:
            # As the table's trigger would say, which then need not be called for each row.
            update_set[bounds[0].name] = func.now()
        changed = None
        if rows.mostly_differ:
            changed = or_(*(_differs(table.c[name], statement.excluded[name]) for name in others))
        statement = statement.on_conflict_do_update(index_elements=list(key), set_=update_set, where=changed)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(key))
    if rows.mostly_differ or rows.distinct is None:
        return connection.execute(statement).rowcount
    with merging_in_order(connection, rows.table, table, key):
        return connection.execute(statement).rowcount


def _differs(there: Column[Any], new: ColumnElement[Any]) -> ColumnElement[bool]:
    return exact(there, there).is_distinct_from(exact(there, new))


def _end_absent(
    connection: Connection, load: Load, rows: Candidates, key: tuple[str, ...], offered: list[str]
) -> int:
    """Delete the rows whose key the source lacks, or end them where a reference table keeps all; how many.

    A key that came in a row that was rejected is not lacking: the row that is there is the last good one.
    """
    table = load.sql_table
    if rows.gone is not None:
        gone = rows.gone
        lacking = select(literal(1)).where(*(gone.c[name] == table.c[name] for name in key)).exists()
        return connection.execute(delete(table).where(lacking)).rowcount
    came = select(literal(1)).where(*(rows.table.c[name] == table.c[name] for name in key)).exists()
    ended = _inactivated(load, offered)
    if ended is None:
        return connection.execute(delete(table).where(not_(came))).rowcount
    values: dict[str, Any] = {ended.name: func.now(), **_recorded_updates(load, offered)}
    return connection.execute(update(table).where(not_(came), ended.is_(None)).values(values)).rowcount


def ends_rows_by_a_mark(load: Load, offered: list[str]) -> bool:
    """Whether a row that the source lacks is kept and marked, and one that comes again loses the mark.

    Args:
        load: the load.
        offered: the columns that the source offers.
    """
    return _inactivated(load, offered) is not None


def _inactivated(load: Load, offered: list[str]) -> Column[Any] | None:
    """The column that ends a reference row, where the source does not fill it and the mode does."""
    ends = isinstance(load.mode, Replace | History) and issubclass(load.table, ReferenceTableMixin)
    return load.sql_table.c.inactivated_at if ends and "inactivated_at" not in offered else None


def _covered(load: Load, rows: TableClause) -> ColumnElement[bool]:
    """Whether a row of the table is in a partition that the load covers."""
    mode = load.mode
    assert isinstance(mode, DeleteInsert)
    if mode.partitions is not None:
        return or_(false(), *_partitions(load, mode, load.sql_table))
    # Partitions are few, and rows are many.
    came = select(*(rows.c[name] for name in mode.by)).distinct().subquery("came")
    same = []
    for name in mode.by:
        there = load.sql_table.c[name]
        # A null is a partition too, which a join alone would not find.
        same.append(came.c[name].is_not_distinct_from(there) if there.nullable else came.c[name] == there)
    return select(literal(1)).select_from(came).where(*same).exists()


def _partitions(load: Load, mode: DeleteInsert, rows: FromClause) -> list[ColumnElement[bool]]:
    """For each partition that is given, whether a row is in it."""
    return [
        and_(
            *(
                rows.c[name].is_not_distinct_from(literal(value, load.sql_table.c[name].type))
                for name, value in zip(mode.by, partition, strict=True)
            )
        )
        for partition in mode.partitions or ()
    ]


def _recorded_updates(load: Load, offered: list[str]) -> dict[str, ColumnElement[Any]]:
    updates: dict[str, ColumnElement[Any]] = {}
    for column in load.sql_table.columns:
        value = getattr(column.onupdate, "arg", None)
        if column.name not in offered and isinstance(value, ColumnElement):
            updates[column.name] = value
    return updates
