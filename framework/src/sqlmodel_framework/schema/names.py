"""Names that a database would cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Table
from sqlalchemy.sql.elements import conv

from ..errors import DeclarationError


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
            size = len(name.encode())
            if size > longest:
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
