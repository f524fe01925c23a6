"""Rows of text as CSV: every value in quotes, nothing for a null, which is `null=""` to a `CsvSource`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

__all__ = ["csv_record", "write_csv"]

_ROWS_AT_ONCE = 1000


def csv_record(values: Iterable[str | None]) -> str:
    r"""A record with its line end.

    >>> csv_record(["JFK", None, ""])
    '"JFK",,""\n'
    """
    fields = ["" if value is None else '"' + value.replace('"', '""') + '"' for value in values]
    return ",".join(fields) + "\n"


def write_csv(file: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Write a header line and rows, in UTF-8.

    Args:
        file: where to.
        header: the names of the columns.
        rows: values in the order of the header.
    """
    records = [csv_record(header)]
    for row in rows:
        records.append(csv_record(row))
        if len(records) >= _ROWS_AT_ONCE:
            file.write("".join(records).encode())
            records.clear()
    file.write("".join(records).encode())
