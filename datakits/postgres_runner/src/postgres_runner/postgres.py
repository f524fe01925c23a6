"""PostgreSQL as a source: one `COPY … TO STDOUT`, so rows are never Python objects."""

from __future__ import annotations

from typing import BinaryIO

import psycopg2
from sqlalchemy.exc import DBAPIError
from sqlmodel_framework.engines import BaseEngine

__all__ = ["write_rows"]

_BYTES_AT_ONCE = 1 << 18


def write_rows(engine: BaseEngine, query: str, file: BinaryIO) -> None:
    """Write the rows of a query as `sqlmodel_framework.loading.csv_text` does, with a header line.

    Raises:
        DBAPIError: the server refused, or went away.
    """
    driver = engine.connection.connection.driver_connection
    assert driver is not None
    copy = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *, ENCODING 'UTF8')"
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(copy, file, size=_BYTES_AT_ONCE)
        except psycopg2.Error as error:
            raise DBAPIError("COPY", {}, error) from error
