"""Declared reference rows: which of them a table lacks or holds otherwise, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    String,
    Table,
    and_,
    case,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)

from ..base.declarations import Rows
from ..base.tables import plain_type, table_of
from .change import Change, Phase, Step
from .dialects import offline
from .names import name_of
from .snapshot import Snapshot

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["row_changes"]


def row_changes(engine: BaseEngine, declared: Sequence[Rows], live: Snapshot) -> list[Change]:
    """One change for each declared row that is missing or differs; one query for each table with rows.

    Args:
        engine: connected, in a transaction.
        declared: the rows.
        live: what there is.
    """
    return [change for rows in declared for change in _changes(engine, rows, live)]


def _changes(engine: BaseEngine, rows: Rows, live: Snapshot) -> list[Change]:
    table = table_of(rows.model)
    whole = [_held(engine, rows.values(row)) for row in rows.rows]
    shape = live.tables.get(name_of(table))
    if shape is None:
        return [_insert(engine, table, rows.key, row) for row in whole]
    known = set(shape.columns)
    if not whole:
        return []
    # A column that is only just being added: what the rows hold in it cannot be asked yet.
    values = [{name: value for name, value in row.items() if name in known} for row in whole]
    asked: Sequence[Any] = engine.connection.execute(_differing(engine, table, rows.key, values)).all()
    found: dict[int, bool] = {position: bool(missing) for position, missing in asked}
    late = [position for position, row in enumerate(whole) if not set(row) <= known and position not in found]
    changes = []
    for position in sorted({*found, *late}):
        missing = found.get(position, False)
        make = _insert if missing else _update
        changes.append(make(engine, table, rows.key, whole[position]))
    return changes


def _held(engine: BaseEngine, row: dict[str, Any]) -> dict[str, Any]:
    """The values as the database can hold them."""
    if engine.has_zones:
        return row
    return {
        name: value.astimezone(UTC).replace(tzinfo=None)
        if isinstance(value, datetime) and value.tzinfo is not None
        else value
        for name, value in row.items()
    }


def _differing(
    engine: BaseEngine, table: Table, key: tuple[str, ...], values: Sequence[dict[str, Any]]
) -> Any:
    """The positions of the rows that are missing (true) or differ (false)."""
    columns = sorted({name for row in values for name in row})
    wanted = union_all(
        *(
            select(
                literal(position).label("position"),
                *(engine.declared_value(table.c[name], row.get(name)).label(name) for name in columns),
                *(literal(name in row).label(f"given {name}") for name in columns if name not in key),
            )
            for position, row in enumerate(values)
        )
    ).subquery()
    same = and_(*(table.c[name] == wanted.c[name] for name in key))
    missing: ColumnElement[bool] = table.c[key[0]].is_(None)
    differs = [
        and_(
            wanted.c[f"given {name}"],
            engine.exact(table.c[name], table.c[name]).is_distinct_from(
                engine.exact(table.c[name], wanted.c[name])
            ),
        )
        for name in columns
        if name not in key
    ]
    return (
        # Not every database takes a condition for a value.
        select(wanted.c.position, case((missing, 1), else_=0))
        .select_from(wanted.outerjoin(table, same))
        .where(or_(missing, *differs))
    )


def _insert(engine: BaseEngine, table: Table, key: tuple[str, ...], row: dict[str, Any]) -> Change:
    sql = _sql(engine, insert(table).values(_written(engine, table, row)))
    return _change("insert row", table, key, row, engine.row_sql(table, sql, row))


def _update(engine: BaseEngine, table: Table, key: tuple[str, ...], row: dict[str, Any]) -> Change:
    given = {name: value for name, value in row.items() if name not in key}
    where = and_(*(table.c[name] == row[name] for name in key))
    sql = _sql(engine, update(table).where(where).values(_written(engine, table, given)))
    return _change("update row", table, key, row, engine.row_sql(table, sql))


def _written(engine: BaseEngine, table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The values as a statement may hold them, where SQLAlchemy has no words for them."""
    return {name: _words(engine, table.c[name], value) for name, value in row.items()}


def _words(engine: BaseEngine, column: Column[Any], value: Any) -> Any:
    if value is None:
        # A null of JSON would be a value.
        return null()
    if isinstance(value, bytes):
        return literal_column(engine.bytes_sql(value))
    if isinstance(plain_type(column), JSON):
        dialect = engine.connection.dialect
        written: Any = column.type.dialect_impl(dialect).bind_processor(dialect)
        return literal(written(value), String)
    return value


def _sql(engine: BaseEngine, statement: Any) -> str:
    dialect = offline(engine.connection.dialect)
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _change(action: str, table: Table, key: tuple[str, ...], row: dict[str, Any], sql: str) -> Change:
    told_apart = ", ".join(f"{name}={row[name]}" for name in key)
    step = Step(sql, Phase.ROWS)
    return Change(action=action, name=f"{name_of(table)} ({told_apart})", steps=(step,))
