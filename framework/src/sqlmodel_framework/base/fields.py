"""Fields with what a database knows of a column besides its type.

SQLModel's own `Field` is enough for most. It has the type of `str`, `int`, `float`, `bool`, `bytes`,
`Decimal` (with `max_digits` and `decimal_places`), `UUID`, `date`, `time`, `timedelta`, and `datetime`,
which is an instant: with its time zone, kept and given back in UTC (`NaiveDatetime` of pydantic is one
without). `primary_key`, `foreign_key`, `unique`, bounds and `max_length` are there as well.

`column` adds what is missing: checks, generated columns, comments, closed lists of values, indexes with
options. It may stand in a mixin of many tables: everything that it describes is made anew for each.
What it gives is ordinary SQLAlchemy: `Computed`, `CheckConstraint`, `Index`, `Enum`, `Column.comment`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ColumnElement,
    Computed,
    Dialect,
    Enum,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.sql.elements import conv
from sqlalchemy.types import TypeEngine, UserDefinedType, to_instance
from sqlmodel import Field

from ..errors import DeclarationError
from .per_table import ItemsOfEachTable, OptionsOfEachTable, when_in_table

__all__ = ["Indexed", "array_of", "column", "json_type", "sql_type"]

SqlType = TypeEngine[Any] | type[TypeEngine[Any]]

_WITHOUT_ARRAYS = ("sqlite", "mysql", "mariadb", "mssql", "oracle")


def json_type() -> TypeEngine[Any]:
    """A type for dictionaries and lists: JSONB on PostgreSQL, JSON elsewhere.

    MariaDB and SQLite keep JSON as text, SQL Server as nvarchar(max). None is NULL, not the JSON value
    `null`. A change inside of a value is not noticed: assign a new one.
    """
    from sqlalchemy.dialects.postgresql import JSONB

    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def array_of(item: SqlType) -> TypeEngine[Any]:
    """A type for lists of `item`: an array on PostgreSQL, a JSON list where there are no arrays.

    `contains`, `overlap` and `any` can be asked on PostgreSQL only.
    """
    from sqlalchemy.dialects.postgresql import ARRAY

    return ARRAY(item).with_variant(JSON(none_as_null=True), *_WITHOUT_ARRAYS)


def sql_type(words: str, like: SqlType | None = None) -> TypeEngine[Any]:
    """A type in the database's own words, where SQLAlchemy has none for it: `sql_type("ltree")`.

    Args:
        words: the type as it stands in a statement of that database.
        like: a type whose values it has, if they are not to be left to the driver.
    """
    return _Words(words, None if like is None else to_instance(like))


class _Words(UserDefinedType[Any]):
    cache_ok = True

    def __init__(self, words: str, like: TypeEngine[Any] | None = None) -> None:
        self.words = words
        self.like = like

    @property
    def _type_affinity(self) -> Any:
        # Of an integer, SQLAlchemy believes that it may count up.
        return super()._type_affinity if self.like is None else self.like._type_affinity

    @property
    def python_type(self) -> type[Any]:
        return super().python_type if self.like is None else self.like.python_type

    def get_col_spec(self, **_options: Any) -> str:
        return self.words

    def bind_processor(self, dialect: Dialect) -> Any:
        return None if self.like is None else self.like.dialect_impl(dialect).bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        if self.like is None:
            return None
        return self.like.dialect_impl(dialect).result_processor(dialect, coltype)


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """An index over one column.

    Args:
        unique: whether it refuses duplicates.
        where: the condition of a partial index (PostgreSQL, SQLite, SQL Server).
        method: such as "gin" or "brin" (PostgreSQL).
        include: columns that are only kept (PostgreSQL, SQL Server).
        name: by default `ix_<schema>_<table>_<column>`.
        options: more of SQLAlchemy's, such as `{"postgresql_ops": {"name": "text_pattern_ops"}}`.
    """

    unique: bool = False
    where: str | None = None
    method: str | None = None
    include: tuple[str, ...] = ()
    name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def on(self, column: Column[Any], table: Table) -> Index:
        """The index of a column in its table."""
        options = dict(self.options)
        if self.where is not None:
            # A text clause for each dialect: the compiler of one may keep what it makes of it.
            options |= {f"{name}_where": text(self.where) for name in ("postgresql", "sqlite", "mssql")}
        if self.method is not None:
            options["postgresql_using"] = self.method
        if self.include:
            options |= {f"{name}_include": list(self.include) for name in ("postgresql", "mssql")}
        made = self.name or conv("_".join(filter(None, ("ix", table.schema, table.name, column.name))))
        return Index(made, column, unique=self.unique, **options)


def column(
    sa_type: SqlType | Callable[[], TypeEngine[Any]] | None = None,
    *,
    name: str | None = None,
    comment: str | None = None,
    check: str | Callable[[Column[Any]], ColumnElement[bool]] | None = None,
    check_name: str | None = None,
    values: type[enum.Enum] | Sequence[str] | None = None,
    computed: str | None = None,
    stored: bool = True,
    server_default: Any = None,
    onupdate: Any = None,
    index: bool | Indexed = False,
    info: Mapping[str, Any] | None = None,
    items: Callable[[], list[Any]] | None = None,
    **options: Any,
) -> Any:
    """A field whose column has more than SQLModel's `Field` can say.

    Args:
        sa_type: the SQL type; by default SQLModel's for the annotation.
        name: of the column, where it is not the field's.
        comment: kept by databases that have comments.
        check: a condition in SQL, or a function of the column: `lambda price: price >= 0`.
        check_name: by default `<table>_<column>_check`.
        values: an `enum.Enum`, whose values are kept (SQLModel keeps the names): on PostgreSQL a type
            in the table's schema, named after the class in snake case; on MariaDB the type ENUM;
            elsewhere text with a check. Or a list of texts: text with a check, everywhere.
        computed: the SQL expression that the column always is. It is None until the row is flushed.
        stored: whether a computed value is kept, or else worked out when read (not by every database).
        server_default: what the database fills in: a text as it is, `text(...)` or a function for an
            expression. The field is None until the row is flushed, unless it has a default besides.
        onupdate: what an update through SQLAlchemy or a load sets.
        index: whether there is an index, or what it is like.
        info: what other parts of the framework know the column by (`Column.info`).
        items: more arguments of the column, such as an `Identity`; called for each table.
        **options: everything else that SQLModel's `Field` takes: `default`, `primary_key`, `ge`, ...

    Raises:
        DeclarationError: two of these cannot go together.
    """
    if computed is not None and (server_default is not None or options.get("primary_key")):
        raise DeclarationError("a computed column has no server_default, and is no primary key")
    if (computed is not None or server_default is not None) and "default_factory" not in options:
        options.setdefault("default", None)
    if values is not None:
        if sa_type is not None:
            raise DeclarationError("column(values=...) has the type of its values; leave out sa_type")
        sa_type = Text if not isinstance(values, type) else _enum_type(values)
    if sa_type is not None:
        options["sa_type"] = sa_type

    def make_items() -> list[Any]:
        made = list(items()) if items is not None else []
        if computed is not None:
            made.append(Computed(computed, persisted=stored))
        if values is not None:
            made.append(when_in_table(_values_check(values)))
        if check is not None:
            made.append(when_in_table(_check(check, check_name)))
        if isinstance(index, Indexed):
            made.append(when_in_table(_index(index)))
        return made

    def make_options() -> dict[str, Any]:
        given = {"name": name, "comment": comment, "server_default": server_default, "onupdate": onupdate}
        made = {key: value for key, value in given.items() if value is not None}
        if info is not None:
            made["info"] = dict(info)
        return made

    return Field(
        index=index is True,
        sa_column_args=ItemsOfEachTable(make_items),
        sa_column_kwargs=OptionsOfEachTable(make_options),
        **options,
    )


def snake_case(name: str) -> str:
    """`FlightDelay` is `flight_delay`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _enum_type(members: type[enum.Enum]) -> Callable[[], TypeEngine[Any]]:
    texts = [str(member.value) for member in members]
    if [member.value for member in members] != texts or not texts:
        raise DeclarationError(f"the values of {members.__name__} must be texts for column(values=...)")

    def make() -> TypeEngine[Any]:
        return Enum(members, name=snake_case(members.__name__), values_callable=lambda _members: texts)

    return make


