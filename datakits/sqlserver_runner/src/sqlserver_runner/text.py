"""Values as PostgreSQL would write them, so that a row has the same hash whatever it was taken out of.

`text_of` is `value::text` of PostgreSQL, in a session whose time zone is UTC, for the type that stands for
SQL Server's: boolean for bit, numeric for decimal and money, double precision for float, bytea for binary,
varbinary and rowversion, timestamptz for datetimeoffset, uuid for uniqueidentifier.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

from .floats import float8_text

__all__ = ["datetime_text", "fraction", "text_of"]


def text_of(value: object) -> str | None:
    r"""The text of a value; a text stays as it is, and a null stays one.

    Raises:
        TypeError: there is no text for such a value.

    >>> text_of(True), text_of(1.0), text_of(b"\0\xff"), text_of(datetime(2024, 1, 2, 3, 4, 5, 60_000))
    ('true', '1', '\\x00ff', '2024-01-02 03:04:05.06')
    """
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return float8_text(value)
        case Decimal():
            return _decimal_text(value)
        case datetime():
            return datetime_text(value)
        case date():
            return value.isoformat()
        case time():
            return value.replace(microsecond=0).isoformat() + fraction(value.microsecond * 1000)
        case bytes() | bytearray():
            return "\\x" + value.hex()
        case UUID():
            return str(value)
    raise TypeError(f"there is no text for a {type(value).__name__}")


def fraction(nanoseconds: int) -> str:
    """A fraction of a second with its point, without zeros at the end; nothing for none."""
    return f".{nanoseconds:09d}".rstrip("0").rstrip(".")


def datetime_text(moment: datetime) -> str:
    """A moment: in UTC and with `+00` if it has a time zone, else as it stands."""
    zone = "" if moment.tzinfo is None else "+00"
    if zone:
        moment = moment.astimezone(UTC)
    whole = moment.replace(microsecond=0, tzinfo=None).isoformat(sep=" ")
    return whole + fraction(moment.microsecond * 1000) + zone


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"there is no text for {value}")
    # numeric has no negative zero.
    return format(abs(value) if value.is_zero() else value, "f")
