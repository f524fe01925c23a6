"""Each write mode, on a real PostgreSQL: what the table is afterwards, and what was written for it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Index, create_engine, text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Append,
    Datakit,
    DeleteInsert,
    History,
    InsertOnly,
    Load,
    Merge,
    ReferenceTableMixin,
    Replace,
    RowSource,
    Target,
    TemporalTableMixin,
    TerminalError,
    run_datakit,
)
from sqlmodel_framework.errors import ContractError, DeclarationError
from sqlmodel_framework.loading.modes import Mode
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]
Rows = Iterable[dict[str, Any]]


class Sale(SQLModel, table=True):
    __tablename__ = "mode_sale"
    __table_args__ = {"schema": "modes"}
    id: int = Field(primary_key=True)
    day: str | None = None
    price: int = Field(ge=0)


class Note(SQLModel, table=True):
    """A table whose only key no source offers."""

    __tablename__ = "mode_note"
    __table_args__ = {"schema": "modes"}
    id: int | None = Field(default=None, primary_key=True)
    words: str | None = None


class City(TemporalTableMixin, table=True):
    __tablename__ = "mode_city"
    __table_args__ = {"schema": "modes"}
    code: str = Field(primary_key=True)
    name: str


class Country(ReferenceTableMixin, table=True):
    __tablename__ = "mode_country"
    __table_args__ = {"schema": "modes"}
    code: str = Field(primary_key=True)
    name: str


class Seat(SQLModel, table=True):
    """A table in which something is unique that is no key."""

    __tablename__ = "mode_seat"
    __table_args__ = (
        Index("mode_seat_name", text("lower(name)"), unique=True),
        {"schema": "modes"},
    )
    id: int = Field(primary_key=True)
    name: str


TABLES = (Sale, Note, City, Country, Seat)


def load(target: Target, table: type[SQLModel], mode: Mode, rows: Rows, **more: Any) -> LoadResult:
    found = list(rows)
    columns = tuple(more.pop("columns", ())) or None
    source = RowSource(rows=lambda: found, name="rows", columns=columns)
    only = Load(table=table, name="x", layer="y", source=source, mode=mode, **more)
    return run_datakit(Datakit(name="modes", version="1", tables=TABLES, loads=(only,)), target).loads[0]


def sales(*rows: tuple[int, str | None, int]) -> Rows:
    return [dict(zip(("id", "day", "price"), row, strict=True)) for row in rows]


def table(ask: Ask, target: Target) -> list[tuple[object, ...]]:
    return ask(target, "SELECT id, day, price FROM modes.mode_sale ORDER BY id")


def row_versions(ask: Ask, target: Target) -> list[tuple[object, ...]]:
    """Changes for a row with every write to it."""
    return ask(target, "SELECT id, xmin::text FROM modes.mode_sale ORDER BY id")


BEFORE = ((1, "mon", 10), (2, "mon", 20), (3, "tue", 30))


@pytest.fixture
def filled(database: Target) -> Target:
    assert load(database, Sale, Append(), sales(*BEFORE)).loaded == 3
    return database


def test_append_refuses_what_is_there(filled: Target, ask: Ask) -> None:
    done = load(filled, Sale, Append(), sales((3, "tue", 1), (4, "wed", 40)))
    assert (done.read, done.loaded, done.rejected) == (2, 1, 1)
    assert done.reasons == {"key (id) is already there": 1}
    assert table(ask, filled) == [*BEFORE, (4, "wed", 40)]


def test_append_takes_equal_rows_where_nothing_tells_them_apart(database: Target, ask: Ask) -> None:
    for _ in range(2):
        assert load(database, Note, Append(), [{"words": "a"}, {"words": "a"}]).loaded == 2
    assert ask(database, "SELECT words FROM modes.mode_note") == [("a",)] * 4


def test_merge_updates_and_deletes_nothing(filled: Target, ask: Ask) -> None:
    done = load(filled, Sale, Merge(), sales((2, "mon", 21), (3, "tue", 30), (4, None, 40)))
    assert (done.loaded, done.deleted) == (2, 0)
    assert table(ask, filled) == [(1, "mon", 10), (2, "mon", 21), (3, "tue", 30), (4, None, 40)]


def test_insert_only_changes_nothing(filled: Target, ask: Ask) -> None:
    before = row_versions(ask, filled)
    done = load(filled, Sale, InsertOnly(), sales((2, "sun", 99), (4, "wed", 40)))
    assert (done.loaded, done.rejected) == (1, 0)
    assert table(ask, filled) == [*BEFORE, (4, "wed", 40)]
    assert row_versions(ask, filled)[:3] == before


def test_replace_writes_only_what_differs(filled: Target, ask: Ask) -> None:
    before = row_versions(ask, filled)
    done = load(filled, Sale, Replace(), sales((1, "mon", 10), (2, "mon", 21), (4, "wed", 40)))
    assert (done.loaded, done.deleted) == (2, 1)
    assert table(ask, filled) == [(1, "mon", 10), (2, "mon", 21), (4, "wed", 40)]
    assert row_versions(ask, filled)[0] == before[0]


def test_replace_without_a_key_writes_everything_anew(database: Target, ask: Ask) -> None:
    load(database, Note, Append(), [{"words": "a"}, {"words": "b"}])
    done = load(database, Note, Replace(), [{"words": "c"}])
    assert (done.loaded, done.deleted) == (1, 2)
    assert ask(database, "SELECT words FROM modes.mode_note") == [("c",)]


@pytest.mark.parametrize("mode", [Replace(), DeleteInsert(by=("day",), partitions=(("mon",), ("tue",)))])
def test_an_empty_source_leaves_no_stale_rows(filled: Target, ask: Ask, mode: Mode) -> None:
    done = load(filled, Sale, mode, [], columns=("id", "day", "price"))
    assert (done.read, done.loaded, done.deleted) == (0, 0, 3)
    assert table(ask, filled) == []


def test_an_empty_source_of_unknown_columns_replaces_too(filled: Target, ask: Ask) -> None:
    assert load(filled, Sale, Replace(), []).deleted == 3
    assert table(ask, filled) == []


def test_a_row_that_is_rejected_does_not_end_the_one_that_is_there(filled: Target, ask: Ask) -> None:
    done = load(filled, Sale, Replace(), sales((1, "mon", 10), (2, "mon", -1)))
    assert (done.rejected, done.deleted) == (1, 1)
    assert table(ask, filled) == [(1, "mon", 10), (2, "mon", 20)]


def test_who_reads_meanwhile_reads_the_old_rows(filled: Target, ask: Ask) -> None:
    engine = create_engine(filled.secret_url())
    with engine.connect() as reader:
        reader.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        query = text("SELECT id, day, price FROM modes.mode_sale ORDER BY id")
        assert list(map(tuple, reader.execute(query))) == list(BEFORE)
        load(filled, Sale, Replace(), sales((9, "sun", 9)))
        assert list(map(tuple, reader.execute(query))) == list(BEFORE)
    engine.dispose()
    assert table(ask, filled) == [(9, "sun", 9)]


def test_delete_insert_touches_only_the_partitions_that_come(filled: Target, ask: Ask) -> None:
    done = load(filled, Sale, DeleteInsert(by=("day",)), sales((5, "mon", 50), (6, None, 60)))
    assert (done.loaded, done.deleted) == (2, 2)
    assert table(ask, filled) == [(3, "tue", 30), (5, "mon", 50), (6, None, 60)]
    # A null is a partition like any other.
    again = load(filled, Sale, DeleteInsert(by=("day",)), sales((7, None, 70)))
    assert (again.loaded, again.deleted) == (1, 1)


def test_delete_insert_takes_no_row_of_another_partition(filled: Target, ask: Ask) -> None:
    mode = DeleteInsert(by=("day",), partitions=(("tue",),))
    done = load(filled, Sale, mode, sales((4, "tue", 40), (5, "mon", 50)))
    assert (done.loaded, done.deleted, done.rejected) == (1, 1, 1)
    assert done.reasons == {"(day) is of no partition that this load covers": 1}
    assert table(ask, filled) == [(1, "mon", 10), (2, "mon", 20), (4, "tue", 40)]


def test_history_keeps_every_state(database: Target, ask: Ask) -> None:
    for names in ({"a": "Aa", "b": "Bb"}, {"a": "Aa", "b": "Bee", "c": "Cc"}, {"b": "Bee"}):
        load(database, City, History(), [{"code": c, "name": n} for c, n in names.items()])
    assert ask(database, "SELECT code, name FROM modes.mode_city") == [("b", "Bee")]
    past = ask(database, "SELECT code, name FROM modes.mode_city_history ORDER BY code, name")
    assert past == [("a", "Aa"), ("b", "Bb"), ("c", "Cc")]
    assert load(database, City, History(), [{"code": "b", "name": "Bee"}]).loaded == 0
    assert len(ask(database, "SELECT 1 FROM modes.mode_city_history")) == 3


def test_a_reference_row_that_is_gone_ends_and_comes_again(database: Target, ask: Ask) -> None:
    query = "SELECT code, name, inactivated_at FROM modes.mode_country ORDER BY code"
    both = [{"code": "a", "name": "A"}, {"code": "b", "name": "B"}]
    load(database, Country, Replace(), both)
    ended = load(database, Country, Replace(), both[:1])
    assert (ended.loaded, ended.deleted) == (0, 1)
    (_, (code, _, when)) = ask(database, query)
    assert code == "b"
    assert isinstance(when, datetime)
    assert load(database, Country, Replace(), both[:1]).deleted == 0
    assert ask(database, query)[1][2] == when
    assert load(database, Country, Replace(), both).loaded == 1
    assert [row[2] for row in ask(database, query)] == [None, None]


def test_enforce_loads_nothing_and_names_the_first_row(filled: Target, ask: Ask) -> None:
    rows = sales((4, "wed", 40), (5, "wed", -5), (6, "wed", -6))
    with pytest.raises(ContractError, match=r"2 of 3 rows break its contract.*row 2: price is not >= 0"):
        load(filled, Sale, Merge(), rows, contract="enforce")
    assert table(ask, filled) == list(BEFORE)


@pytest.mark.parametrize("most", [1, 0.4])
def test_more_rejected_rows_than_allowed_load_nothing(filled: Target, ask: Ask, most: float) -> None:
    with pytest.raises(ContractError, match=r"at most .* may be"):
        load(filled, Sale, Merge(), sales((4, "w", -1), (5, "w", -1), (6, "w", 1)), reject_at_most=most)
    assert table(ask, filled) == list(BEFORE)
    done = load(filled, Sale, Merge(), sales((4, "w", -1), (5, "w", 1), (6, "w", 1)), reject_at_most=most)
    assert (done.loaded, done.rejected) == (2, 1)


def test_a_mode_that_does_not_fit_is_refused(database: Target) -> None:
    with pytest.raises(DeclarationError, match="needs a table that keeps its history"):
        load(database, Sale, History(), [])
    with pytest.raises(DeclarationError, match=r"DeleteInsert.by names 'no', which is no column"):
        load(database, Sale, DeleteInsert(by=("no",)), [])
    with pytest.raises(DeclarationError, match="has no value for each of"):
        load(database, Sale, DeleteInsert(by=("day",), partitions=(("a", "b"),)), [])
    with pytest.raises(DeclarationError, match="the mode must be"):
        load(database, Sale, "merge", [])  # type: ignore[arg-type]
    with pytest.raises(TerminalError, match="offers no key"):
        load(database, Note, Merge(), [{"words": "a"}])
    with pytest.raises(DeclarationError, match="share of more than all rows"):
        load(database, Sale, Merge(), [], reject_at_most=1.5)


def test_replace_takes_a_unique_value_from_a_row_that_goes(database: Target, ask: Ask) -> None:
    load(database, Seat, Replace(), [{"id": 1, "name": "A1"}])
    done = load(database, Seat, Replace(), [{"id": 2, "name": "a1"}])
    assert (done.loaded, done.deleted, done.rejected) == (1, 1, 0)
    assert ask(database, "SELECT id, name FROM modes.mode_seat") == [(2, "a1")]


@pytest.mark.parametrize("rows", [[], [{"code": "B", "name": "b"}], [{"code": "A", "name": "x"}]])
def test_a_snapshot_with_and_without_rows_that_go(database: Target, ask: Ask, rows: Rows) -> None:
    load(database, City, History(), [{"code": "A", "name": "a"}])
    load(database, City, History(), rows, columns=("code", "name"))
    assert ask(database, "SELECT code, name FROM modes.mode_city ORDER BY 1") == [
        tuple(row.values()) for row in rows
    ]
    assert ask(database, "SELECT code, name FROM modes.mode_city_history ORDER BY 1") == [("A", "a")]
