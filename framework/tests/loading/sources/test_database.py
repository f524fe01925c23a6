"""Rows of another database, a real PostgreSQL and a real SQLite, as CSV."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import DatabaseSource, Target
from sqlmodel_framework.errors import DatakitError
from sqlmodel_framework.testing.plugin import fresh_database


class Where(SQLModel, table=True):
    __tablename__ = "database_source"
    a: int | None = Field(default=None, primary_key=True)
    b: str | None = None


@pytest.fixture
def source(datakit_server: Target) -> Iterator[Target]:
    with fresh_database(datakit_server) as target:
        yield target


def opened(source: Target, table: str, *columns: str) -> BinaryIO:
    return DatabaseSource(target=source, table=table, columns=columns).as_csv(Where).open()


def do(target: Target, sql: str) -> list[Any]:
    engine = create_engine(target.secret_url())
    try:
        with engine.begin() as connection:
            result = connection.execute(text(sql))
            return list(result) if result.returns_rows else []
    finally:
        engine.dispose()


def test_null_and_empty_differ_and_everything_is_quoted(source: Target) -> None:
    do(source, """CREATE TABLE t AS SELECT NULL AS a, '' AS b, E'x"\\n,' AS c, true AS d, 1.50 AS "E" """)
    with opened(source, "t", "a", "b", "c", "d", "E") as file:
        assert file.read() == b'a,b,c,d,E\n,"","x""\n,","true","1.50"\n'


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [("absent", "a", 'relation "absent" does not exist'), ("t", "b", 'column "b" does not exist')],
)
def test_what_is_not_there_is_named(source: Target, table: str, column: str, expected: str) -> None:
    do(source, "CREATE TABLE t (a int)")
    with (
        opened(source, table, column) as file,
        pytest.raises(DatakitError, match=expected) as caught,
    ):
        file.read()
    assert caught.value.exit_code == 64


def test_reading_cannot_write(source: Target) -> None:
    do(source, "CREATE TABLE t (a int)")
    do(
        source,
        "CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING a::text'",
    )
    do(source, "CREATE VIEW v AS SELECT spoil() AS a")
    with (
        opened(source, "v", "a") as file,
        pytest.raises(DatakitError, match="read-only transaction"),
    ):
        file.read()
    assert do(source, "SELECT * FROM t") == []


def test_a_reader_that_stops_early_leaves_no_statement_behind(source: Target) -> None:
    do(source, "CREATE VIEW slow AS SELECT CAST(pg_sleep(60) AS text) AS a")
    opened(source, "slow", "a").close()
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%slow%'"
    assert do(source, running) == [(0,)]


def test_a_database_without_copy_is_read_row_by_row(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, 'x"y'), (None, ""), (2, "50%")])
    connection.commit()
    connection.close()
    with opened(Target(f"sqlite:///{tmp_path}/x.db"), "t", "a", "b") as file:
        assert file.read() == b'"a","b"\n"1","x""y"\n,""\n"2","50%"\n'


def test_the_columns_are_by_default_those_that_no_database_fills(source: Target) -> None:
    do(source, "CREATE TABLE t AS SELECT 1 AS a, 2 AS b")
    with DatabaseSource(target=source, table="t").as_csv(Where).open() as file:
        assert file.read() == b'b\n"2"\n'
