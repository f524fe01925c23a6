"""What is said to somebody who asks the history wrongly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import StatementError
from sqlmodel import Field, create_engine, select
from sqlmodel_framework import BaseMixin, DatakitError, TemporalTableMixin
from sqlmodel_framework.base.instants import FOREVER, Instant
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.history import as_of, changes_between, history_of
from sqlmodel_framework.history.companion import companion_name, history_table


class Kept(TemporalTableMixin, table=True):
    __tablename__ = "asked_kept"
    place: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    size: float = Field(default=0, ge=0)


class Plain(BaseMixin, table=True):
    __tablename__ = "asked_plain"
    id: int = Field(primary_key=True)


NOW = datetime.now(UTC)
NAIVE = datetime(2024, 5, 1, 12)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: as_of(Kept, NAIVE),
        lambda: changes_between(Kept, NAIVE, NOW),
        lambda: changes_between(Kept, NOW, NAIVE),
    ],
)
def test_a_moment_without_a_time_zone_is_refused(ask: Any) -> None:
    with pytest.raises(DatakitError, match=r"has no time zone: 2024-05-01T12:00:00") as caught:
        ask()
    assert caught.value.hint is not None
    assert caught.value.exit_code == 64


def test_what_is_no_moment_is_refused() -> None:
    wrong: Any = "2024-05-01"
    with pytest.raises(DatakitError, match="the instant is a str, not a datetime"):
        as_of(Kept, wrong)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(DatakitError, match="comes before the start"):
        changes_between(Kept, NOW, NOW - timedelta(seconds=1))


@pytest.mark.parametrize(
    "ask", [lambda: as_of(Plain, NOW), lambda: history_of(Plain, 1), lambda: changes_between(Plain, NOW, NOW)]
)
def test_a_table_that_keeps_no_history_is_named(ask: Any) -> None:
    with pytest.raises(DatakitError, match="asked_plain keeps no history") as caught:
        ask()
    assert caught.value.table == "asked_plain"


@pytest.mark.parametrize("key", [1, ("a",), ("a", 1, 2), {"place": "a"}, {"place": "a", "id": 1}])
def test_a_key_with_other_parts_is_refused(key: object) -> None:
    with pytest.raises(DatakitError, match=r"the key of .*Kept is \(place, number\), not"):
        history_of(Kept, key)


def test_the_companion_follows_from_the_table_alone() -> None:
    past = history_table(table_of(Kept))
    assert past.name == "asked_kept_history"
    assert [column.name for column in past.columns] == [c.name for c in table_of(Kept).columns]
    assert [column.name for column in past.primary_key.columns] == ["place", "number", "valid_from"]
    assert {column.name for column in past.columns if column.nullable} == {"size"}
    assert [[column.name for column in index.columns] for index in past.indexes] == [["valid_to"]]
    assert past.metadata is not table_of(Kept).metadata
    assert not past.foreign_keys
    assert all(column.server_default is None for column in past.columns)


def test_a_long_name_is_cut_and_stays_its_own() -> None:
    class Long(TemporalTableMixin, table=True):
        __tablename__ = "é" * 31
        id: int = Field(primary_key=True)

    name = companion_name(table_of(Long), "history")
    assert len(name.encode()) <= 63
    assert name.endswith("_history")


def test_a_naive_value_never_reaches_the_database() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(StatementError, match="has no time zone"):
        connection.execute(select(Kept.size).where(Kept.valid_from < NAIVE))


def test_the_end_of_time_is_the_same_whatever_a_database_calls_it() -> None:
    kind = Instant()
    dialect = create_engine("sqlite://").dialect
    for last in (datetime(2038, 1, 19, 3, 14, 7, 999999), datetime(9999, 12, 31, 23, 59, 59, 999999)):
        assert kind.process_result_value(last, dialect) == FOREVER
