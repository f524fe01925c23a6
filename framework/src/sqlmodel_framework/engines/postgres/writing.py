"""Writing: rows that were accepted go into their table, in one statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    TableClause,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.sql.elements import ColumnElement

from ...base.tables import unique_keys
from ...errors import DeclarationError
from ...loading.load import Load
from .screening import accepted
from .stage import POSITION
from .values import exact

__all__ = ["merge", "merge_key", "row_hash"]


def merge(connection: Connection, load: Load, screened: TableClause, offered: list[str]) -> int:
    """Insert accepted rows with a new key, update those of which a value differs; returns how many.

    Rows that are the same are neither written nor locked. Columns that the source does not offer
    keep their values, except those that record the time of an update.
    """
    table = load.sql_table
    key = merge_key(load, offered)
    others = [name for name in offered if name not in key]
    same_key = and_(*(table.c[name] == screened.c[name] for name in key))
    is_new = table.c[key[0]].is_(None)
    differs = [
        exact(table.c[n], table.c[n]).is_distinct_from(exact(table.c[n], screened.c[n])) for n in others
    ]
    rows = (
        select(*(screened.c[name] for name in offered))
        .select_from(screened.outerjoin(table, same_key))
        .where(accepted(screened), or_(is_new, *differs))
        .order_by(screened.c[POSITION])
    )
    statement = pg_insert(table).from_select(offered, rows)
    if others:
        update: dict[str, Any] = {name: statement.excluded[name] for name in others}
        update |= _recorded_updates(load, offered)
        statement = statement.on_conflict_do_update(index_elements=list(key), set_=update)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(key))
    return connection.execute(statement).rowcount


def merge_key(load: Load, offered: list[str]) -> tuple[str, ...]:
    """The columns that tell rows apart: the primary key, or the first unique key that is never null.

    Raises:
        DeclarationError: the source offers no whole key, or lacks a column that only Python can fill.
    """
    where = f"load {load.name!r} into {load.full_table_name}"
    for column in load.sql_table.columns:
        if column.name not in offered and column.default is not None and column.default.is_callable:
            # It would be called once for the whole statement, so every row would get the same value.
            raise DeclarationError(
                f"{where}: the source does not offer {column.name}, whose default is made in Python",
                hint="give the column a server_default, or offer it in the source",
            )
    for key in unique_keys(load.sql_table):
        names = tuple(column.name for column in key)
        if set(names) <= set(offered) and not any(column.nullable for column in key):
            return names
    raise DeclarationError(
        f"{where}: the source offers no key of the table, so its rows cannot be told apart",
        hint=f"a key is {_described_keys(load)}",
    )


def _described_keys(load: Load) -> str:
    keys = [f"({', '.join(column.name for column in key)})" for key in unique_keys(load.sql_table)]
    return " or ".join(keys) or "missing in the table's declaration"


def _recorded_updates(load: Load, offered: list[str]) -> dict[str, ColumnElement[Any]]:
    updates: dict[str, ColumnElement[Any]] = {}
    for column in load.sql_table.columns:
        value = getattr(column.onupdate, "arg", None)
        if column.name not in offered and isinstance(value, ColumnElement):
            updates[column.name] = value
    return updates


def row_hash(rows: FromClause, names: list[str]) -> ColumnElement[Any]:
    """SHA-256 of the canonical text; see `sqlmodel_framework.loading.row_hash`."""
    parts: list[ColumnElement[Any]] = [
        case(
            (rows.c[name].is_(None), literal("-")),
            else_=cast(func.char_length(rows.c[name]), Text).concat(":").concat(cast(rows.c[name], Text)),
        )
        for name in names
    ]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.concat(part)
    return func.sha256(func.convert_to(whole, "UTF8"))
