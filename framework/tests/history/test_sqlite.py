"""What SQLite is given to keep times and history true."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Field
from sqlmodel_framework import TemporalTableMixin, TransactionalTableMixin
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.sqlite.upkeep import following, upkeep
from sqlmodel_framework.history import as_of, history_of

from .conftest import Place, place_of

sqlite = place_of("sqlite")


class Word(TransactionalTableMixin, TemporalTableMixin, table=True):
    __tablename__ = "lite_word"
    id: int = Field(primary_key=True)
    code: str | None = Field(default=None, unique=True)
    text: str | None = Field(default=None, sa_type=String(collation="NOCASE"))


@pytest.fixture
def words(sqlite: Place) -> Place:
    sqlite.deploy(Word)
    return sqlite


def texts(place: Place, key: int = 1) -> list[str | None]:
    return [row.text for row in place.rows(history_of(Word, key))]


def test_definitions_are_written_as_the_database_prints_them(words: Place) -> None:
    with words.engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        found = {row[0]: row[1] for row in rows}
    assert found == {name: shape.definition for name, shape in upkeep(table_of(Word)).triggers.items()}


def test_a_collation_that_calls_texts_equal_hides_no_change(words: Place) -> None:
    words.write("INSERT INTO lite_word (id, text) VALUES (1, 'word')")
    words.write("UPDATE lite_word SET text = 'Word'")
    assert texts(words) == ["word", "Word"]


def test_what_is_written_over_is_kept(words: Place) -> None:
    words.write("INSERT INTO lite_word (id, code, text) VALUES (1, 'a', 'one'), (2, 'b', 'two')")
    before = words.instant()
    words.write("INSERT OR REPLACE INTO lite_word (id, code, text) VALUES (1, 'b', 'three')")
    words.write(
        "INSERT INTO lite_word (id, text) VALUES (1, 'four') "
        "ON CONFLICT (id) DO UPDATE SET text = excluded.text"
    )
    assert texts(words, 1) == ["one", "three", "four"]
    assert texts(words, 2) == ["two"]
    assert {row.id: row.text for row in words.rows(as_of(Word, before))} == {1: "one", 2: "two"}
    assert {row.id: row.text for row in words.rows(as_of(Word, words.instant()))} == {1: "four"}


@pytest.mark.parametrize("row", ["(1, 'c', 'three')", "(3, 'b', 'three')"])
def test_writing_over_a_row_is_refused_where_it_would_lose_its_history(words: Place, row: str) -> None:
    words.write("INSERT INTO lite_word (id, code, text) VALUES (1, 'a', 'one'), (2, 'b', 'two')")
    with words.session() as connection:
        words.run(connection, ["PRAGMA recursive_triggers = OFF"])
        words.run(connection, ["INSERT INTO lite_word (id, code, text) VALUES (9, 'i', 'nine')"])
        connection.commit()
        words.run(connection, ["PRAGMA recursive_triggers = OFF"])
        with pytest.raises(DBAPIError, match="set PRAGMA recursive_triggers = ON first"):
            words.run(connection, [f"INSERT OR REPLACE INTO lite_word (id, code, text) VALUES {row}"])
    assert texts(words, 1) == ["one"]


@pytest.mark.parametrize("pragma", ["ON", "OFF"])
def test_other_changes_are_kept_with_and_without_recursion(words: Place, pragma: str) -> None:
    with words.session() as connection:
        for statement in (
            "INSERT INTO lite_word (id, text) VALUES (1, 'one'), (2, 'two')",
            "UPDATE lite_word SET text = 'One' WHERE id = 1",
            "UPDATE lite_word SET updated_at = '2001-01-01 00:00:00'",
            "UPDATE lite_word SET id = id + 10",
            "DELETE FROM lite_word WHERE id = 12",
        ):
            words.run(connection, [f"PRAGMA recursive_triggers = {pragma}", statement])
            connection.commit()
        times: Any = connection.execute(text("SELECT updated_at FROM lite_word")).scalars().all()
    assert all(time > "2020" for time in times)
    assert [texts(words, key) for key in (1, 2, 11, 12)] == [["one", "One"], ["two"], ["One"], ["two"]]


def test_many_changes_within_one_millisecond_are_all_kept_in_order(words: Place) -> None:
    count = 300
    words.write("INSERT INTO lite_word (id, text) VALUES (1, '0')")
    words.write(*(f"UPDATE lite_word SET text = '{n}'" for n in range(1, count)))
    assert texts(words) == [str(n) for n in range(count)]
    with words.engine.connect() as connection:
        last: Any = connection.execute(text("SELECT valid_from FROM lite_word")).scalar_one()
    # It runs ahead of the clock by as many microseconds, at most.
    assert last < words.instant().isoformat(sep=" ")


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 30)))
def test_the_microsecond_after_a_moment_is_the_next(moment: datetime) -> None:
    with sqlite3.connect(":memory:") as connection:
        given_text = f"{moment:%Y-%m-%d %H:%M:%S.%f}"
        (found,) = connection.execute(f"SELECT {following(':m')}", {"m": given_text}).fetchone()
    assert found == f"{moment + timedelta(microseconds=1):%Y-%m-%d %H:%M:%S.%f}"
