"""Typed classes and the tables behind them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pydantic.fields import FieldInfo
from sqlalchemy import Column, Index, MetaData, Table, TypeDecorator, UniqueConstraint, inspect
from sqlalchemy.sql.expression import Select, TableClause
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from ..errors import DeclarationError


def table_of(cls: type[SQLModel]) -> Table:
    """The table of a class that was declared with `table=True`.

    Raises:
        DeclarationError: the class is not a table.
    """
    table = cls.__dict__.get("__table__") if isinstance(cls, type) else None
    if isinstance(table, Table):
        return table
    if not isinstance(cls, type):
        raise DeclarationError(f"{cls!r} is not a table")
    for parent in cls.__mro__:
        if isinstance(parent.__dict__.get("__table__"), Table):
            raise DeclarationError(
                f"{full_name(cls)} has no table of its own, but that of its parent {full_name(parent)}",
                hint="derive both from a class without table=True",
            )
    raise DeclarationError(
        f"{full_name(cls)} is not a table",
        hint="declare it with table=True: class Name(SQLModel, table=True)",
    )


def tables_read(query: Select[Any]) -> frozenset[str]:
    """The full names of the tables and views that a query reads, wherever it names them."""
    found = (item for item in iterate(query) if isinstance(item, TableClause))
    return frozenset(f"{item.schema}.{item.name}" if item.schema else item.name for item in found)


def full_name(cls: type) -> str:
    """The name of a class with its module's, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"


def tables_in(module: ModuleType) -> list[type[SQLModel]]:
    """The table classes among a module's names that were defined in it, or below it if it is a package.

    Classes that were imported from elsewhere, and classes that are not tables, are left out.
    """
    found: list[type[SQLModel]] = []
    for value in vars(module).values():
        if not (isinstance(value, type) and issubclass(value, SQLModel) and "__table__" in value.__dict__):
            continue
        if value.__module__ == module.__name__ or value.__module__.startswith(f"{module.__name__}."):
            found.append(value)
    return list(dict.fromkeys(found))


def copied(table: Table, metadata: MetaData, **options: Any) -> Table:
    """A copy of a table in another MetaData, with what `Table.to_metadata` leaves behind.

    That is the order of the constraints, and on which databases (`ddl_if`) each of them is made.

    Args:
        table: what is copied.
        metadata: where the copy goes.
        **options: those of `Table.to_metadata`.
    """
    copy = table.to_metadata(metadata, **options)
    constraints = {_identity(constraint): constraint for constraint in table.constraints}
    for constraint in copy.constraints:
        original = constraints.get(_identity(constraint))
        if original is not None:
            constraint._ddl_if = original._ddl_if
            constraint._creation_order = original._creation_order
    # A copy under another name has other names of indexes.
    conditions = {_identity(index): index._ddl_if for index in table.indexes}
    for index in copy.indexes:
        index._ddl_if = conditions.get(_identity(index))
    return copy


def _identity(part: Any) -> tuple[object, ...]:
    columns = [column.name for column in part.columns]
    name = None if isinstance(part, Index) else part.name
    return (type(part), name, *columns, str(getattr(part, "sqltext", "")))


def own_columns(cls: type[SQLModel]) -> list[Column[Any]]:
    """The columns of a bronze table that hold its source's data, in declared order."""
    # What stands here is used by the mixins themselves.
    from .models import BronzeTableMixin

    return [column for column in table_of(cls).columns if column.name not in BronzeTableMixin.model_fields]


def plain_type(column: Column[Any]) -> TypeEngine[Any]:
    """A column's type without the decorators around it, such as SQLModel's own kind of text."""
    type_: TypeEngine[Any] = column.type
    while isinstance(type_, TypeDecorator):
        type_ = type_.impl_instance
    return type_


def field_of(cls: type[SQLModel], column: Column[Any]) -> FieldInfo | None:
    """The field that a column was made from; its name can differ from the column's."""
    return cls.model_fields.get(inspect(cls).get_property_by_column(column).key)


def is_generated(cls: type[SQLModel], column: Column[Any]) -> bool:
    """Whether the database or the class makes up the values of a column that no data comes with."""
    if column.identity is not None or column.computed is not None or column.server_default is not None:
        return True
    if column.default is not None:
        return True
    # SQLAlchemy takes every lone integer primary key for a generated one. A field that must be given,
    # such as an airport's number, comes with the data.
    field = field_of(cls, column)
    required = field is not None and field.is_required()
    return table_of(cls).autoincrement_column is column and not required


def unique_keys(table: Table) -> list[tuple[Column[Any], ...]]:
    """The primary key, then every unique constraint and unique index over columns; each once."""
    keys: list[tuple[Column[Any], ...]] = []
    if table.primary_key.columns:
        keys.append(tuple(table.primary_key.columns))
    constraints = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    indexes = [i for i in table.indexes if i.unique]
    found: list[UniqueConstraint | Index] = [*constraints, *indexes]
    # Constraints are a set, whose order changes from run to run.
    for item in sorted(found, key=lambda item: [column.name for column in item.columns]):
        key = tuple(item.columns)
        if key and key not in keys:
            keys.append(key)
    return keys


def natural_key(cls: type[SQLModel]) -> tuple[Column[Any], ...] | None:
    """The first key whose values come with the data, or None when every key is generated."""
    for key in unique_keys(table_of(cls)):
        if not all(is_generated(cls, column) for column in key):
            return key
    return None
