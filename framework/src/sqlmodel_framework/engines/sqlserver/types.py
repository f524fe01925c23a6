"""The names of types: what the catalog reports and what a declaration compiles to, in the same words.

Text of any kind is `nvarchar`, and a moment has seven digits: SQLAlchemy's own choice, `varchar` and
`datetime`, would lose letters and microseconds without a word. Who names a type of the server gets that type.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, LargeBinary, String
from sqlalchemy.types import TypeEngine

from ...base.tables import plain_type

__all__ = [
    "COLLATION",
    "LONGEST_TEXT",
    "declared_type",
    "formatted_type",
    "is_generic",
    "is_text",
    "only_grows",
    "reported_type",
]

# Letters of either case differ, as they do in PostgreSQL; it is implied where no collation is written.
COLLATION = "Latin1_General_100_BIN2"
LONGEST_TEXT = 4000
"""Characters that a text of limited length can have."""

_TYPE = re.compile(r"(?P<name>[^(]+?)\s*(?:\((?P<sizes>[^)]*)\))?(?:\s+COLLATE\s+(?P<collation>\S+))?", re.I)
_SAME = {
    "character": "char",
    "char varying": "varchar",
    "character varying": "varchar",
    "dec": "decimal",
    "double precision": "float",
    "integer": "int",
    "national char varying": "nvarchar",
    "national character": "nchar",
    "numeric": "decimal",
    "rowversion": "timestamp",
}
# What a size is where none is said.
_SIZES = {
    "binary": "1",
    "char": "1",
    "datetime2": "7",
    "datetimeoffset": "7",
    "decimal": "18,0",
    "nchar": "1",
    "nvarchar": "1",
    "time": "7",
    "varbinary": "1",
    "varchar": "1",
}
_TEXTS = frozenset({"char", "nchar", "ntext", "nvarchar", "text", "varchar"})
_BYTES = frozenset({"binary", "char", "varbinary", "varchar"})
_CHARACTERS = frozenset({"nchar", "nvarchar"})
_MOMENTS = frozenset({"datetime2", "datetimeoffset", "time"})


def is_text(type_: str) -> bool:
    """Whether a formatted type has a collation."""
    return type_.partition("(")[0].partition(" ")[0] in _TEXTS


def only_grows(have: str, want: str) -> bool:
    """Whether a column of text or bytes only gets more room, so that what stands on it can stay."""
    (was, of, size), (is_, by, new) = (_room(each) for each in (have, want))
    return (was, of) == (is_, by) and was in ("nvarchar", "varbinary", "varchar") and size <= new


def _room(type_: str) -> tuple[str, str | None, float]:
    found = _TYPE.fullmatch(type_)
    assert found is not None
    sizes = found["sizes"] or ""
    return found["name"], found["collation"], float(sizes) if sizes.isdigit() else float("inf")


def formatted_type(compiled: str) -> str:
    """The one name of a type that SQLAlchemy compiled.

    Examples: `NUMERIC(10, 2)` is `decimal(10,2)`, `DATETIME2` is `datetime2(7)`.
    """
    found = _TYPE.fullmatch(compiled.strip())
    if found is None:
        return compiled
    name = " ".join(found["name"].lower().split())
    name = _SAME.get(name, name)
    sizes = re.sub(r"\s", "", (found["sizes"] or "").lower()) or _SIZES.get(name, "")
    if name == "decimal" and "," not in sizes:
        sizes += ",0"
    if name == "float":
        # float(1) to float(24) are of single precision.
        name, sizes = ("real" if sizes and int(sizes) <= 24 else "float"), ""
    collation = found["collation"]
    written = f" collate {collation}" if collation and collation.lower() != COLLATION.lower() else ""
    return f"{name}({sizes}){written}" if sizes else f"{name}{written}"


def declared_type(column: Column[Any], dialect: Dialect) -> str:
    """The type of a declared column, as the catalog would call it."""
    plain: Any = plain_type(column)
    generic = is_generic(plain)
    if generic and isinstance(plain, String):
        length = plain.length
        size = "max" if length is None or length > LONGEST_TEXT else str(length)
        collation = f" COLLATE {plain.collation}" if plain.collation else ""
        return formatted_type(f"nvarchar({size}){collation}")
    if generic and isinstance(plain, LargeBinary):
        return f"varbinary({plain.length or 'max'})"
    compiled = formatted_type(str(column.type.compile(dialect=dialect)))
    if generic and isinstance(plain, DateTime) and compiled in ("datetime", "datetimeoffset(7)"):
        return "datetimeoffset(7)" if plain.timezone else "datetime2(7)"
    return compiled


def is_generic(plain: TypeEngine[Any]) -> bool:
    """Whether any database may have the type: one that is named in capitals is one of a server."""
    return not str(plain.__visit_name__).isupper()


def reported_type(
    name: str, *, max_length: int, precision: int, scale: int, collation: str | None, schema: str | None
) -> str:
    """The same name of a type, from what the catalog tells of a column.

    Args:
        name: the type's own name.
        max_length: in bytes; -1 where it has no end.
        precision: digits.
        scale: digits after the point, or of a second.
        collation: the column's, or None.
        schema: where a type of a user's own is, or None.
    """
    if schema is not None:
        return f"{schema}.{name}"
    sizes = ""
    if name in _BYTES or name in _CHARACTERS:
        width = 2 if name in _CHARACTERS else 1
        sizes = "(max)" if max_length == -1 else f"({max_length // width})"
    elif name in ("decimal", "numeric"):
        sizes = f"({precision},{scale})"
    elif name in _MOMENTS:
        sizes = f"({scale})"
    written = f" COLLATE {collation}" if collation and name in _TEXTS else ""
    return formatted_type(f"{name}{sizes}{written}")
