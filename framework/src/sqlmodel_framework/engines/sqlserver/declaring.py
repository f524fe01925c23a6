"""What SQL Server cannot be told, found before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.sql.elements import UnaryExpression

from ...errors import DeclarationError

__all__ = ["refuse_unworkable"]

_SIGNS = frozenset(".[]")


def refuse_unworkable(tables: Sequence[Table], type_of: dict[tuple[str, str], str]) -> None:
    """Refuse tables that the server could not make.

    Args:
        tables: the tables.
        type_of: the type of each column, by the table's and its own name.

    Raises:
        DeclarationError: a key or index holds text without a length or an expression, a foreign key is
            deferrable, or a schema's name holds a dot or bracket.
    """
    for table in tables:
        if table.schema is not None and _SIGNS & set(table.schema):
            raise _error(
                table, f"the schema's name {table.schema!r} holds a dot or bracket", "choose another one"
            )
        for what, columns in _keys(table):
            for column in columns:
                if type_of[table.fullname, column.name].partition(" ")[0].endswith("(max)"):
                    raise _error(
                        table,
                        f"{what} holds {column.name}, which has no length",
                        "give it one: max_length=",
                    )
        for index in table.indexes:
            if any(not isinstance(_plain(part), Column) for part in index.expressions):
                raise _error(
                    table,
                    f"the index {index.name} is over an expression",
                    "declare a computed column, and the index over that",
                )
        for constraint in table.foreign_key_constraints:
            if constraint.deferrable:
                names = ", ".join(column.name for column in constraint.columns)
                raise _error(
                    table,
                    f"the foreign key of {names} is deferrable",
                    "SQL Server checks each statement: leave deferrable out",
                )


def _keys(table: Table) -> Iterator[tuple[str, Iterable[Column[object]]]]:
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint):
            yield "the primary key", constraint.columns
        elif isinstance(constraint, UniqueConstraint):
            yield "a unique constraint", constraint.columns
        elif isinstance(constraint, ForeignKeyConstraint):
            yield "a foreign key", constraint.columns
    for index in table.indexes:
        yield f"the index {index.name}", _columns(index)


def _columns(index: Index) -> list[Column[object]]:
    found = (_plain(part) for part in index.expressions)
    return [part for part in found if isinstance(part, Column)]


def _plain(part: object) -> object:
    return part.element if isinstance(part, UnaryExpression) else part


def _error(table: Table, what: str, hint: str) -> DeclarationError:
    return DeclarationError(f"{table.fullname}: {what}", hint=hint, table=table.fullname)
