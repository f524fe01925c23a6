"""What a datakit declares beside its tables: views, rights, reference rows, and renames."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, TableClause, column, inspect, table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import Select
from sqlmodel import SQLModel

from ..errors import DeclarationError
from .tables import is_generated, table_of, tables_read, unique_keys

__all__ = ["Allow", "RenameColumn", "RenameTable", "Rows", "View"]

PRIVILEGES: dict[str, frozenset[str]] = {
    "table": frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}),
    "view": frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"}),
    "schema": frozenset({"USAGE", "CREATE"}),
}
"""What may be allowed on what."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A query that a database keeps under a name.

    Args:
        name: of the view.
        query: a SELECT over typed classes, or SQL text that any target of the datakit understands.
        schema: the default one if None.
        materialized: whether its rows are kept; refused by a database that cannot.
        comment: kept by databases that have comments.

    Raises:
        DeclarationError: there is no name, or the query is neither.
    """

    name: str
    query: Select[*tuple[Any, ...]] | str
    schema: str | None = None
    materialized: bool = False
    comment: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise DeclarationError("a view needs a name")
        if isinstance(self.query, str) and not re.match(r"\s*(SELECT|WITH)\b", self.query, re.IGNORECASE):
            raise DeclarationError(f"view {self.full_name}: the query must be a SELECT, or begin with WITH")
        if not isinstance(self.query, str | Select):
            raise DeclarationError(
                f"view {self.full_name}: the query is a {type(self.query).__name__}, not a SELECT or a text"
            )

    @property
    def full_name(self) -> str:
        """`schema.name`, or `name` in the default schema."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def table(self) -> TableClause:
        """What another query can select from; its columns are known if the view's query is typed."""
        names = [] if isinstance(self.query, str) else list(self.query.selected_columns.keys())
        return table(self.name, *(column(name) for name in names), schema=self.schema)

    def sql(self, dialect: Dialect) -> str:
        """The query in a database's own SQL, values included."""
        if isinstance(self.query, str):
            return self.query.strip().rstrip(";")
        return str(self.query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    def reads(self) -> frozenset[str]:
        """The full names of the tables and views that a typed query reads; none of a text's are known."""
        if isinstance(self.query, str):
            return frozenset()
        return tables_read(self.query)


@dataclass(frozen=True, kw_only=True)
class Allow:
    """A right that somebody has: `Allow(privileges=("SELECT",), on=Airport, to="reporting")`.

    It is left out, and no plan shows it, where the engine has no rights: in MariaDB and SQLite.

    Args:
        privileges: in capitals: of a table SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES,
            TRIGGER; of a view the first four; of a schema USAGE, CREATE.
        to: the role, or "PUBLIC". It must exist in the target; roles are not made here.
        on: a table class or a view of the datakit.
        schema: or the name of a schema.

    Raises:
        DeclarationError: a privilege is unknown, or not exactly one of `on` and `schema` is given.
    """

    privileges: tuple[str, ...]
    to: str
    on: type[SQLModel] | View | None = None
    schema: str | None = None

    def __post_init__(self) -> None:
        if (self.on is None) == (self.schema is None):
            raise DeclarationError("Allow needs either on=, a table or a view, or schema=")
        given: object = self.privileges
        # A lone text is a sequence too, of letters.
        if not isinstance(given, tuple) or not given:
            raise DeclarationError(
                f"Allow to {self.to!r}: privileges must be a tuple of texts",
                hint='a tuple of one needs a comma: privileges=("SELECT",)',
            )
        if not self.to:
            raise DeclarationError("Allow needs a role: to=")
        known = PRIVILEGES[self.kind]
        for privilege in self.privileges:
            if privilege not in known:
                raise DeclarationError(
                    f"Allow to {self.to!r}: {privilege!r} is no privilege of a {self.kind}",
                    hint=f"a {self.kind} has {', '.join(sorted(known))}",
                )

    @property
    def kind(self) -> Literal["table", "view", "schema"]:
        """What the right is about."""
        if self.on is None:
            return "schema"
        return "view" if isinstance(self.on, View) else "table"

    @property
    def name(self) -> str:
        """The full name of what the right is about."""
        if self.on is None:
            return str(self.schema)
        return self.on.full_name if isinstance(self.on, View) else table_of(self.on).fullname


@dataclass(frozen=True)
class Rows:
    """Rows that a reference table must hold; others in it are left alone.

    They are told apart by the first key whose values come with them. A field that is not given to a
    row is left to the database.

    Args:
        model: the table class.
        rows: instances of it.

    Raises:
        DeclarationError: a row is of another class, has no whole key, or the key of another row.
    """

    model: type[SQLModel]
    rows: tuple[SQLModel, ...] | list[SQLModel]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))
        where = f"rows of {table_of(self.model).fullname}"
        key = self.key
        seen: dict[tuple[Any, ...], int] = {}
        for position, row in enumerate(self.rows, start=1):
            if type(row) is not self.model:
                raise DeclarationError(
                    f"{where}: row {position} is a {type(row).__name__}, not a {self.model.__name__}"
                )
            values = self.values(row)
            lacking = [name for name in key if values.get(name) is None]
            if lacking:
                raise DeclarationError(
                    f"{where}: row {position} has no {', '.join(lacking)}, so it cannot be told from others",
                    table=table_of(self.model).fullname,
                    column=lacking[0],
                )
            first = seen.setdefault(tuple(values[name] for name in key), position)
            if first != position:
                raise DeclarationError(
                    f"{where}: rows {first} and {position} have one key ({', '.join(key)})",
                    table=table_of(self.model).fullname,
                    column=key[0],
                )

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell the rows apart."""
        for columns in unique_keys(table_of(self.model)):
            if not any(is_generated(self.model, item) or item.nullable for item in columns):
                return tuple(item.name for item in columns)
        raise DeclarationError(
            f"rows of {table_of(self.model).fullname}: the table has no key whose values come with the rows",
            hint="make the column that identifies a row primary_key=True, or unique=True and not nullable",
            table=table_of(self.model).fullname,
        )

    def values(self, row: SQLModel) -> dict[str, Any]:
        """What a row gives, by column; what is None and filled by the database is left out."""
        found: dict[str, Any] = {}
        for attribute in inspect(self.model).column_attrs:
            item = attribute.columns[0]
            value = getattr(row, attribute.key)
            if isinstance(item, Column) and not (value is None and is_generated(self.model, item)):
                found[item.name] = value
        return found


@dataclass(frozen=True, kw_only=True)
class RenameTable:
    """A table had another name before: it is renamed, not dropped and made anew.

    Args:
        old: its full name before, `schema.name`, or `name` in the default schema.
        to: its class.
    """

    old: str
    to: type[SQLModel]


@dataclass(frozen=True, kw_only=True)
class RenameColumn:
    """A column had another name before.

    Args:
        table: its class.
        old: the column's name before.
        new: the column's name now.
    """

    table: type[SQLModel]
    old: str
    new: str


Rename = RenameTable | RenameColumn
