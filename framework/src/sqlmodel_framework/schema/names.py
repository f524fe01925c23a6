"""Names: with their schema in one text, and those that a database would cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import Table
from sqlalchemy.sql.elements import conv

from ..errors import DeclarationError

__all__ = ["full_name", "made_up_name", "name_of", "refuse_long_names", "split_name"]

_PLAIN = re.compile(r'[^."]+')
_PARTS = re.compile(r'(?:("(?:[^"]|"")+"|[^."]+)\.)?("(?:[^"]|"")+"|.+)', re.DOTALL)


def full_name(schema: str | None, name: str) -> str:
    """`schema.name`, or `name` alone in the default schema; a part with a dot or quote in it is quoted."""
    return _part(name) if schema is None else f"{_part(schema)}.{_part(name)}"


def split_name(full: str) -> tuple[str | None, str]:
    """The schema, or None, and the name that `full_name` was made of."""
    found = _PARTS.fullmatch(full)
    assert found is not None
    return None if found[1] is None else _unquoted(found[1]), _unquoted(found[2])


def name_of(table: Table) -> str:
    """The full name of a table."""
    return full_name(table.schema, table.name)


def made_up_name(kind: str, parts: tuple[str, ...]) -> str:
    """The key of a constraint that is left to the database to name."""
    return f"({kind}: {', '.join(parts)})"


def _part(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def refuse_long_names(tables: Iterable[Table], longest: int) -> None:
    """Refuse a name that the database would cut without a word, and then not find again.

    Args:
        tables: the tables whose names, and names of columns, indexes and constraints, are looked at.
        longest: bytes, in UTF-8, that the database keeps.

    Raises:
        DeclarationError: a name is longer.
    """
    for table in tables:
        for kind, name in _names(table):
            # A character takes at most four bytes.
            if len(name) * 4 > longest and (size := len(name.encode())) > longest:
                raise DeclarationError(
                    f"{table.fullname}: the name of the {kind} {name!r} has {size} bytes; "
                    f"the database keeps {longest}",
                    hint="choose a shorter one; a character outside of ASCII takes 2 to 4 bytes",
                    table=table.fullname,
                )


def _names(table: Table) -> Iterator[tuple[str, str]]:
    if table.schema is not None:
        yield "schema", table.schema
    yield "table", table.name
    for column in table.columns:
        yield "column", column.name
    for index in table.indexes:
        # SQLAlchemy shortens those that it makes up itself.
        if index.name is not None and not isinstance(index.name, conv):
            yield "index", index.name
    for constraint in table.constraints:
        if isinstance(constraint.name, str) and not isinstance(constraint.name, conv):
            yield "constraint", constraint.name
