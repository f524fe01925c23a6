"""Rows of a query as CSV, from any database that SQLAlchemy knows: a batch at a time in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from sqlalchemy import Connection

from .csv_text import write_csv
from .value_text import value_text

__all__ = ["write_query"]

_ROWS_AT_ONCE = 2000


def write_query(connection: Connection, query: str, file: BinaryIO) -> None:
    """Write the rows of a query as `sqlmodel_framework.loading.csv_text` does, with a header line.

    Args:
        connection: to read over; nothing else may use it meanwhile.
        query: SQL text with every value written out.
        file: where to.

    Raises:
        SQLAlchemyError: the server refused, or went away.
        ValueError: a value holds what no CSV can.
    """
    options = {"stream_results": True, "max_row_buffer": _ROWS_AT_ONCE, "no_parameters": True}
    with connection.exec_driver_sql(query, execution_options=options) as found:

        def rows() -> Iterator[list[str | None]]:
            for row in found:
                yield [None if value is None else value_text(value) for value in row]

        write_csv(file, list(found.keys()), rows())
