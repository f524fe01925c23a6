import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework import Target
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.engines.sqlite.types import affinity
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.snapshot import ColumnShape

WORDS = ["INT", "CHAR", "CLOB", "TEXT", "BLOB", "REAL", "FLOA", "DOUB", "DATE", "VAR", "BIG", "BOOLEAN"]


@given(st.lists(st.sampled_from(WORDS), max_size=3).map("".join))
def test_a_type_keeps_values_as_sqlite_itself_does(name: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE t (a {name})")
    connection.execute("INSERT INTO t VALUES ('1'), (1)")
    kept = [row[0] for row in connection.execute("SELECT typeof(a) FROM t")]
    connection.close()
    expected = {
        "INTEGER": ["integer", "integer"],
        "NUMERIC": ["integer", "integer"],
        "REAL": ["real", "real"],
        "TEXT": ["text", "text"],
        "BLOB": ["text", "integer"],
    }
    assert kept == expected[affinity(name)]


@pytest.mark.parametrize(
    ("have", "want", "values", "lost"),
    [
        ("VARCHAR(5)", "VARCHAR(2)", ["a", "abc", None, "abcd"], 2),
        ("VARCHAR(2)", "VARCHAR(5)", ["a"], 0),
        ("VARCHAR", "VARCHAR(2)", ["a", "abc"], 1),
        ("TEXT", "INTEGER", ["1", "07", "x", None, "1.5"], 3),
        ("INTEGER", "TEXT", [1, None], 0),
        ("REAL", "INTEGER", [1.0, 1.5], 1),
        ("INTEGER", "FLOAT", [1, 2], 0),
        ("TEXT", "DATE", ["2026-01-01", "never"], 0),
    ],
)
def test_values_that_a_type_does_not_hold_are_counted(
    have: str, want: str, values: list[object], lost: int
) -> None:
    engine = engine_for(Target("sqlite://"))
    with engine.transaction() as connection:
        connection.exec_driver_sql(f'CREATE TABLE "s.t" (a {have})')
        for value in values:
            connection.exec_driver_sql('INSERT INTO "s.t" VALUES (?)', (value,))
        difference = Difference("column", "a", "s.t", ColumnShape(have), ColumnShape(want))
        assert engine.values_that_change(difference) == lost
