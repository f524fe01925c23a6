"""MariaDB as a source: rows come as the server finds them, a batch at a time in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO

import pymysql
from pymysql.cursors import SSCursor
from sqlalchemy.exc import DBAPIError
from sqlmodel_framework.engines import BaseEngine
from sqlmodel_framework.loading.csv_text import write_csv

__all__ = ["write_rows"]

_ROWS_AT_ONCE = 2000


def write_rows(engine: BaseEngine, query: str, file: BinaryIO) -> None:
    """Write the rows of a query, whose values are text, with a header line.

    Raises:
        DBAPIError: the server refused, or went away.
    """
    driver: Any = engine.connection.connection.driver_connection
    try:
        with closing(driver.cursor(SSCursor)) as cursor:
            cursor.execute(query)
            write_csv(file, [str(column[0]) for column in cursor.description], _rows(cursor))
    except pymysql.Error as error:
        raise DBAPIError("SELECT", {}, error) from error


def _rows(cursor: Any) -> Iterator[tuple[str | None, ...]]:
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from rows
