"""Appending to a bronze table, in one statement that every database with window functions understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    String,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)

from ..base.tables import own_columns, plain_type
from ..errors import DeclarationError
from .load import Load
from .sources import OutsideSource

__all__ = ["RowHash", "append_new", "bronze_columns"]

RowHash = Callable[[FromClause, list[str]], ColumnElement[Any]]
"""The row hash as an expression over columns of rows, given their names in declared order."""


def bronze_columns(load: Load) -> list[str]:
    """The names of a bronze table's own columns, which keep text.

    Raises:
        DeclarationError: one of them is of another type.
    """
    for column in own_columns(load.table):
        if not isinstance(plain_type(column), String):
            raise DeclarationError(
                f"{load.full_table_name}.{column.name} is {column.type}: a bronze table keeps values as text",
                table=load.full_table_name,
                column=column.name,
            )
    return [column.name for column in own_columns(load.table)]


def append_new(
    connection: Connection,
    load: Load,
    rows: FromClause,
    run_id: UUID,
    *,
    position: str,
    row_hash: RowHash,
    exact: Callable[[ColumnElement[Any]], ColumnElement[Any]] = lambda text: text,
) -> int:
    """Append staged rows to a bronze table, as far as the same source has not brought them yet.

    Rows are told apart by their hash, with multiplicity: two equal rows in a file stay two, and
    loading the file again adds none. Returns how many rows were written.

    Args:
        connection: in a transaction.
        load: the load.
        rows: the staged rows.
        run_id: the run that they belong to.
        position: the column of the staged rows that has their order.
        row_hash: the row hash as an expression over columns of `rows`.
        exact: makes a text one that is compared character by character, where the database does not.
    """
    source = load.source
    assert isinstance(source, OutsideSource)
    bronze = load.sql_table
    own = [column.name for column in own_columns(load.table)]
    hashed = select(rows.c[position], *(rows.c[name] for name in own), row_hash(rows, own).label("row_hash"))
    if connection.dialect.name in ("postgresql", "sqlite"):
        # Else each hash would be computed once for every place where it is used.
        hashed = hashed.offset(literal_column("0"))
    staged = hashed.subquery()
    occurrence = func.row_number().over(partition_by=staged.c.row_hash, order_by=staged.c[position])
    numbered = select(staged, occurrence.label("occurrence")).subquery()
    present = (
        select(bronze.c.row_hash, func.count().label("times"))
        .where(
            exact(bronze.c.source_system) == exact(_value(source.system, bronze.c.source_system)),
            exact(bronze.c.source_table) == exact(_value(source.name, bronze.c.source_table)),
        )
        .group_by(bronze.c.row_hash)
        .subquery()
    )
    described = {
        "source_system": source.system,
        "source_table": source.name,
        "source_host": source.host,
        "extraction_method": source.extraction_method,
        "run_id": run_id,
    }
    new = (
        select(
            *(numbered.c[name] for name in own),
            numbered.c.row_hash,
            *(_value(value, bronze.c[name]) for name, value in described.items()),
        )
        .select_from(numbered.outerjoin(present, numbered.c.row_hash == present.c.row_hash))
        .where(numbered.c.occurrence > func.coalesce(present.c.times, 0))
        .order_by(numbered.c[position])
    )
    return connection.execute(insert(bronze).from_select([*own, "row_hash", *described], new)).rowcount


def _value(value: Any, like: ColumnElement[Any]) -> ColumnElement[Any]:
    return bindparam(None, value, type_=like.type)
