"""An incremental load reads what came since the last one, and what it has reached is kept with its rows."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Append,
    BronzeTableMixin,
    DatabaseSource,
    Datakit,
    History,
    InsertOnly,
    Load,
    Replace,
    Target,
    TemporalTableMixin,
    Watermark,
    run_datakit,
)
from sqlmodel_framework.errors import ContractError, DeclarationError, TerminalError
from sqlmodel_framework.loading.extraction import ColumnRange, Extraction
from sqlmodel_framework.loading.watermark import Mark, earlier, mark_text, read_mark
from sqlmodel_framework.runs.spec import Window
from sqlmodel_framework.testing.plugin import fresh_database

Ask = Callable[..., list[tuple[object, ...]]]


class Sale(SQLModel, table=True):
    __tablename__ = "sale"
    __table_args__ = {"schema": "incremental"}
    id: int = Field(primary_key=True)
    price: int = Field(ge=0)


class Kept(TemporalTableMixin, table=True):
    __tablename__ = "kept"
    __table_args__ = {"schema": "incremental"}
    id: int = Field(primary_key=True)
    price: int


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "raw"
    __table_args__ = {"schema": "incremental"}
    id: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)


@pytest.fixture
def till(database: Target, ask: Ask) -> Iterator[Target]:
    with fresh_database(database) as source:
        ask(
            source,
            "CREATE TABLE sale (id int PRIMARY KEY, price int, number bigint, changed timestamptz, day date)",
        )
        yield source


def put(ask: Ask, till: Target, *rows: tuple[int, int, str | None]) -> None:
    """Put rows into the source: id, price, and a moment of the first of January 2024."""
    for id_, price, clock in rows:
        moment = "NULL" if clock is None else f"'2024-01-01 {clock}+00'"
        ask(
            till,
            f"INSERT INTO sale VALUES ({id_}, {price}, {id_}, {moment}, '2024-01-0{id_ % 9 + 1}') "
            "ON CONFLICT (id) DO UPDATE SET price = EXCLUDED.price, changed = EXCLUDED.changed",
        )


def kit(till: Target, watermark: Watermark | None, **more: Any) -> Datakit:
    source = DatabaseSource(
        target=till, table="sale", columns=("id", "price"), system="till", watermark=watermark
    )
    load = Load(**{"table": Sale, "name": "sale", "layer": "silver", "source": source, **more})
    return Datakit(name="incremental", version="1", tables=(Sale, Kept, Raw), loads=(load,))


def read(kit: Datakit, database: Target, **more: Any) -> int:
    return run_datakit(kit, database, **more).loads[0].read


CHANGED = Watermark(column="changed")
STATE = "SELECT watermark_from, watermark FROM datakit.load ORDER BY load_id"


def test_only_what_came_since_is_read(database: Target, till: Target, ask: Ask) -> None:
    datakit = kit(till, Watermark(column="changed", inclusive=False))
    put(ask, till, (1, 10, "01:00"), (2, 20, "02:00"))
    assert read(datakit, database) == 2
    assert read(datakit, database) == 0
    put(ask, till, (1, 11, "03:00"), (3, 30, "04:00"))
    assert read(datakit, database) == 2
    assert ask(database, "SELECT id, price FROM incremental.sale ORDER BY id") == [(1, 11), (2, 20), (3, 30)]
    two, four = "2024-01-01 02:00:00+00:00", "2024-01-01 04:00:00+00:00"
    assert ask(database, STATE) == [(None, two), (two, two), (two, four)]


def test_the_last_value_is_read_again_for_more_of_it_may_have_come(
    database: Target, till: Target, ask: Ask
) -> None:
    put(ask, till, (1, 10, "01:00"))
    assert read(kit(till, CHANGED), database) == 1
    put(ask, till, (2, 20, "01:00"))
    assert read(kit(till, CHANGED), database) == 2
    assert ask(database, "SELECT count(*) FROM incremental.sale") == [(2,)]


def test_a_lag_finds_what_became_visible_late(database: Target, till: Target, ask: Ask) -> None:
    datakit = kit(till, Watermark(column="changed", lag=timedelta(hours=1)))
    put(ask, till, (1, 10, "05:00"))
    read(datakit, database)
    put(ask, till, (2, 20, "04:30"), (3, 30, "03:59"))
    assert read(datakit, database) == 2
    assert ask(database, "SELECT id FROM incremental.sale ORDER BY id") == [(1,), (2,)]


def test_rows_without_a_value_come_each_time(database: Target, till: Target, ask: Ask) -> None:
    datakit = kit(till, Watermark(column="changed", inclusive=False))
    put(ask, till, (1, 10, None))
    assert read(datakit, database) == 1
    put(ask, till, (2, 20, "01:00"))
    assert read(datakit, database) == 2
    assert read(datakit, database) == 1
    assert ask(database, "SELECT count(*) FROM incremental.sale") == [(2,)]


@pytest.mark.parametrize(
    ("column", "start", "lag"),
    [("number", 2, 1), ("day", date(2024, 1, 3), timedelta(days=1)), ("changed", None, None)],
)
def test_a_mark_may_be_a_number_a_day_or_a_moment(
    database: Target, till: Target, ask: Ask, column: str, start: Mark | None, lag: Any
) -> None:
    datakit = kit(till, Watermark(column=column, start=start, lag=lag))
    put(ask, till, (1, 1, "01:00"), (2, 2, "02:00"), (3, 3, "03:00"))
    assert read(datakit, database) == (3 if start is None else 2)
    put(ask, till, (4, 4, "04:00"))
    assert read(datakit, database) == (2 if lag is None else 3)


def test_a_window_is_loaded_again_and_the_mark_stays(database: Target, till: Target, ask: Ask) -> None:
    datakit = kit(till, Watermark(column="changed", inclusive=False))
    put(ask, till, (1, 10, "01:00"), (2, 20, "02:00"), (3, 30, "03:00"))
    read(datakit, database)
    # Somebody mends a row of the past, and does not say so.
    ask(till, "UPDATE sale SET price = 21 WHERE id = 2")
    window = Window(start=datetime(2024, 1, 1, 2, tzinfo=UTC), end=datetime(2024, 1, 1, 3, tzinfo=UTC))
    assert read(datakit, database, window=window) == 1
    assert ask(database, "SELECT price FROM incremental.sale WHERE id = 2") == [(21,)]
    put(ask, till, (4, 40, "04:00"))
    assert read(datakit, database) == 1


def test_a_mark_is_kept_with_the_rows_or_not_at_all(database: Target, till: Target, ask: Ask) -> None:
    datakit = kit(till, Watermark(column="changed", inclusive=False), contract="enforce")
    put(ask, till, (1, 10, "01:00"))
    read(datakit, database)
    put(ask, till, (2, -1, "02:00"))
    with pytest.raises(ContractError):
        read(datakit, database)
    put(ask, till, (2, 20, "02:00"))
    assert read(datakit, database) == 1


def test_another_source_begins_anew(database: Target, till: Target, ask: Ask) -> None:
    put(ask, till, (1, 10, "01:00"))
    datakit = kit(till, Watermark(column="changed", inclusive=False))
    assert [read(datakit, database), read(datakit, database)] == [1, 0]
    [load] = datakit.loads
    assert isinstance(load.source, DatabaseSource)
    moved = replace(load, source=replace(load.source, system="another till"))
    assert read(replace(datakit, loads=(moved,)), database) == 1


def test_a_source_that_lost_its_newest_rows_does_not_take_the_mark_back(
    database: Target, till: Target, ask: Ask
) -> None:
    datakit = kit(till, Watermark(column="changed", inclusive=False))
    put(ask, till, (1, 10, "01:00"), (2, 20, "02:00"))
    read(datakit, database)
    ask(till, "DELETE FROM sale WHERE id = 2")
    assert read(datakit, database) == 0
    put(ask, till, (3, 30, "03:00"))
    assert read(datakit, database) == 1


def test_bronze_rows_come_once_and_point_to_their_run(database: Target, till: Target, ask: Ask) -> None:
    datakit = kit(till, CHANGED, table=Raw)
    put(ask, till, (1, 10, "01:00"), (2, 20, "02:00"))
    first = run_datakit(datakit, database, image_digest=f"sha256:{'a' * 64}")
    put(ask, till, (3, 30, "02:00"))
    second = run_datakit(datakit, database)
    assert [run.loads[0].loaded for run in (first, second)] == [2, 1]
    # Which binary made this row?
    made = ask(
        database,
        "SELECT r.id, u.image_digest, u.datakit, u.version, u.fingerprint, u.framework_version, "
        "l.source, l.watermark FROM incremental.raw AS r JOIN datakit.run AS u USING (run_id) "
        "JOIN datakit.load AS l ON l.run_id = r.run_id AND l.table_name = 'incremental.raw' ORDER BY r.id",
    )
    assert [(row[0], row[1], row[6]) for row in made] == [
        ("1", f"sha256:{'a' * 64}", "till: sale"),
        ("2", f"sha256:{'a' * 64}", "till: sale"),
        ("3", None, "till: sale"),
    ]
    assert {row[4] for row in made} == {datakit.fingerprint()}
    assert ask(database, "SELECT DISTINCT extraction_method FROM incremental.raw") == [("incremental",)]


def test_the_ledger_knows_bytes_and_a_checksum_of_the_same_rows(
    database: Target, till: Target, ask: Ask
) -> None:
    put(ask, till, (1, 10, "01:00"))
    for _ in range(2):
        read(kit(till, None), database)
    [first, second] = ask(database, "SELECT bytes, checksum FROM datakit.load ORDER BY load_id")
    assert first == second
    assert (first[0], len(str(first[1]))) == (len(b'"id","price"\n"1","10"\n') - 4, 64)


@pytest.mark.parametrize(
    ("more", "watermark", "what"),
    [
        ({"mode": Replace()}, CHANGED, r"Replace\(\) needs all rows"),
        ({"table": Kept, "mode": History()}, CHANGED, r"History\(\) needs all rows"),
        ({"mode": Append()}, CHANGED, r"Append\(\) would refuse"),
    ],
)
def test_what_would_lose_rows_is_refused(
    database: Target, more: dict[str, Any], watermark: Watermark, what: str
) -> None:
    with pytest.raises(DeclarationError, match=what):
        kit(database, watermark, **more)
    kit(database, watermark, mode=InsertOnly())


def test_a_window_and_a_watermark_exclude_each_other(database: Target) -> None:
    part = ColumnRange(column="changed")
    with pytest.raises(DeclarationError, match="both a window and a watermark"):
        DatabaseSource(target=database, table="sale", window=part, watermark=CHANGED)


def test_a_column_of_another_type_is_told(database: Target, till: Target, ask: Ask) -> None:
    put(ask, till, (1, 10, "01:00"))
    read(kit(till, CHANGED), database)
    with pytest.raises(TerminalError, match="the watermark number was"):
        read(kit(till, Watermark(column="number")), database)


def test_a_lag_of_another_kind_is_told() -> None:
    with pytest.raises(TerminalError, match="the watermark day is a date; no int goes from it"):
        earlier(date(2024, 1, 1), 1, "day")


@pytest.mark.parametrize(
    "mark",
    [7, Decimal("1.50"), date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3, 4), "é",
     datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC)],
)  # fmt: skip
def test_a_mark_is_what_was_written_down(mark: Mark) -> None:
    assert read_mark(mark_text(mark), mark, "a") == mark


def test_the_words_of_each_database() -> None:
    part = ColumnRange(column="changed", low=datetime(2024, 1, 1, tzinfo=UTC), low_inclusive=False, high=None)
    extraction = Extraction(table="shop.sale", columns=("id",), window=part)
    words = {name: extraction.sql(name).partition("WHERE ")[2] for name in ("postgresql", "mariadb", "mssql")}
    moment = "'2024-01-01 00:00:00'"
    assert words == {
        "postgresql": f"changed > CAST({moment} AS TIMESTAMP WITHOUT TIME ZONE) OR changed IS NULL",
        "mariadb": f"changed > {moment} OR changed IS NULL",
        "mssql": f"changed > CAST({moment} AS DATETIME2(7)) OR changed IS NULL",
    }
