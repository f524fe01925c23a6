"""Tables whose history the database keeps itself: how MariaDB and SQL Server declare them.

SQLAlchemy knows no system versioning, so its CREATE TABLE is completed for tables whose columns are
marked as the ends of an interval, as soon as this module is imported.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, CreateTable

from ..history.companion import ROLE, history_table, interval

__all__ = ["bound_specification", "is_versioned", "period"]

_BOUNDS = {"valid_from": "START", "valid_to": "END"}


def is_versioned(table: Table) -> bool:
    """Whether the database is to keep the table's history."""
    return interval(table) is not None


def bound_specification(column: Column[Any], compiler: Any) -> str:
    """How a column that is an end of the interval is declared."""
    name = compiler.preparer.format_column(column)
    kind = compiler.dialect.type_compiler_instance.process(column.type, type_expression=column)
    null = " NOT NULL" if compiler.dialect.name == "mssql" else ""
    return f"{name} {kind} GENERATED ALWAYS AS ROW {_BOUNDS[column.info[ROLE]]}{null}"


def period(table: Table, compiler: Any) -> str:
    """How the table's interval is declared."""
    bounds = interval(table)
    assert bounds is not None
    return f"PERIOD FOR SYSTEM_TIME ({', '.join(compiler.preparer.format_column(each) for each in bounds)})"


@compiles(CreateColumn, "mariadb", "mysql", "mssql")
def _create_column(element: CreateColumn, compiler: Any, **kw: Any) -> Any:
    column = element.element
    if column.info.get(ROLE) in _BOUNDS:
        return bound_specification(column, compiler)
    return compiler.visit_create_column(element, **kw)


@compiles(CreateTable, "mariadb", "mysql")
def _create_mariadb_table(element: CreateTable, compiler: Any, **kw: Any) -> str:
    return _completed(element, compiler, "WITH SYSTEM VERSIONING", **kw)


@compiles(CreateTable, "mssql")
def _create_sqlserver_table(element: CreateTable, compiler: Any, **kw: Any) -> str:
    table = element.element
    if not is_versioned(table):
        return str(compiler.visit_create_table(element, **kw))
    # The server wants to be told the schema.
    schema = compiler.preparer.quote_schema(table.schema or compiler.dialect.default_schema_name or "dbo")
    past = f"{schema}.{compiler.preparer.quote(history_table(table).name)}"
    return _completed(element, compiler, f"WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = {past}))", **kw)


def _completed(element: CreateTable, compiler: Any, versioning: str, **kw: Any) -> str:
    table = element.element
    sql = str(compiler.visit_create_table(element, **kw))
    if not is_versioned(table):
        return sql
    end = f"\n){compiler.post_create_table(table)}\n\n"
    assert sql.endswith(end)
    return f"{sql.removesuffix(end)}, \n\t{period(table, compiler)}{end.rstrip()} {versioning}\n\n"
