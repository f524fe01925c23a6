"""Tables of a datakit, filled on a real PostgreSQL, whose keys and checks refuse whatever is wrong."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest
from sqlalchemy import JSON, BigInteger, Identity, Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BaseMixin,
    BronzeTableMixin,
    Datakit,
    ReferenceTableMixin,
    Replace,
    Rows,
    Target,
    TransactionalTableMixin,
    array_of,
    column,
    fill,
    run_datakit,
)
from sqlmodel_framework.errors import ContractError, DeclarationError
from sqlmodel_framework.factories.filling import plan_filling
from sqlmodel_framework.runs.events import LoadFinished

Ask = Callable[..., list[tuple[object, ...]]]
SCHEMA = {"schema": "filled"}


class State(Enum):
    NEW = "new"
    SENT = "sent off"


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "fill_raw"
    __table_args__ = SCHEMA
    code: str | None = Field(default=None, sa_type=Text)


class Country(ReferenceTableMixin, table=True):
    __tablename__ = "fill_country"
    __table_args__ = SCHEMA
    code: str = Field(primary_key=True, max_length=2, regex="^[A-Z]{2}$")
    name: str = Field(unique=True)


class Customer(TransactionalTableMixin, table=True):
    __tablename__ = "fill_customer"
    __table_args__ = SCHEMA
    id: int | None = column(BigInteger, default=None, primary_key=True, items=lambda: [Identity(always=True)])
    country: str = Field(foreign_key="filled.fill_country.code")
    email: str = Field(unique=True, regex=r"^[a-z]+@[a-z]+\.(com|org)$", max_length=40)
    referred_by: int | None = Field(default=None, foreign_key="filled.fill_customer.id")


class Order(TransactionalTableMixin, table=True):
    __tablename__ = "fill_order"
    __table_args__ = SCHEMA
    customer: int = Field(primary_key=True, foreign_key="filled.fill_customer.id")
    number: int = Field(primary_key=True)
    token: UUID = Field(unique=True)
    before: UUID | None = Field(default=None, foreign_key="filled.fill_order.token")
    state: State = column(values=State)
    channel: Literal["web", "shop"] = column(values=("web", "shop"))
    total: Decimal = Field(max_digits=9, decimal_places=2, ge=0, multiple_of=0.05)
    share: float = column(ge=0, le=1, check="share <= 0.9")
    day: date
    clock: time
    placed: datetime
    tags: list[str] = Field(sa_type=array_of(Text))
    more: dict[str, Any] = Field(sa_type=JSON)
    good: bool
    status: str = "open"
    taxed: Decimal | None = column(computed="total * 2", max_digits=12, decimal_places=2)


TABLES = (Order, Customer, Country, Raw)
KIT = Datakit(name="filled", version="1", tables=TABLES)


def test_all_tables_are_filled_and_every_row_keeps_the_contract(database: Target, ask: Ask) -> None:
    events: list[object] = []
    rows: dict[type[SQLModel], int] = {Country: 30, Customer: 500, Order: 3000, Raw: 10}
    done = fill(KIT, database, rows=rows, seed=1, on_event=events.append)
    assert {load.table: (load.read, load.loaded, load.rejected) for load in done.loads} == {
        "filled.fill_country": (30, 30, 0),
        "filled.fill_customer": (500, 500, 0),
        "filled.fill_order": (3000, 3000, 0),
        "filled.fill_raw": (10, 10, 0),
    }
    assert len([event for event in events if isinstance(event, LoadFinished)]) == 4
    joined = "filled.fill_order o JOIN filled.fill_customer c ON c.id = o.customer"
    ((orders, customers, countries),) = ask(
        database, f"SELECT count(*), count(DISTINCT o.customer), count(DISTINCT c.country) FROM {joined}"
    )
    assert (orders, customers, countries) == (3000, 500, 30)
    (before,) = ask(database, "SELECT count(*) FROM filled.fill_order WHERE before IS NOT NULL")
    assert before == (2999,)
    assert len(ask(database, "SELECT DISTINCT state, channel, status FROM filled.fill_order")) > 4
    # The database goes on counting where it left off.
    more = "(country, email) SELECT min(code), 'new' FROM filled.fill_country"
    ask(database, f"INSERT INTO filled.fill_customer {more}")


def test_the_same_seed_fills_with_the_same_rows(database: Target, ask: Ask) -> None:
    query = "SELECT token, number, state::text, total, day, tags FROM filled.fill_order ORDER BY token"
    found = []
    for seed in (1, 2, 1):
        fill(KIT, database, rows={Country: 5, Customer: 5, Order: 50}, seed=seed)
        found.append(ask(database, query))
        ask(database, "TRUNCATE filled.fill_order, filled.fill_customer, filled.fill_country")
    assert found[0] == found[2] != found[1]


def test_another_mode_makes_the_tables_anew(database: Target, ask: Ask) -> None:
    kit = Datakit(name="filled", version="1", tables=(Country,))
    fill(kit, database, rows=20)
    with pytest.raises(ContractError, match="already there"):
        fill(kit, database, rows=20)
    fill(kit, database, rows=10, seed=2, mode=Replace())
    # A table of references keeps what is out of use.
    assert ask(database, "SELECT count(*) FROM filled.fill_country WHERE inactivated_at IS NULL") == [(10,)]


def test_declared_rows_are_referred_to_and_left_alone(database: Target, ask: Ask) -> None:
    declared = Rows(model=Country, rows=[Country(code="AA", name="A"), Country(code="BB", name="B")])
    kit = Datakit(name="filled", version="1", tables=TABLES, rows=(declared,))
    fill(kit, database, rows=40)
    assert ask(database, "SELECT DISTINCT country FROM filled.fill_customer ORDER BY 1") == [("AA",), ("BB",)]
    assert run_datakit(kit, database).deployment is not None


def test_a_single_parent_is_read_back_too(database: Target, ask: Ask) -> None:
    rows: dict[type[SQLModel], int] = {Country: 1, Customer: 1, Order: 3}
    assert list(plan_filling(KIT, None, rows=rows).counts.values()) == [1, 1, 3]
    assert fill(KIT, database, rows=rows).loaded == 5
    assert ask(database, "SELECT count(DISTINCT customer) FROM filled.fill_order") == [(1,)]


def test_values_can_be_given(database: Target, ask: Ask) -> None:
    fixed: dict[type[SQLModel], Any] = {Country: {"name": lambda row, _random: f"the {row['code']}"}}
    fill((Country,), database, rows=12, fixed=fixed)
    assert ask(database, "SELECT count(*) FROM filled.fill_country WHERE name = 'the ' || code") == [(12,)]


class Chicken(BaseMixin, table=True):
    __tablename__ = "fill_chicken"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True)
    out_of: int | None = Field(default=None, foreign_key="filled.fill_egg.id")


class Egg(BaseMixin, table=True):
    __tablename__ = "fill_egg"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True)
    state: State
    laid_by: int | None = Field(default=None, foreign_key="filled.fill_chicken.id")


def test_a_circle_is_cut_where_a_key_may_be_null(database: Target, ask: Ask) -> None:
    fill((Chicken, Egg), database, rows=50)
    refers = (
        "SELECT count(out_of) FROM filled.fill_chicken UNION ALL SELECT count(laid_by) FROM filled.fill_egg"
    )
    assert sorted(n > 0 for (n,) in ask(database, refers)) == [False, True]  # type: ignore[operator]


class Stranger(SQLModel, table=True):
    __tablename__ = "fill_stranger"
    id: int = Field(primary_key=True)


def test_what_cannot_be_made_up_is_refused_before_anything_is_done(database: Target, ask: Ask) -> None:
    with pytest.raises(DeclarationError, match=r"fill_customer\.country: .* no rows of filled\.fill_country"):
        fill(KIT, database, rows={Customer: 1})
    with pytest.raises(DeclarationError, match=r"fill_country\.code: .* 677 rows .* 676 are known"):
        fill(KIT, database, rows=677)
    with pytest.raises(DeclarationError, match="fill_stranger is not among the tables of datakit 'filled'"):
        fill(KIT, database, rows=1, fixed={Stranger: {"id": 1}})
    assert ask(database, "SELECT 1 FROM pg_namespace WHERE nspname = 'filled'") == []


def test_rows_are_made_as_they_are_loaded() -> None:
    plan = plan_filling(KIT, None, rows={Country: 600, Order: 10**9, Customer: 10**9})
    assert plan.counts == {
        "filled.fill_country": 600,
        "filled.fill_customer": 10**9,
        "filled.fill_order": 10**9,
    }
    source: Any = next(load.source for load in plan.datakit.loads if load.table is Customer)
    rows = source.rows()
    peaks = []
    for _ in range(2):
        tracemalloc.start()
        for _ in range(5_000):
            next(rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 3_000_000
