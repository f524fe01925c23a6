"""Values that pyodbc would cut or does not know, taken from the driver's bytes.

Python's datetime has microseconds where SQL Server has tenths of them; a `real` would come as a float of
twice its width, with digits that it never had; pyodbc knows no datetimeoffset and none of the CLR's types.
Each converter is given bytes, and never a null. Moments and times become text, the way PostgreSQL writes it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one

from .floats import float4_text
from .text import datetime_text, fraction

__all__ = ["CONVERTERS", "add_converters"]

_LEGACY_EPOCH = datetime(1900, 1, 1)


def timestamp(data: bytes) -> str:
    """A datetime2, or one of its predecessors: ODBC's structure, or what the server sent."""
    if len(data) == 16:
        year, month, day, hour, minute, second, nanoseconds = struct.unpack("<6HI", data)
        return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction(nanoseconds)}"
    if len(data) == 8:  # datetime, by FreeTDS: days, and 1/300 s
        days, ticks = struct.unpack("<iI", data)
        # As SQL Server shows it: in milliseconds, of which the last is 0, 3 or 7.
        moment = _LEGACY_EPOCH + timedelta(days=days, milliseconds=(ticks * 10 + 1) // 3)
    elif len(data) == 4:  # smalldatetime, by FreeTDS: days and minutes
        days, minutes = struct.unpack("<HH", data)
        moment = _LEGACY_EPOCH + timedelta(days=days, minutes=minutes)
    else:
        raise ValueError(f"a moment of {len(data)} bytes")
    return datetime_text(moment)


def timestamp_with_offset(data: bytes) -> str:
    """A datetimeoffset, as the same moment in UTC."""
    *clock, nanoseconds, hours, minutes = struct.unpack("<6HI2h", data)
    year, month, day, hour, minute, second = clock
    try:
        moment = datetime(year, month, day, hour, minute, second) - timedelta(hours=hours, minutes=minutes)
    except OverflowError:
        # The first and the last hours of the calendar, seen from UTC, lie outside of it.
        raise ValueError(f"{year:04}-{month:02}-{day:02} with its offset is no moment in UTC") from None
    return f"{datetime_text(moment)}{fraction(nanoseconds)}+00"


def time_of_day(data: bytes) -> str:
    """A time, to a tenth of a microsecond."""
    if len(data) == 12:
        hour, minute, second, _, nanoseconds = struct.unpack("<4HI", data)
    else:
        (hour, minute, second), nanoseconds = struct.unpack("<3H", data), 0
    return f"{hour:02}:{minute:02}:{second:02}{fraction(nanoseconds)}"


def real(data: bytes) -> str:
    """A float of four bytes."""
    return float4_text(struct.unpack("<f", data)[0])


def guid(data: bytes) -> UUID:
    """A uniqueidentifier."""
    return UUID(bytes_le=data)


CONVERTERS: dict[int, Callable[[bytes], object]] = {
    pyodbc.SQL_TYPE_TIMESTAMP: timestamp,
    pyodbc.SQL_SS_TIME2: time_of_day,
    -155: timestamp_with_offset,  # SQL_SS_TIMESTAMPOFFSET
    pyodbc.SQL_REAL: real,
    pyodbc.SQL_GUID: guid,
    -151: bytes,  # SQL_SS_UDT: hierarchyid, geography, geometry
}


def add_converters(connection: pyodbc.Connection) -> None:
    """Let this connection return such values as these functions have them."""
    for kind, converter in CONVERTERS.items():
        connection.add_output_converter(kind, converter)
