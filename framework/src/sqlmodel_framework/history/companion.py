"""The columns that keep a table true, and the companion table that holds its past states."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import CheckConstraint, Column, Computed, Index, MetaData, PrimaryKeyConstraint, Table

from ..errors import DeclarationError

__all__ = [
    "column_for",
    "companion_name",
    "data_columns",
    "history_table",
    "interval",
    "needed_interval",
    "stored_columns",
]

ROLE = "datakit"
_LONGEST_NAME = 63
_DIGITS = 8


def column_for(table: Table, role: str) -> Column[Any] | None:
    """The column with a role: "valid_from", "valid_to" or "updated_at"; or None.

    Raises:
        DeclarationError: there are several.
    """
    found = [column for column in table.columns if _role_of(column) == role]
    if len(found) > 1:
        names = ", ".join(column.name for column in found)
        raise DeclarationError(
            f"{table.fullname} has several columns for {role}: {names}", table=table.fullname
        )
    return found[0] if found else None


def _role_of(column: Column[Any]) -> str | None:
    # To ask for `info` is to make one for each column that has none.
    return column.info.get(ROLE) if "info" in column.__dict__ else None


def interval(table: Table) -> tuple[Column[Any], Column[Any]] | None:
    """The columns for where a state begins and ends, or None for a table that keeps no history.

    Raises:
        DeclarationError: it has only one of the two columns, or no primary key.
    """
    if all(_role_of(column) is None for column in table.columns):
        return None
    start, end = column_for(table, "valid_from"), column_for(table, "valid_to")
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise DeclarationError(
            f"{table.fullname} has only one end of an interval",
            hint="derive the class from TemporalTableMixin, which adds valid_from and valid_to",
            table=table.fullname,
        )
    if not table.primary_key.columns:
        raise DeclarationError(
            f"{table.fullname} keeps its history, but has no primary key",
            hint="make the column that identifies a row primary_key=True",
            table=table.fullname,
        )
    return start, end


def needed_interval(table: Table) -> tuple[Column[Any], Column[Any]]:
    """The same of a table that must keep its history.

    Raises:
        DeclarationError: it does not.
    """
    found = interval(table)
    if found is None:
        raise DeclarationError(
            f"{table.fullname} keeps no history",
            hint="derive its class from TemporalTableMixin, and deploy it",
            table=table.fullname,
        )
    return found


def stored_columns(table: Table) -> list[Column[Any]]:
    """The columns that can be written; generated ones follow from them."""
    return [column for column in table.columns if column.computed is None]


def data_columns(table: Table) -> list[Column[Any]]:
    """The columns whose change makes another state of a row."""
    return [column for column in stored_columns(table) if ROLE not in column.info]


def companion_name(table: Table, suffix: str) -> str:
    """The table's name with a suffix, cut to what every database keeps, and still unlike any other's."""
    name = f"{table.name}_{suffix}"
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    tail = f"_{hashlib.sha256(table.name.encode()).hexdigest()[:_DIGITS]}_{suffix}"
    kept = table.name.encode()[: _LONGEST_NAME - len(tail)].decode(errors="ignore")
    return f"{kept}{tail}"


def history_table(table: Table) -> Table:
    """The companion that holds past states: it follows from the declared table alone.

    It has the same columns, without defaults, checks and foreign keys. All but the key may be null,
    because a column can be added that older states never had.
    """
    start, end = needed_interval(table)
    key = [*table.primary_key.columns, start]
    columns = [_copy(column, nullable=column not in {*key, end}) for column in table.columns]
    by_name = {column.name: column for column in columns}
    name = companion_name(table, "history")
    companion = Table(
        name,
        MetaData(),
        *columns,
        PrimaryKeyConstraint(*(by_name[column.name] for column in key)),
        Index(companion_name(table, "history_valid_to"), by_name[end.name]),
        schema=table.schema,
        comment=f"Past states of {table.name}",
    )
    # Some types bring a check of their own; what is past need not pass today's.
    companion.constraints -= {c for c in companion.constraints if isinstance(c, CheckConstraint)}
    return companion


def _copy(column: Column[Any], *, nullable: bool) -> Column[Any]:
    computed = column.computed
    generated = [] if computed is None else [Computed(computed.sqltext, persisted=computed.persisted)]
    return Column(
        column.name,
        column.type,
        *generated,
        key=column.key,
        nullable=nullable or bool(generated),
        autoincrement=False,
        comment=column.comment,
    )
