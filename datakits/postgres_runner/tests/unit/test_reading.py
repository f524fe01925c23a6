"""Rows of a real PostgreSQL as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog
from postgres_runner.reading import open_rows
from sqlalchemy import create_engine, text
from sqlmodel_framework import Target
from sqlmodel_framework.errors import DatakitError, TerminalError
from sqlmodel_framework.loading.extraction import Extraction
from sqlmodel_framework.runner import StepContext
from sqlmodel_framework.runs.spec import RunSpec
from sqlmodel_framework.testing.plugin import datakit_server as datakit_server
from sqlmodel_framework.testing.plugin import fresh_database


@pytest.fixture
def source(datakit_server: Target) -> Iterator[Target]:
    with fresh_database(datakit_server) as target:
        yield target


def context(source: Target) -> StepContext:
    spec = RunSpec(run_id=uuid4(), datakit="stall", step="extract")
    return StepContext(spec=spec, log=structlog.get_logger(), source=source)


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
    extraction = Extraction(table="t", columns=("a", "b", "c", "d", "E"))
    with open_rows(context(source), extraction) as file:
        assert file.read() == b'"a","b","c","d","E"\n,"","x""\n,","true","1.50"\n'.replace(
            b'"a","b","c","d","E"', b"a,b,c,d,E"
        )


@pytest.mark.parametrize(
    ("extraction", "expected"),
    [
        (Extraction(table="absent", columns=("a",)), 'relation "absent" does not exist'),
        (Extraction(table="t", columns=("b",)), 'column "b" does not exist'),
    ],
)
def test_what_is_not_there_is_named(source: Target, extraction: Extraction, expected: str) -> None:
    do(source, "CREATE TABLE t (a int)")
    with (
        open_rows(context(source), extraction) as file,
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
        open_rows(context(source), Extraction(table="v", columns=("a",))) as file,
        pytest.raises(DatakitError, match="read-only transaction"),
    ):
        file.read()
    assert do(source, "SELECT * FROM t") == []


def test_a_reader_that_stops_early_leaves_no_statement_behind(source: Target) -> None:
    do(source, "CREATE VIEW slow AS SELECT CAST(pg_sleep(60) AS text) AS a")
    open_rows(context(source), Extraction(table="slow", columns=("a",))).close()
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%slow%'"
    assert do(source, running) == [(0,)]


def test_another_database_is_refused() -> None:
    with pytest.raises(TerminalError, match="this runner reads mariadb and postgresql, not sqlite"):
        open_rows(context(Target("sqlite:///x")), Extraction(table="t", columns=("a",)))
