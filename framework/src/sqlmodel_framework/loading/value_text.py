r"""Python's values as the texts that a database reads.

What has no text in any database is refused here, where row and column are known: half characters and zero
bytes.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, JSON, Column
from sqlmodel import SQLModel

from ..base.tables import plain_type, table_of

__all__ = ["Writer", "value_text", "writers"]

Writer = Callable[[Any], str | None]


def writers(table: type[SQLModel], names: Iterable[str]) -> dict[str, Writer]:
    """How the values of columns are written; columns that the table does not have are written by value.

    Args:
        table: the table that the values go into.
        names: of columns.
    """
    columns = table_of(table).columns
    return {name: _writer(columns[name]) if name in columns else value_text for name in names}


def _writer(column: Column[Any]) -> Writer:
    type_ = plain_type(column)
    if isinstance(type_, JSON):
        return _json
    if isinstance(type_, ARRAY):
        return _array
    return value_text


def value_text(value: Any) -> str:
    r"""A value as text that PostgreSQL, MariaDB and SQLite read.

    >>> value_text(True), value_text(Decimal("1.50")), value_text(b"\xff"), value_text([1, "a"])
    ('true', '1.50', '\\xff', '[1, "a"]')

    Raises:
        ValueError: it holds a zero byte or half a character.
        TypeError: it is of a type that has no text.
    """
    write = _EXACT.get(type(value))
    if write is not None:
        return write(value)
    match value:
        case str():
            return _checked(value.value if isinstance(value, enum.Enum) else value)
        case enum.Enum():
            return value_text(value.value)
        case float():
            return _number(value)
        case int() | Decimal():
            return str(value)
        case datetime():
            return value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return f"{value.days} days {value.seconds}.{value.microseconds:06d} seconds"
        case bytes() | bytearray() | memoryview():
            return "\\x" + bytes(value).hex()
        case dict() | list() | tuple():
            return _json(value)
    if not _has_text(value):
        raise TypeError(f"a {type(value).__name__} has no text")
    return _checked(str(value))


def _has_text(value: object) -> bool:
    own: object = type(value).__str__
    return own is not object.__str__


def _number(value: float) -> str:
    if math.isfinite(value):
        # Of a subclass, its own text: it may know more digits.
        return str(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _checked(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a zero byte")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"it holds half a character, U+{ord(text[error.start]):04X}") from None
    return text


# Of most values the type itself says how they are written; going through all kinds takes longer.
_EXACT: dict[type, Callable[[Any], str]] = {
    str: _checked,
    int: str,
    bool: lambda value: "true" if value else "false",
    float: _number,
    Decimal: str,
    date: date.isoformat,
    datetime: lambda value: value.isoformat(" "),
}


def _json(value: Any) -> str:
    return _checked(json.dumps(value, ensure_ascii=False, default=value_text))


def _array(value: Any) -> str:
    """An array as PostgreSQL writes one."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise TypeError(f"a {type(value).__name__} is no list")
    return "{" + ",".join(map(_element, value)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        return _array(value)
    escaped = value_text(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