def _values_check(values: type[enum.Enum] | Sequence[str]) -> Callable[[Column[Any], Table], None]:
    def act(column: Column[Any], table: Table) -> None:
        made = CheckConstraint(column.in_(list(values)), name=_made_name(table, column, "is_known"))
        if isinstance(column.type, Enum):
            column.type.schema = table.schema
            made = made.ddl_if(callable_=_has_no_enums)
        table.append_constraint(made)

    return act


def _has_no_enums(*_parts: Any, dialect: Any, **_options: Any) -> bool:
    return not dialect.supports_native_enum


def _check(
    condition: str | Callable[[Column[Any]], ColumnElement[bool]], name: str | None
) -> Callable[[Column[Any], Table], None]:
    def act(column: Column[Any], table: Table) -> None:
        expression = condition if isinstance(condition, str) else condition(column)
        table.append_constraint(CheckConstraint(expression, name=name or _made_name(table, column, "check")))

    return act


def _index(index: Indexed) -> Callable[[Column[Any], Table], None]:
    def act(column: Column[Any], table: Table) -> None:
        index.on(column, table)

    return act


def _made_name(table: Table, column: Column[Any], what: str) -> conv:
    # Unique within a schema, as SQL Server wants it; shortened by SQLAlchemy where it is too long.
    return conv(f"{table.name}_{column.name}_{what}")
