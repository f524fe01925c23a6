"""Typed tables against their sources, by each write mode, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import JSON, Text, select
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Append,
    BronzeTableMixin,
    DatabaseSource,
    Datakit,
    DeleteInsert,
    History,
    InsertOnly,
    Load,
    Merge,
    ParquetSource,
    QuerySource,
    ReferenceTableMixin,
    Replace,
    Rows,
    RowSource,
    TableSource,
    Target,
    TemporalTableMixin,
    array_of,
    column,
    run_datakit,
    verify_datakit,
)
from sqlmodel_framework.loading.load import Contract
from sqlmodel_framework.loading.modes import Mode
from sqlmodel_framework.testing.plugin import fresh_database
from sqlmodel_framework.verify.result import LoadVerification

Ask = Callable[..., list[tuple[object, ...]]]
Row = dict[str, Any]


class Sale(SQLModel, table=True):
    __tablename__ = "verify_sale"
    __table_args__ = {"schema": "verify"}
    id: int = Field(primary_key=True)
    day: str | None = None
    price: int = Field(ge=0)


class Note(SQLModel, table=True):
    """A table whose only key no source offers."""

    __tablename__ = "verify_note"
    __table_args__ = {"schema": "verify"}
    id: int | None = Field(default=None, primary_key=True)
    words: str | None = None


class City(TemporalTableMixin, table=True):
    __tablename__ = "verify_city"
    __table_args__ = {"schema": "verify"}
    code: str = Field(primary_key=True)
    name: str


class Country(ReferenceTableMixin, table=True):
    __tablename__ = "verify_country"
    __table_args__ = {"schema": "verify"}
    code: str = Field(primary_key=True)
    name: str


class Hue(StrEnum):
    red = "red"
    blue = "blue"


class Kinds(SQLModel, table=True):
    __tablename__ = "verify_kinds"
    __table_args__ = {"schema": "verify"}
    id: int = Field(primary_key=True)
    amount: Decimal
    size: float
    at: datetime
    takes: timedelta
    raw: bytes
    words: str | None = Field(default=None, max_length=10)
    hue: Hue = column(values=Hue)
    known: bool
    number: UUID
    day: date
    data: dict[str, Any] = Field(sa_type=JSON)
    tags: list[str] = column(array_of(Text))


class RawSale(BronzeTableMixin, table=True):
    __tablename__ = "verify_raw_sale"
    __table_args__ = {"schema": "verify"}
    id: str | None = Field(default=None, sa_type=Text)
    day: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)


TABLES = (Sale, Note, City, Country, Kinds, RawSale)


def kit(*loads: Load, **more: Any) -> Datakit:
    return Datakit(name="verifying", version="1", tables=TABLES, loads=loads, **more)


def load(table: type[SQLModel], mode: Mode, rows: Sequence[Row], **more: Any) -> Load:
    columns = tuple(more.pop("columns", ())) or None
    source = RowSource(rows=lambda: list(rows), name="rows", columns=columns)
    return Load(table=table, name="x", layer="y", source=source, mode=mode, **more)


def verify(target: Target, datakit: Datakit, **more: Any) -> LoadVerification:
    return verify_datakit(datakit, target, **{"chunk_rows": 10, **more}).loads[-1]


def summary(found: LoadVerification) -> tuple[str, list[tuple[int, ...]], int, int]:
    """The status, of each chunk its number and what is missing, changed and extra; rejected, others."""
    of = found.comparison
    assert of is not None
    chunks: list[tuple[int, ...]] = [
        (each.number, each.missing, each.changed, each.extra) for each in of.differences
    ]
    return found.status, chunks, of.rejected, of.others


SALES: list[Row] = [{"id": n, "day": f"d{n % 3}", "price": n} for n in range(1, 31)]


@pytest.mark.parametrize(
    "mode", [Merge(), Append(), Replace(), InsertOnly(), DeleteInsert(by=("day",))], ids=repr
)
def test_each_mode_agrees_after_its_load_and_names_the_chunk_that_does_not(
    database: Target, ask: Ask, mode: Mode
) -> None:
    datakit = kit(load(Sale, mode, SALES))
    run_datakit(datakit, database)
    assert summary(verify(database, datakit)) == ("agrees", [], 0, 0)
    ask(database, "UPDATE verify.verify_sale SET price = 0 WHERE id = 15")
    found = verify(database, datakit)
    # A row that is there already keeps its values.
    expected = ("agrees", [], 0, 0) if mode == InsertOnly() else ("differs", [(2, 0, 1, 0)], 0, 0)
    assert summary(found) == expected
    ask(database, "DELETE FROM verify.verify_sale WHERE id = 15")
    found = verify(database, datakit)
    assert summary(found) == ("differs", [(2, 1, 0, 0)], 0, 0)
    assert found.comparison is not None
    (difference,) = found.comparison.differences
    assert (found.comparison.key, difference.first, difference.last) == (("id",), ("11",), ("20",))
    assert (difference.source_rows, difference.target_rows) == (10, 9)
    assert difference.source_checksum != difference.target_checksum


def test_a_row_that_the_source_lacks_is_a_difference_where_the_mode_says_so(
    database: Target, ask: Ask
) -> None:
    run_datakit(kit(load(Sale, Replace(), SALES)), database)
    ask(database, "INSERT INTO verify.verify_sale VALUES (99, 'd1', 1), (100, 'other', 1)")
    assert summary(verify(database, kit(load(Sale, Replace(), SALES)))) == (
        "differs",
        [(4, 0, 0, 2)],
        0,
        0,
    )
    inside = DeleteInsert(by=("day",))
    assert summary(verify(database, kit(load(Sale, inside, SALES)))) == ("differs", [(4, 0, 0, 1)], 0, 1)
    given = DeleteInsert(by=("day",), partitions=(("d0",), ("other",)))
    some = [row for row in SALES if row["day"] == "d0"]
    assert summary(verify(database, kit(load(Sale, given, some)))) == ("differs", [(2, 0, 0, 1)], 0, 21)
    assert summary(verify(database, kit(load(Sale, Merge(), SALES)))) == ("agrees", [], 0, 2)


def test_another_load_or_a_declared_row_may_have_brought_what_the_source_lacks(database: Target) -> None:
    first, second = load(Sale, Replace(), SALES[:20]), load(Sale, Merge(), SALES[20:])
    datakit = kit(first, second)
    run_datakit(datakit, database)
    assert [each.status for each in verify_datakit(datakit, database).loads] == ["agrees", "agrees"]
    rows = (Rows(Country, [Country(code="DE", name="Germany")]),)
    datakit = kit(load(Country, Merge(), [{"code": "FR", "name": "France"}]), rows=rows)
    run_datakit(datakit, database)
    replaced = kit(load(Country, Replace(), [{"code": "FR", "name": "France"}]), rows=rows)
    assert summary(verify(database, replaced)) == ("agrees", [], 0, 1)


def test_rows_in_quarantine_are_counted_apart(database: Target, ask: Ask) -> None:
    rows = [*SALES, {"id": 31, "day": None, "price": -1}, {"id": 1, "day": None, "price": 2}]
    datakit = kit(load(Sale, Replace(), rows))
    run_datakit(datakit, database)
    # Neither of two rows of one key is taken.
    assert summary(verify(database, datakit)) == ("agrees", [], 3, 0)
    # The last good row of a key that came badly stays.
    ask(database, "INSERT INTO verify.verify_sale VALUES (31, NULL, 7)")
    assert summary(verify(database, datakit)) == ("agrees", [], 3, 1)


@pytest.mark.parametrize(("contract", "status"), [("quarantine", "agrees"), ("enforce", "differs")])
def test_rows_that_break_an_enforced_contract_are_not_accounted_for(
    database: Target, contract: Contract, status: str
) -> None:
    run_datakit(kit(load(Sale, Merge(), SALES)), database)
    broken = load(Sale, Merge(), [*SALES, {"id": 31, "day": None, "price": -1}], contract=contract)
    assert verify(database, kit(broken)).status == status


def test_what_a_reference_table_has_ended_is_not_asked_for(database: Target, ask: Ask) -> None:
    full = [{"code": code, "name": code} for code in ("DE", "FR", "IT")]
    run_datakit(kit(load(Country, Replace(), full)), database)
    datakit = kit(load(Country, Replace(), full[:2]))
    run_datakit(datakit, database)
    assert summary(verify(database, datakit)) == ("agrees", [], 0, 1)
    ask(database, "UPDATE verify.verify_country SET inactivated_at = now() WHERE code = 'FR'")
    assert summary(verify(database, datakit)) == ("differs", [(1, 1, 0, 0)], 0, 2)


def test_history_compares_the_present_state(database: Target, ask: Ask) -> None:
    first = [{"code": "A", "name": "a"}, {"code": "B", "name": "b"}]
    run_datakit(kit(load(City, History(), first)), database)
    datakit = kit(load(City, History(), [{"code": "A", "name": "aa"}]))
    assert summary(verify(database, datakit)) == ("differs", [(1, 0, 1, 1)], 0, 0)
    run_datakit(datakit, database)
    assert summary(verify(database, datakit)) == ("agrees", [], 0, 0)


def test_rows_without_a_key_are_found_by_their_values(database: Target, ask: Ask) -> None:
    words = [{"words": word} for word in ("x", "x", "", None, "y")]
    datakit = kit(load(Note, Replace(), words))
    run_datakit(datakit, database)
    assert summary(verify(database, datakit)) == ("agrees", [], 0, 0)
    ask(database, "UPDATE verify.verify_note SET words = NULL WHERE words = ''")
    found = verify(database, datakit, chunk_rows=2)
    assert summary(found) == ("differs", [(2, 1, 0, 0), (3, 0, 0, 1)], 0, 0)
    assert summary(verify(database, kit(load(Note, Append(), words)))) == (
        "differs",
        [(1, 1, 0, 0)],
        0,
        1,
    )


def test_null_and_empty_text_differ(database: Target, ask: Ask) -> None:
    datakit = kit(load(Sale, Merge(), [{"id": 1, "day": "", "price": 1}, {"id": 2, "day": None, "price": 1}]))
    run_datakit(datakit, database)
    assert verify(database, datakit).status == "agrees"
    ask(database, "UPDATE verify.verify_sale SET day = NULL WHERE id = 1")
    assert summary(verify(database, datakit)) == ("differs", [(1, 0, 1, 0)], 0, 0)


KINDS: Row = {
    "amount": "1.50",
    "size": 0.1,
    "at": datetime(2024, 6, 1, 12, tzinfo=UTC),
    "takes": timedelta(hours=30),
    "raw": b"\x00\xff",
    "words": "é'\"",
    "hue": Hue.red,
    "known": True,
    "number": UUID(int=7),
    "day": date(2024, 2, 29),
    "data": {"b": 1, "a": [None, "x"]},
    "tags": ["a,b", "", "NULL"],
}


CHANGES = (
    "amount = 1.51",
    "size = 0.2",
    "at = now()",
    "takes = '1 day'",
    "raw = ''",
    "words = NULL",
    "hue = 'blue'",
    "known = false",
    "number = gen_random_uuid()",
    "day = '2024-03-01'",
    "data = '{}'",
    "tags = '{a,b}'",
)


@pytest.mark.parametrize("rejected", [False, True])
def test_values_of_every_kind_are_compared_as_the_table_takes_them(
    database: Target, ask: Ask, rejected: bool
) -> None:
    rows = [{"id": n, **KINDS} for n in range(1, 4)]
    if rejected:
        # Then each row is screened on its own.
        rows.append({"id": 4, **KINDS, "words": "much too long a text"})
    datakit = kit(load(Kinds, Replace(), rows))
    run_datakit(datakit, database)
    assert summary(verify(database, datakit)) == ("agrees", [], int(rejected), 0)
    # The same value, written otherwise.
    ask(
        database, "UPDATE verify.verify_kinds SET amount = 1.500, data = :data", data='{"a":[null,"x"],"b":1}'
    )
    assert verify(database, datakit).status == "agrees"
    for change in CHANGES:
        ask(database, f"UPDATE verify.verify_kinds SET {change} WHERE id = 2")
        assert summary(verify(database, datakit))[:2] == ("differs", [(1, 0, 1, 0)]), change
        run_datakit(datakit, database)


def test_a_database_and_a_file_are_sources_like_others(
    database: Target, datakit_server: Target, ask: Ask, tmp_path: Path
) -> None:
    with fresh_database(datakit_server) as source:
        ask(source, "CREATE TABLE t AS SELECT n AS id, 'd' AS day, n AS price FROM generate_series(1, 30) n")
        origin = DatabaseSource(target=source, table="t", columns=("id", "day", "price"))
        datakit = kit(Load(table=Sale, name="x", layer="y", source=origin))
        run_datakit(datakit, database)
        assert verify(database, datakit).status == "agrees"
        ask(source, "UPDATE t SET price = 0 WHERE id = 30")
        assert summary(verify(database, datakit)) == ("differs", [(3, 0, 1, 0)], 0, 0)
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "day": ["d", "d"], "price": [1, 3]}), path)
    datakit = kit(Load(table=Sale, name="x", layer="y", source=ParquetSource(path=path)))
    assert summary(verify(database, datakit)) == ("differs", [(1, 0, 1, 0)], 0, 28)


def test_sources_in_the_target_are_compared_there(database: Target, ask: Ask) -> None:
    raw = [{"id": str(n), "day": "", "price": str(n)} for n in range(1, 31)]
    raw.append({"id": "x", "day": "d", "price": "1"})
    bronze = Load(
        table=RawSale, name="x", layer="bronze", source=RowSource(rows=lambda: raw, name="rows", system="s")
    )
    silver = Load(table=Sale, name="x", layer="silver", source=TableSource(RawSale, null_values=("",)))
    rows = select(Sale.__table__.c.price.label("words").cast(Text).label("words"))  # type: ignore[attr-defined]
    gold = Load(table=Note, name="x", layer="gold", source=QuerySource(rows), mode=Replace())
    datakit = kit(bronze, silver, gold)
    run_datakit(datakit, database)
    found = verify_datakit(datakit, database, chunk_rows=10)
    assert [summary(each) for each in found.loads] == [
        ("agrees", [], 0, 0),
        ("agrees", [], 1, 0),
        ("agrees", [], 0, 0),
    ]
    ask(database, "UPDATE verify.verify_sale SET price = 1000 WHERE id = 12")
    found = verify_datakit(datakit, database, chunk_rows=10)
    assert [each.status for each in found.loads] == ["agrees", "differs", "differs"]
