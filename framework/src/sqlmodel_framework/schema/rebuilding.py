"""Shapes, turned back into SQLAlchemy's tables: what was recorded can be made again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Constraint,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from ..base.fields import sql_type
from .names import split_name
from .snapshot import ColumnShape, IndexShape, TableShape

__all__ = ["column_from", "counts_by_default", "index_from", "name_or_none", "table_from", "verbatim"]


_INTEGERS: dict[str, type[Integer]] = {"bigint": BigInteger, "smallint": SmallInteger}


def name_or_none(name: str) -> str | None:
    """A constraint's name, or None for one that the database is to make up."""
    return None if name.startswith("(") else name


def column_from(name: str, shape: ColumnShape, *, key: bool = False) -> Column[Any]:
    """A column; `key` for one of the primary key, which is not null anyway."""
    arguments: list[Any] = []
    kind: Any = sql_type(shape.type)
    counting = shape.identity in ("serial", "auto")
    if shape.generated is not None:
        arguments.append(Computed(verbatim(shape.generated), persisted=True))
    elif counting:
        kind = _INTEGERS.get(shape.type.lower(), Integer)()
    elif shape.identity:
        arguments.append(Identity(always=shape.identity == "always"))
    return Column(
        name,
        kind,
        *arguments,
        nullable=shape.nullable and not key,
        server_default=None if shape.default is None else verbatim(shape.default),
        comment=shape.comment,
        autoincrement=counting or (False if not arguments else "auto"),
    )


def index_from(table: Table, name: str, shape: IndexShape, dialect: str) -> Index:
    """An index; its parts are text as the database prints it."""
    options: dict[str, Any] = {}
    if shape.where is not None:
        options[f"{dialect}_where"] = verbatim(shape.where)
    if shape.method:
        options[f"{dialect}_using"] = shape.method
    if shape.include:
        options[f"{dialect}_include"] = [table.columns[each] for each in shape.include]
    # An index must know its table, which text does not tell.
    parts = [verbatim(part) for part in shape.parts]
    index = Index(name, *parts, unique=shape.unique, _table=table, **options)
    return index


def counts_by_default(name: str, type_: TypeEngine[Any], shape: TableShape) -> bool:
    """Whether SQLAlchemy lets a column count up unless told otherwise: a lone key, if it is an integer."""
    if shape.primary_key != (name,) or any(name in key.columns for key in shape.foreign_keys.values()):
        return False
    own = shape.columns[name]
    is_integer = issubclass(type_._type_affinity or type(type_), Integer)
    return is_integer and own.default is None and own.generated is None


def verbatim(words: str) -> Any:
    """Text that holds no parameters."""
    return text(words.replace(":", "\\:"))


def table_from(name: str, shape: TableShape, dialect: str) -> Table:
    """A table with its columns, keys, checks and indexes; without foreign keys and triggers."""
    schema, bare = split_name(name)
    constraints: list[Constraint] = [
        *([PrimaryKeyConstraint(*shape.primary_key)] if shape.primary_key else []),
        *(UniqueConstraint(*columns, name=name_or_none(key)) for key, columns in shape.uniques.items()),
        *(
            CheckConstraint(verbatim(check.expression), name=name_or_none(key))
            for key, check in shape.checks.items()
        ),
    ]
    options: dict[str, Any] = {}
    if shape.partition_by is not None:
        options[f"{dialect}_partition_by"] = shape.partition_by
    table = Table(
        bare,
        MetaData(),
        *(column_from(key, column, key=key in shape.primary_key) for key, column in shape.columns.items()),
        *constraints,
        schema=schema,
        comment=shape.comment,
        **options,
    )
    for key, index in shape.indexes.items():
        index_from(table, key, index, dialect)
    return table
