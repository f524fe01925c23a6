from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.cli.main import main

if TYPE_CHECKING:
    from conftest import Ask


@pytest.fixture
def url(database: Target) -> str:
    return database.secret_url().render_as_string(hide_password=False)


def test_rows_are_a_table_or_json(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT 'a%' AS name, 1.5 AS price, NULL AS nothing"
    assert main(["query", sql, "--target", url]) == 0
    out = capsys.readouterr().out
    assert "│a%   │ 1.5   │        │" in out.replace(" │ ", " │ ")
    assert out.endswith("1 rows\n")
    assert main(["query", sql, "--target", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "a%", "price": "1.5", "nothing": None}


@pytest.mark.parametrize("sql", ["CREATE TABLE t (a int)", "COMMIT; CREATE TABLE t (a int)"])
def test_a_query_cannot_write(url: str, database: Target, ask: Ask, sql: str) -> None:
    assert main(["query", sql, "--target", url]) == 64
    assert ask(database, "SELECT 1 FROM pg_tables WHERE tablename = 't'") == []


def test_a_query_can_write_when_asked_to(url: str, database: Target, ask: Ask) -> None:
    assert main(["query", "CREATE TABLE t AS SELECT 1 AS a", "--write", "--target", url]) == 0
    assert ask(database, "SELECT a FROM t") == [(1,)]


def test_a_mistake_in_the_sql_is_one_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "SELEKT 1", "--target", url]) == 64
    assert 'syntax error at or near "SELEKT"' in capsys.readouterr().err


def test_the_database_must_be_named_and_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATAKIT_TARGET", raising=False)
    assert main(["query", "SELECT 1"]) == 64
    assert "which database?" in capsys.readouterr().err
    assert main(["query", "SELECT 1", "--folder", str(tmp_path)]) == 64
    assert f"there is no database in {tmp_path}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["query", "SELECT 1", "--folder", "x", "--target", "y"]) == 64
