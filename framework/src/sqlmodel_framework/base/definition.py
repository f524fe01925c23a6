"""What tables declare, as text that is the same in every process and changes with every declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import CheckConstraint, Column, Constraint, Enum, ForeignKeyConstraint, Index, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import ExternalType, TypeEngine

from .partitions import INFO as PARTITIONS_INFO
from .tables import plain_type

__all__ = ["TypeTexts", "definitions", "type_key"]


class TypeTexts:
    """What the types of columns are called; there are few that differ, and asking SQLAlchemy takes long."""

    def __init__(self, ask: Callable[[Column[Any]], str]) -> None:
        self._ask = ask
        self._known: dict[Any, str] = {}

    def of(self, column: Column[Any]) -> str:
        """What the type of a column is called."""
        key = type_key(column)
        if key is None:
            return self._ask(column)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._ask(column)
        return known


def type_key(column: Column[Any]) -> Any:
    """What is equal for columns whose types are the same to every database; None where that is not known."""
    kind = column.type
    # Without anything of its own an instance is like any other.
    if not kind.__dict__:
        return type(kind)
    plain = plain_type(column)
    key = _own_key(plain)
    if plain is kind or key is None:
        return key
    around = _own_key(kind)
    return None if around is None else (around, key)


def _own_key(kind: TypeEngine[Any]) -> Any:
    # SQLAlchemy's key tells neither the values of a list, nor what the type is to another database.
    if isinstance(kind, Enum) or kind._variant_mapping:
        return None
    inner = kind.__dict__.get("item_type")
    if inner is not None and _own_key(inner) is None:
        return None
    if isinstance(kind, ExternalType) and not kind.cache_ok:
        return None
    key = kind._static_cache_key
    return key if isinstance(key, tuple) else None


def definitions(tables: Iterable[Table]) -> list[str]:
    """One text for each table, sorted."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    types = TypeTexts(lambda column: _type_text(column, dialect))
    return sorted("\n".join(_lines(table, types, dialect)) for table in tables)


def _type_text(column: Column[Any], dialect: Any) -> str:
    kind = plain_type(column)
    inner = getattr(kind, "item_type", kind)
    values = f" {inner.enums}" if isinstance(inner, Enum) else ""
    try:
        return f"{column.type.compile(dialect=dialect)}{values}"
    except (CompileError, AttributeError):
        # It is a type of another database alone, or of one's name there.
        return repr(column.type)


def _lines(table: Table, types: TypeTexts, dialect: Any) -> Iterator[str]:
    def sql(expression: Any) -> str:
        if isinstance(expression, ClauseElement):
            return str(expression.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        return repr(expression)

    yield f"table {table.fullname} {table.comment!r}"
    yield f"{_options(table, sql)} {table.info.get(PARTITIONS_INFO)}"
    for column in table.columns:
        default = getattr(column.server_default, "arg", None)
        line = (
            f"{column.name!r} {types.of(column)} {column.nullable} {column.primary_key} "
            f"{column.autoincrement} {column.comment!r} {None if default is None else sql(default)}"
        )
        if column.computed is not None:
            line += f" always {sql(column.computed.sqltext)}"
        if column.identity is not None:
            line += f" identity {column.identity.always}"
        yield line
    of_columns = [each for column in table.columns for each in column.constraints]
    yield from sorted(_constraint(each, sql) for each in (*table.constraints, *of_columns))
    yield from sorted(
        f"index {index.name} {index.unique} {', '.join(map(sql, index.expressions))} {_options(index, sql)}"
        for index in table.indexes
    )


def _constraint(constraint: Constraint, sql: Callable[[Any], str]) -> str:
    columns = ", ".join(column.name for column in getattr(constraint, "columns", ()))
    text = f"{type(constraint).__name__} {constraint.name} ({columns}) {constraint.deferrable}"
    text += f" {constraint.initially}"
    if isinstance(constraint, CheckConstraint):
        return f"{text} {sql(constraint.sqltext)}"
    if isinstance(constraint, ForeignKeyConstraint):
        targets = ", ".join(element.target_fullname for element in constraint.elements)
        return f"{text} {targets} {constraint.onupdate} {constraint.ondelete}"
    return text


def _options(item: Table | Index, sql: Callable[[Any], str]) -> str:
    """What is said for one kind of database only."""
    return " ".join(f"{name}={sql(value)}" for name, value in sorted(item.dialect_kwargs.items()))
