"""SQLAlchemy's words for SQLite, where a schema is the first part of a table's name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Index
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import (
    SQLiteCompiler,
    SQLiteDDLCompiler,
    SQLiteIdentifierPreparer,
    SQLiteTypeCompiler,
)
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.compiler import DDLCompiler

from ...schema.names import full_name
from .text import default_clause

__all__ = ["DIALECT", "DatakitSqlite", "flat_name"]


def flat_name(schema: str | None, name: str) -> str:
    """What a table, or an index, of a schema is called in the one file."""
    return name if schema is None else full_name(schema, name)


class _Preparer(SQLiteIdentifierPreparer):
    def format_table(self, table: Any, use_schema: bool = True, name: str | None = None) -> str:
        return self.quote(flat_name(self.schema_for_object(table), name or table.name))


class _Compiler(SQLiteCompiler):
    def visit_table(self, table: Any, *arguments: Any, **options: Any) -> Any:
        rendered = super().visit_table(table, *arguments, **options)  # type: ignore[no-untyped-call]
        return self._flat(table, rendered)

    def visit_column(self, column: Any, *arguments: Any, **options: Any) -> Any:
        return self._flat(column.table, super().visit_column(column, *arguments, **options))

    def _flat(self, table: Any, text: str) -> str:
        schema = None if table is None else self.preparer.schema_for_object(table)
        if schema is None:
            return text
        apart = f"{self.preparer.quote_schema(schema)}.{self.preparer.quote(table.name)}"
        if not text.startswith(apart):
            return text
        return self.preparer.format_table(table) + text.removeprefix(apart)


class _Ddl(SQLiteDDLCompiler):
    def visit_foreign_key_constraint(self, constraint: ForeignKeyConstraint, **options: Any) -> Any:
        # SQLAlchemy takes another schema for another file, and would leave the key out.
        return DDLCompiler.visit_foreign_key_constraint(self, constraint, **options)

    def _prepared_index_name(self, index: Index, include_schema: bool = False) -> str:
        schema = None if index.table is None else self.preparer.schema_for_object(index.table)
        if schema is None:
            return str(self.preparer.format_index(index))
        name: Any = index.name
        bare = self.preparer.truncate_and_render_index_name(name, _alembic_quote=False)
        return self.preparer.quote(flat_name(schema, bare))

    def get_column_default_string(self, column: Column[Any]) -> str | None:
        default = super().get_column_default_string(column)
        return None if default is None else default_clause(default)


class _Types(SQLiteTypeCompiler):
    # Only a key of the type INTEGER, by just this name, counts up by itself.

    def visit_BIGINT(self, type_: Any, **options: Any) -> str:  # noqa: N802
        return "INTEGER" if _counts(**options) else str(super().visit_BIGINT(type_, **options))

    def visit_SMALLINT(self, type_: Any, **options: Any) -> str:  # noqa: N802
        return "INTEGER" if _counts(**options) else str(super().visit_SMALLINT(type_, **options))


def _counts(type_expression: Any = None, **_more: Any) -> bool:
    if not isinstance(type_expression, Column) or type_expression.table is None:
        return False
    return type_expression.table.autoincrement_column is type_expression


class DatakitSqlite(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect, with schemas that are a part of names."""

    statement_compiler = _Compiler
    ddl_compiler = _Ddl
    type_compiler_cls = _Types
    preparer = _Preparer
    supports_statement_cache = True


DIALECT = "sqlite+datakit"
registry.register("sqlite.datakit", __name__, DatakitSqlite.__name__)
