"""From a row to the run that wrote it, and to who asked for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    Datakit,
    History,
    Load,
    Merge,
    ReferenceTableMixin,
    Replace,
    RowSource,
    Target,
    TemporalTableMixin,
    TerminalError,
    deploy_datakit,
    run_datakit,
)
from sqlmodel_framework.runs.origin import Origin, origin_of_row, origin_of_run
from sqlmodel_framework.runs.spec import Requester

Ask = Callable[..., list[tuple[object, ...]]]
DIGEST = f"sha256:{'0' * 63}1"


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "raw"
    __table_args__ = {"schema": "origin"}
    code: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)


class Item(ReferenceTableMixin, table=True):
    __tablename__ = "item"
    __table_args__ = {"schema": "origin"}
    code: str = Field(primary_key=True)
    price: int


class Kept(TemporalTableMixin, table=True):
    __tablename__ = "kept"
    __table_args__ = {"schema": "origin"}
    code: str = Field(primary_key=True)
    price: int


class Plain(SQLModel, table=True):
    __tablename__ = "plain"
    __table_args__ = {"schema": "origin"}
    number: int = Field(primary_key=True)
    code: str


def kit(**prices: int) -> Datakit:
    """A datakit whose sources bring these items, in four kinds of tables."""
    items = [{"code": code, "price": price} for code, price in prices.items()]
    texts = [{"code": code, "price": str(price)} for code, price in prices.items()]
    numbered = [{"number": number, "code": code} for number, code in enumerate(prices, 1)]
    return Datakit(
        name="origins",
        version="1.2",
        tables=(Raw, Item, Kept, Plain),
        loads=(
            Load(table=Raw, name="till", layer="bronze", source=RowSource(rows=lambda: texts, name="till")),
            Load(
                table=Item,
                name="items",
                layer="silver",
                source=RowSource(rows=lambda: items, name="items"),
                mode=Merge(),
            ),
            Load(
                table=Kept,
                name="kept",
                layer="silver",
                source=RowSource(rows=lambda: items, name="items"),
                mode=History(),
            ),
            Load(
                table=Plain,
                name="plain",
                layer="gold",
                source=RowSource(rows=lambda: numbered, name="plain"),
                mode=Replace(),
            ),
        ),
    )


def task(number: int) -> Requester:
    return Requester(
        system="airflow", workflow="shop", workflow_run=f"day {number}", task="silver.items", attempt=1
    )


@pytest.fixture
def twice(database: Target) -> tuple[Target, UUID, UUID]:
    """A database that was loaded twice: the second run brought another price of salt, and milk."""
    first, second = uuid4(), uuid4()
    run_datakit(kit(tea=2, salt=1), database, run_id=first, image_digest=DIGEST, requested_by=task(1))
    run_datakit(kit(tea=2, salt=3, milk=4), database, run_id=second, requested_by=task(2))
    return database, first, second


def of_row(target: Target, table: str, **key: str) -> Origin:
    return origin_of_row(kit(), target, f"origin.{table}", key)


@pytest.mark.parametrize("table", ["item", "kept"])
def test_a_row_is_of_the_load_that_wrote_it_last(twice: tuple[Target, UUID, UUID], table: str) -> None:
    target, first, second = twice
    unchanged, changed, new = (of_row(target, table, code=code) for code in ("tea", "salt", "milk"))
    assert [unchanged.run_id, changed.run_id, new.run_id] == [first, second, second]
    assert {unchanged.evidence, changed.evidence, new.evidence} == {"time"}
    assert unchanged.load == changed.load == {"item": "silver.items", "kept": "silver.kept"}[table]


def test_a_bronze_row_holds_the_id_of_its_run(twice: tuple[Target, UUID, UUID]) -> None:
    target, first, second = twice
    found = of_row(target, "raw", code="milk")
    assert (found.run_id, found.evidence, found.load) == (second, "run id", "bronze.till")
    assert of_row(target, "raw", bronze_id="1").run_id == first


def test_a_table_without_times_tells_its_latest_load(twice: tuple[Target, UUID, UUID]) -> None:
    target, _, second = twice
    found = of_row(target, "plain", number="1")
    assert (found.run_id, found.evidence, found.load) == (second, "latest load", "gold.plain")
    assert found.written_at is None


def test_it_tells_the_image_and_who_asked(twice: tuple[Target, UUID, UUID]) -> None:
    target, _, second = twice
    found = of_row(target, "item", code="tea")
    assert (found.table, found.target) == ("origin.item", target.name)
    assert (found.datakit, found.version, found.status) == ("origins", "1.2", "succeeded")
    assert (found.image_digest, found.requested_by) == (DIGEST, task(1))
    assert found.fingerprint == kit().fingerprint()
    run = origin_of_run(second, target)
    assert (run.requested_by, run.image_digest, run.load, run.evidence) == (task(2), None, None, None)


def test_nobody_told_is_null_in_the_ledger(database: Target, ask: Ask) -> None:
    run_datakit(kit(tea=1), database)
    assert ask(database, "SELECT requested_by IS NULL FROM datakit.run") == [(True,)]
    assert of_row(database, "item", code="tea").requested_by is None


def test_a_retry_is_asked_for_by_its_own_attempt(database: Target) -> None:
    deploy_datakit(kit(), database)
    run_id = uuid4()
    source = RowSource(rows=lambda: [{"code": 1 / 0}], name="broken")
    broken = Load(table=Item, name="items", layer="silver", source=source)
    with pytest.raises(ZeroDivisionError):
        run_datakit(
            Datakit(name="origins", version="1.2", tables=(Raw, Item, Kept, Plain), loads=(broken,)),
            database,
            parts=["load"],
            run_id=run_id,
            requested_by=task(1),
        )
    assert origin_of_run(run_id, database).status == "failed"
    again = task(1).model_copy(update={"attempt": 2})
    run_datakit(kit(tea=1), database, parts=["load"], run_id=run_id, requested_by=again)
    assert origin_of_run(run_id, database).requested_by == again


def test_a_row_that_was_changed_by_hand_is_no_load_s(twice: tuple[Target, UUID, UUID], ask: Ask) -> None:
    target, _, _ = twice
    ask(target, "UPDATE origin.item SET price = 9 WHERE code = 'tea'")
    with pytest.raises(
        TerminalError, match=r"no load of origin\.item that the ledger knows wrote the row at"
    ):
        of_row(target, "item", code="tea")


@pytest.mark.parametrize(
    ("table", "key", "message"),
    [
        ("item", {}, r"which row of origin\.item\?"),
        ("item", {"colour": "red"}, r"origin\.item has no column 'colour'"),
        ("item", {"price": "cheap"}, "price='cheap' is no value of price: .*integer"),
        ("item", {"code": "gold"}, r"origin\.item has no row with code=gold"),
        ("kept", {"price": "3"}, r"origin\.kept has no row with price=3"),
        ("nothing", {"code": "tea"}, r"datakit 'origins' has no table 'origin\.nothing'"),
    ],
)
def test_what_names_no_row_is_told(database: Target, table: str, key: dict[str, Any], message: str) -> None:
    run_datakit(kit(tea=2, salt=2), database)
    with pytest.raises(TerminalError, match=message):
        of_row(database, table, **key)


def test_what_names_two_rows_is_told(database: Target) -> None:
    run_datakit(kit(tea=2, salt=2), database)
    with pytest.raises(TerminalError, match=r"origin\.item has more than one row with price=2") as caught:
        of_row(database, "item", price="2")
    assert caught.value.hint == "name the key of one row"


def test_a_target_without_a_ledger_or_the_run_is_told(database: Target) -> None:
    with pytest.raises(TerminalError, match="has no ledger, so nothing was loaded there"):
        of_row(database, "item", code="tea")
    deploy_datakit(kit(), database)
    with pytest.raises(TerminalError, match="the ledger knows no run 00000000-"):
        origin_of_run(UUID(int=1), database)
