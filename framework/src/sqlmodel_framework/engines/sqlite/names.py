"""Names that SQLite keeps for itself, or takes for one."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table

from ...errors import DeclarationError
from .dialect import flat_name

__all__ = ["refuse_equal_names"]

_RESERVED = "sqlite_"


def refuse_equal_names(tables: Iterable[Table]) -> None:
    """Refuse names that are reserved, or differ by nothing but the case of ASCII letters.

    Tables and indexes share the names of a file.

    Raises:
        DeclarationError: there is such a name.
    """
    known: dict[str, str] = {}
    for table in tables:
        columns: dict[str, str] = {}
        for column in table.columns:
            _note(columns, column.name, f"column {column.name!r}", table)
        _note(known, flat_name(table.schema, table.name), f"table {table.fullname!r}", table)
        for index in table.indexes:
            if index.name is not None:
                _note(known, flat_name(table.schema, index.name), f"index {index.name!r}", table)


def _note(known: dict[str, str], name: str, what: str, table: Table) -> None:
    if name.lower().startswith(_RESERVED) and not what.startswith("column"):
        raise DeclarationError(
            f"{what}: names that begin with {_RESERVED} belong to SQLite",
            hint="choose another",
            table=table.fullname,
        )
    if "\0" in name:
        raise DeclarationError(
            f"{table.fullname!r}: the name of {what} holds a zero byte", hint="choose another"
        )
    other = known.setdefault(_folded(name), what)
    if other is not what:
        raise DeclarationError(
            f"{table.fullname}: {what} and {other} have one name in SQLite",
            hint="it does not tell large letters from small ones: choose another",
            table=table.fullname,
        )


def _folded(name: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)
