"""What MariaDB is given to keep times and history true."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Float, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Field
from sqlmodel_framework import TemporalTableMixin, TransactionalTableMixin
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.mariadb.upkeep import change_to_versioned, upkeep
from sqlmodel_framework.history import as_of, history_of

from .conftest import Place, place_of

mariadb = place_of("mariadb")


class Word(TransactionalTableMixin, TemporalTableMixin, table=True):
    __tablename__ = "maria_word"
    __table_args__ = {"mariadb_collate": "utf8mb4_general_ci"}
    id: int = Field(primary_key=True)
    text: str | None = Field(default=None, max_length=40)
    size: float | None = Field(default=None, sa_type=Float)


@pytest.fixture
def words(mariadb: Place) -> Any:
    mariadb.deploy(Word)
    yield mariadb
    mariadb.write("DROP TABLE maria_word")


def texts(place: Place, key: int = 1) -> list[str | None]:
    return [row.text for row in place.rows(history_of(Word, key))]


def test_definitions_are_written_as_the_catalog_tells_them(words: Place) -> None:
    query = text(
        "SELECT trigger_name, CONCAT('CREATE TRIGGER `', trigger_name, '` ', action_timing, ' ', "
        "event_manipulation, ' ON `', event_object_table, '` FOR EACH ROW ', action_statement) "
        "FROM information_schema.triggers WHERE event_object_table = 'maria_word'"
    )
    with words.engine.connect() as connection:
        found = {row[0]: row[1] for row in connection.execute(query)}
    assert found == {name: shape.definition for name, shape in upkeep(table_of(Word)).triggers.items()}
    assert upkeep(table_of(Word)).versioned


def test_a_change_that_a_collation_calls_none_moves_the_time(words: Place) -> None:
    words.write("INSERT INTO maria_word (id, text, updated_at) VALUES (1, 'word', '2001-01-01 00:00:00')")
    words.write("UPDATE maria_word SET text = 'word'")
    assert [str(row.updated_at.year) for row in words.rows(history_of(Word, 1))] == ["2001", "2001"]
    words.write("UPDATE maria_word SET text = 'Word'")
    assert words.rows(history_of(Word, 1))[-1].updated_at.year > 2001


@pytest.mark.parametrize(
    "forgery",
    [
        "INSERT INTO maria_word (id, valid_from, valid_to) VALUES (2, '2001-01-01', '2002-01-01')",
        "INSERT INTO maria_word (id) VALUES (2)",
    ],
)
def test_a_session_that_may_write_past_states_may_write_none(words: Place, forgery: str) -> None:
    with words.session() as connection:
        words.run(connection, ["SET SESSION system_versioning_insert_history = ON"])
        with pytest.raises(DBAPIError, match="past states are written by the database alone"):
            words.run(connection, [forgery])


def test_a_session_that_sets_its_clock_back_loses_nothing(words: Place) -> None:
    words.write("INSERT INTO maria_word (id, text) VALUES (1, 'one')")
    with words.session() as connection:
        words.run(connection, ["SET SESSION timestamp = 1000000000"])
        for change in ("UPDATE maria_word SET text = 'two'", "DELETE FROM maria_word"):
            with pytest.raises(DBAPIError, match="try again"):
                words.run(connection, [change])
    assert texts(words) == ["one"]


def test_a_session_in_another_time_zone_asks_for_the_same_instants(words: Place) -> None:
    words.write("INSERT INTO maria_word (id, text) VALUES (1, 'one')")
    before = words.instant()
    words.write("UPDATE maria_word SET text = 'two'")
    with words.session() as connection:
        words.run(connection, ["SET SESSION time_zone = '-08:00'"])
        row: Any = connection.execute(as_of(Word, before)).one()
    assert row.text == "one"


def test_a_table_without_history_gets_one_and_keeps_its_rows(mariadb: Place) -> None:
    mariadb.write(
        "CREATE TABLE maria_word (id int PRIMARY KEY, text varchar(40), size float, "
        "created_at datetime NOT NULL DEFAULT now(), updated_at datetime NOT NULL DEFAULT now(), "
        "valid_from timestamp(6) NOT NULL DEFAULT now(6), "
        "valid_to timestamp(6) NOT NULL DEFAULT '2038-01-19 03:14:07.999999')",
        "INSERT INTO maria_word (id, text) VALUES (1, 'one')",
    )
    try:
        mariadb.write(change_to_versioned(table_of(Word), mariadb.engine.dialect))
        before = mariadb.instant()
        mariadb.write("UPDATE maria_word SET text = 'two'")
        assert [row.text for row in mariadb.rows(as_of(Word, before))] == ["one"]
        assert texts(mariadb) == ["one", "two"]
    finally:
        mariadb.write("DROP TABLE maria_word")
