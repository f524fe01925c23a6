"""Connections of psycopg2 alone, as the other sides use them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import psycopg2
from sqlmodel_framework import Target

__all__ = ["address", "connected", "copy_across", "dlt_address", "execute"]

_BYTES_AT_ONCE = 1 << 18


def address(target: Target) -> str:
    """A target's URL for programs other than SQLAlchemy."""
    return target.secret_url().set(drivername="postgresql").render_as_string(hide_password=False)


def dlt_address(target: Target) -> str:
    """A target's URL for dlt, which wants a password, and the socket where others have a host."""
    url = target.secret_url()
    socket = quote(str(url.query["host"]), safe="")
    return f"postgresql://{url.username}:none@{socket}:{url.port or 5432}/{url.database}"


@contextmanager
def connected(target: Target) -> Iterator[Any]:
    """A connection of psycopg2; what is not committed at the end is not kept."""
    with closing(psycopg2.connect(address(target))) as connection:
        yield connection


def execute(target: Target, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements, commit, and return the rows of the last."""
    with connected(target) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return [] if cursor.description is None else list(cursor.fetchall())


def copy_across(source: Target, query: str, target: Target, place: str) -> None:
    """Copy a query's rows into a table: one binary COPY to another, through a pipe, then a commit.

    Args:
        source: the database that the query asks.
        query: in its words.
        target: the database of the table.
        place: the table and its columns, as they follow COPY.
    """
    reading, writing = os.pipe()
    with connected(source) as sender, connected(target) as receiver:

        def push() -> None:
            with os.fdopen(writing, "wb", buffering=_BYTES_AT_ONCE) as file, sender.cursor() as cursor:
                cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", file, size=_BYTES_AT_ONCE)

        thread = threading.Thread(target=push)
        thread.start()
        with os.fdopen(reading, "rb", buffering=_BYTES_AT_ONCE) as file, receiver.cursor() as cursor:
            cursor.copy_expert(f"COPY {place} FROM STDIN (FORMAT binary)", file, size=_BYTES_AT_ONCE)
        thread.join()
        receiver.commit()
