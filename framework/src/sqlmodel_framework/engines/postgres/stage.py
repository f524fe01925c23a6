"""The stage: the rows that a source offers, in a temporary table, before anything is decided.

Each row has a position. It is what the quarantine names, and the order in which rows are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Identity,
    MetaData,
    Select,
    Table,
    TableClause,
    Text,
    case,
    cast,
    column,
    func,
    null,
    select,
    table,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.elements import ClauseElement, ColumnElement

from ...base.models import BronzeTableMixin
from ...base.tables import is_generated, own_columns, table_of
from ...errors import DeclarationError
from ...loading.bronze import bronze_columns
from ...loading.csv_file import open_csv
from ...loading.load import Load
from ...loading.sources import CsvSource, OutsideSource, QuerySource, TableSource
from .candidates import POSITION
from .csv_copy import copy_rows

__all__ = ["CreateTemporaryAs", "Stage", "fill_stage", "required_columns", "temporary"]

STAGE = "datakit_stage"


@dataclass(frozen=True)
class Stage:
    """What is staged: rows, and the type of each column in the database's own words.

    Of a source outside of the target, also how many bytes it had, and the SHA-256 over them in hex.
    """

    rows: int
    types: Mapping[str, str]
    bytes: int | None = None
    checksum: str | None = None

    @property
    def table(self) -> TableClause:
        """The staged rows."""
        return temporary(STAGE, *self.types)


def temporary(name: str, *columns: str) -> TableClause:
    """A temporary table of this session, with its position column."""
    return table(name, column(POSITION, BigInteger), *(column(c) for c in columns), schema="pg_temp")


class CreateTemporaryAs(Executable, ClauseElement):
    """CREATE TEMPORARY TABLE ... ON COMMIT DROP AS a query."""

    inherit_cache = False

    def __init__(self, name: str, query: Select[Any]) -> None:
        self.name = name
        self.query = query


@compiles(CreateTemporaryAs)
def _create_temporary_as(element: CreateTemporaryAs, compiler: Any, **arguments: Any) -> str:
    name = compiler.preparer.quote(element.name)
    query = compiler.process(element.query, **arguments)
    return f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {query}"


def fill_stage(connection: Connection, load: Load, progress: Callable[[int], None]) -> Stage:
    """Stage what the load's source offers.

    Raises:
        DeclarationError: the source's columns do not fit the table's.
        ContractError: the source is a file, and it is broken.
    """
    match load.source:
        case OutsideSource() as source:
            return _stage_csv(connection, load, source.as_csv(load.table), progress)
        case TableSource() as source:
            return _stage_query(connection, load, _select_table(load, source))
        case QuerySource() as source:
            return _stage_query(connection, load, _numbered(source.statement))


def _stage_csv(
    connection: Connection, load: Load, source: CsvSource, progress: Callable[[int], None]
) -> Stage:
    names: list[str] | None
    if load.is_bronze:
        names = required = bronze_columns(load)
    else:
        names = None if load.contract == "evolve" else load.sql_table.columns.keys()
        required = required_columns(load)
    with open_csv(source, load.full_table_name, names, required, progress) as rows:
        stage = Table(
            STAGE,
            MetaData(),
            SqlColumn(POSITION, BigInteger, Identity(always=True)),
            *(SqlColumn(name, Text) for name in rows.header),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        connection.execute(CreateTable(stage))
        read = copy_rows(connection, rows, ("pg_temp", STAGE), source)
    return Stage(read, dict.fromkeys(rows.header, "text"), rows.bytes_read, rows.checksum)


def _select_table(load: Load, source: TableSource) -> Select[Any]:
    origin = table_of(source.table)
    shared = [c.name for c in load.sql_table.columns if c.name in origin.columns]
    if issubclass(source.table, BronzeTableMixin):
        # A column that both have by inheritance, such as loaded_at, is not data of the source.
        own = {c.name for c in own_columns(source.table)}
        shared = [name for name in shared if name in own]
        position: ColumnElement[int] = origin.c.bronze_id
    else:
        # When the source's own row was written is no data of it either.
        shared = [name for name in shared if "datakit" not in origin.c[name].info]
        position = func.row_number().over(order_by=list(origin.primary_key.columns) or None)
    values: list[ColumnElement[Any]] = []
    for name in shared:
        value: ColumnElement[Any] = cast(origin.c[name], Text)
        if source.null_values:
            value = case((value.in_(source.null_values), null()), else_=value)
        values.append(value.label(name))
    return select(position.label(POSITION), *values).select_from(origin)


def _numbered(statement: Select[Any]) -> Select[Any]:
    rows = statement.subquery("offered")
    return select(func.row_number().over().label(POSITION), *rows.c)


def _stage_query(connection: Connection, load: Load, query: Select[Any]) -> Stage:
    offered = [c.name for c in query.selected_columns if c.name != POSITION]
    known = load.sql_table.columns
    where = f"load {load.name!r} into {load.full_table_name}"
    for name in offered:
        if name not in known:
            raise DeclarationError(
                f"{where}: the source offers the column {name}, which the table does not have"
            )
    for name in required_columns(load):
        if name not in offered:
            raise DeclarationError(
                f"{where}: the source does not offer the column {name}, which must be filled"
            )
    if not offered:
        raise DeclarationError(f"{where}: the source and the table have no column in common")
    rows = connection.execute(CreateTemporaryAs(STAGE, query)).rowcount
    return Stage(rows, _staged_types(connection))


def required_columns(load: Load) -> list[str]:
    """The columns that a source has to offer: those that are never null, and that nothing else fills."""
    return [c.name for c in load.sql_table.columns if not c.nullable and not is_generated(load.table, c)]


def _staged_types(connection: Connection) -> dict[str, str]:
    found = connection.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
            "WHERE attrelid = CAST(:stage AS regclass) AND attnum > 0 ORDER BY attnum"
        ),
        {"stage": f"pg_temp.{STAGE}"},
    )
    return {str(name): str(type_) for name, type_ in found if name != POSITION}
