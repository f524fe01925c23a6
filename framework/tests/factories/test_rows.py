"""Rows that keep to everything that their table declares."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from itertools import islice
from random import Random
from types import new_class
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import pytest
from annotated_types import Gt
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKeyConstraint,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BaseMixin,
    BronzeTableMixin,
    Partitions,
    ReferenceTableMixin,
    TransactionalTableMixin,
    array_of,
    column,
    make_rows,
    sql_type,
)
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.errors import DeclarationError, TerminalError

SCHEMA = {"schema": "made"}
seeds = st.integers(min_value=-(2**70), max_value=2**70)


class Colour(Enum):
    RED = "red"
    SKY_BLUE = "sky-blue"


class Address(BaseModel):
    street: str
    number: int = Field(ge=1)
    since: date


class Everything(ReferenceTableMixin, table=True):
    __tablename__ = "made_everything"
    __table_args__ = SCHEMA
    code: str = Field(primary_key=True, max_length=7, regex="^[A-Z]{2}-[0-9]{3,4}$")
    number: int = Field(unique=True, ge=1000, multiple_of=5)
    token: UUID = Field(default_factory=uuid4, unique=True)
    word: str = Field(max_length=3)
    long: str = Field(min_length=30)
    small: int = Field(sa_type=SmallInteger)
    big: int = Field(sa_type=BigInteger, gt=2**40, lt=2**40 + 10)
    negative: int = Field(lt=0)
    maybe: Annotated[int, Gt(7)] | None = None
    share: float = Field(gt=0, lt=1)
    third: float = Field(multiple_of=0.25, le=2)
    real: float = Field(sa_type=Double)
    amount: Decimal = Field(max_digits=6, decimal_places=2, ge=Decimal("0.05"))  # type: ignore[call-overload]
    whole: int = Field(sa_type=Numeric(12))
    precise: Decimal = Field(sa_type=Numeric(40, 30))
    rest: Decimal
    good: bool
    data: bytes = Field(sa_type=LargeBinary, max_length=3)
    day: date = Field(gt=date(2020, 2, 28), le=date(2020, 3, 1))  # type: ignore[call-overload]
    moment: datetime = Field(ge=datetime(2021, 1, 1, 0, 0, 0, 1, tzinfo=UTC))  # type: ignore[call-overload]
    clock: time
    span: timedelta = Field(sa_type=Interval, lt=timedelta(seconds=2))  # type: ignore[call-overload]
    colour: Colour = column(values=Colour)
    kind: Literal["a", "b"] = column(values=("a", "b"))
    size: str = column(values=("S", "M", "L"), check=lambda size: size.in_(["M", "L", "XL"]))
    score: int = column(check=lambda score: score.between(3, 9))
    rank: int = column(check="rank >= 3 AND rank < 5")
    level: float = column(check="level between -1.5 and 0")
    document: dict[str, Any] = Field(sa_type=JSON)
    anything: dict = Field(sa_type=JSON)  # type: ignore[type-arg]
    address: Address = Field(sa_type=JSON)
    numbers: list[int] = Field(sa_type=array_of(BigInteger))
    note: str | None = Field(default=None, sa_type=Text)


def of_everything(count: int, **more: Any) -> list[dict[str, Any]]:
    return list(make_rows(Everything, count, **more))


@given(seed=seeds)
@settings(max_examples=15)
def test_every_row_is_valid(seed: int) -> None:
    rows = of_everything(60, seed=seed)
    for row in rows:
        # Validation knows the field's bounds; the checks are the table's.
        Everything(**row)
        assert row["small"] < 2**15
        assert row["size"] in ("M", "L")
        assert row["score"] in range(3, 10)
        assert row["rank"] in (3, 4)
        assert -1.5 <= row["level"] <= 0
        assert row["precise"].as_tuple().exponent >= -30
        assert row["day"] in (date(2020, 2, 29), date(2020, 3, 1))
    for key in ("code", "number", "token"):
        assert len({row[key] for row in rows}) == 60
    assert {row["colour"] for row in rows} == set(Colour)


def test_what_the_database_fills_is_left_out() -> None:
    (row,) = of_everything(1)
    filled = {"created_at", "updated_at", "loaded_at", "inactivated_at"}
    assert row.keys() == {each.name for each in table_of(Everything).columns} - filled


def test_what_may_be_null_sometimes_is() -> None:
    notes = [row["note"] for row in of_everything(1000)]
    assert 50 < notes.count(None) < 200


def test_the_first_rows_are_the_same_however_many_there_are() -> None:
    rows = of_everything(2500, seed=3)
    assert of_everything(1234, seed=3)[:1000] == rows[:1000]
    assert of_everything(2500, seed=4) != rows


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from test_rows import Everything, make_rows
print(list(make_rows(Everything, 20, seed=5)))
"""


def test_another_process_makes_the_same_rows() -> None:
    folder = os.path.dirname(__file__)
    made = set()
    for hash_seed in ("0", "4294967295"):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(folder=folder)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        made.add(done.stdout)
    assert made == {f"{of_everything(20, seed=5)}\n"}


class Customer(SQLModel, table=True):
    __tablename__ = "made_customer"
    __table_args__ = SCHEMA
    code: str = Field(primary_key=True, max_length=8)
    name: str


class Product(SQLModel, table=True):
    __tablename__ = "made_product"
    __table_args__ = SCHEMA
    id: int | None = Field(default=None, primary_key=True)
    category: int | None = Field(default=None, foreign_key="made.made_product.id")


class Order(TransactionalTableMixin, table=True):
    __tablename__ = "made_order"
    __table_args__ = SCHEMA
    customer: str = Field(primary_key=True, foreign_key="made.made_customer.code")
    number: int = Field(primary_key=True)
    token: UUID = Field(unique=True)
    product: int | None = Field(default=None, foreign_key="made.made_product.id")
    day: date


class Line(BaseMixin, table=True):
    __tablename__ = "made_line"
    __table_args__ = SCHEMA
    customer: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=SmallInteger)
    payer: str = Field(foreign_key="made.made_customer.code")

    @classmethod
    def __table_parts__(cls) -> list[SchemaItem]:
        own = ["customer", "number"]
        return [
            ForeignKeyConstraint(own, [table_of(Order).c.customer, table_of(Order).c.number]),
            ForeignKeyConstraint(["customer"], [table_of(Customer).c.code]),
            UniqueConstraint(*own, "payer"),
        ]


@given(seed=seeds, customers=st.integers(1, 30), orders=st.integers(1, 300), lines=st.integers(0, 300))
@settings(max_examples=40)
def test_foreign_keys_name_rows_that_are_made(seed: int, customers: int, orders: int, lines: int) -> None:
    codes = [row["code"] for row in make_rows(Customer, customers, seed=seed)]
    made = list(make_rows(Order, orders, seed=seed, parents={Customer: customers}))
    assert {row["customer"] for row in made} <= set(codes)
    # No product is known, and none has to be.
    assert {row["product"] for row in made} == {None}
    keys = [(row["customer"], row["number"]) for row in made]
    assert len(set(keys)) == orders
    parents: dict[type[SQLModel], Any] = {Order: orders, Customer: customers}
    if lines > orders * customers:
        with pytest.raises(DeclarationError, match=r"key \(customer, number, payer\)"):
            make_rows(Line, lines, seed=seed, parents=parents)
        return
    many = list(make_rows(Line, lines, seed=seed, parents=parents))
    assert {(row["customer"], row["number"]) for row in many} <= set(keys)
    assert {row["payer"] for row in many} <= set(codes)
    assert len({(row["customer"], row["number"], row["position"]) for row in many}) == lines
    assert len({(row["customer"], row["number"], row["payer"]) for row in many}) == lines


def test_rows_refer_to_those_that_are_given() -> None:
    customers: list[Any] = [Customer(code="a", name="A"), {"code": "b"}]
    products = [Product(id=7)]
    made = make_rows(Order, 50, parents={Customer: customers, Product: products})
    rows = list(made)
    assert {row["customer"] for row in rows} == {"a", "b"}
    assert {row["product"] for row in rows} == {7, None}
    with pytest.raises(DeclarationError, match=r"made\.made_product: row 1 .* has no id"):
        make_rows(Order, 1, parents={Customer: customers, Product: [Product()]})


class Employee(SQLModel, table=True):
    __tablename__ = "made_employee"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True)
    boss: int | None = Field(default=None, foreign_key="made.made_employee.id")
    mentor: int = Field(foreign_key="made.made_employee.id")


@given(seed=seeds, count=st.integers(1, 1500))
@settings(max_examples=20)
def test_a_row_refers_to_an_earlier_one_of_its_own_table(seed: int, count: int) -> None:
    seen: set[int] = set()
    for row in make_rows(Employee, count, seed=seed):
        assert row["boss"] is None if not seen else row["boss"] in seen
        seen.add(row["id"])
        assert row["mentor"] in seen


class Shift(BaseMixin, table=True):
    __tablename__ = "made_shift"
    __table_args__ = SCHEMA
    day: date = Field(primary_key=True)
    early: bool = Field(primary_key=True)
    starts: time
    hours: int = Field(ge=1, le=12)
    ends: int

    @classmethod
    def __table_parts__(cls) -> list[SchemaItem]:
        return [
            CheckConstraint("ends >= hours", name="ends_later"),
            UniqueConstraint("early", "starts"),
        ]


def test_a_check_that_is_more_than_bounds_is_left_to_a_callable() -> None:
    with pytest.raises(DeclarationError, match=r"made\.made_shift\.ends: .* the check ends_later") as caught:
        make_rows(Shift, 1)
    assert (caught.value.table, caught.value.column) == ("made.made_shift", "ends")
    assert "ends=lambda row, random: ..." in str(caught.value.hint)

    def ends(row: dict[str, Any], random: Random) -> int:
        return int(row["hours"]) + random.randrange(3)

    rows = list(make_rows(Shift, 100, ends=ends))
    assert all(row["hours"] <= row["ends"] <= row["hours"] + 2 for row in rows)
    assert rows == list(make_rows(Shift, 100, ends=ends))
    assert len({(row["early"], row["starts"]) for row in rows}) == 100


def test_a_value_for_all_rows_leaves_the_rest_of_a_key_to_differ() -> None:
    rows = list(make_rows(Shift, 500, early=True, ends=99))
    assert {(row["early"], row["ends"]) for row in rows} == {(True, 99)}
    assert len({row["day"] for row in rows}) == 500
    with pytest.raises(DeclarationError, match=r"made_shift\.day: .* 3 rows would .* and 2 are known"):
        make_rows(Shift, 3, day=date(2024, 1, 1), ends=99)


def test_children_know_keys_that_a_callable_made() -> None:
    numbers = iter(range(1000))
    customers = list(make_rows(Customer, 5, code=lambda _row, _random: f"c{next(numbers)}"))
    rows = list(make_rows(Order, 40, parents={Customer: customers}))
    assert {row["customer"] for row in rows} == {f"c{number}" for number in range(5)}


class Few(SQLModel, table=True):
    __tablename__ = "made_few"
    __table_args__ = SCHEMA
    code: str = Field(primary_key=True, max_length=1, regex="^[A-Za-z]$")


def test_a_key_has_no_more_rows_than_values() -> None:
    assert len({row["code"].casefold() for row in make_rows(Few, 26)}) == 26
    with pytest.raises(DeclarationError, match=r"made_few\.code: .* 27 rows would need .* and 26 are known"):
        make_rows(Few, 27)


class Chicken(SQLModel, table=True):
    __tablename__ = "made_chicken"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True)
    of: int = Field(foreign_key="made.made_product.id")


class Puzzle(SQLModel, table=True):
    __tablename__ = "made_puzzle"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True)
    twice: str = Field(regex=r"^(\w+) \1$")


class Nowhere(SQLModel, table=True):
    __tablename__ = "made_nowhere"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True, gt=5, lt=6)


def test_what_cannot_be_made_up_is_refused_before_the_first_row() -> None:
    for table, words in (
        (Puzzle, r"made_puzzle\.twice: .* match"),
        (Nowhere, r"made_nowhere\.id: .* nothing"),
    ):
        with pytest.raises(DeclarationError, match=words):
            make_rows(table, 1)
    with pytest.raises(DeclarationError, match=r"made_order\.customer: .* no rows of made\.made_customer"):
        make_rows(Order, 1)
    with pytest.raises(DeclarationError, match=r"made_chicken\.of: .* no keys of made\.made_product"):
        make_rows(Chicken, 1, parents={Product: 3})
    with pytest.raises(DeclarationError, match="no column 'pirce'"):
        make_rows(Puzzle, 1, pirce=3)
    for count in (-1, True, 1.5):
        with pytest.raises(DeclarationError, match="is no number of rows"):
            make_rows(Puzzle, count, twice="a a")  # type: ignore[arg-type]
    assert [row["twice"] for row in make_rows(Puzzle, 2, twice="a a")] == ["a a", "a a"]


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "made_raw"
    __table_args__ = SCHEMA
    code: str | None = Field(default=None, sa_type=Text)


def test_a_bronze_table_gets_its_own_columns() -> None:
    assert [row.keys() for row in make_rows(Raw, 2)] == [{"code"}] * 2


def test_millions_of_rows_need_no_memory_and_no_end() -> None:
    rows = make_rows(Order, 10**12, parents={Customer: 10**9})
    assert len({row["token"] for row in islice(rows, 5000)}) == 5000


PATTERNS = [
    r"^\d{4}$",
    r"[a-f0-9]{8}",
    r"^(north|south)-\w+$",
    r"^[^x]{2,5}$",
    r"\bword\b",
    r"^a.c?$",
    r"^\S+@\S+\.com$",
    r"^(?i:[a-z])\W\D\s?$",
]


def matching(number: int, pattern: str) -> type[SQLModel]:
    fields: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"id": int, "text": str},
        "__tablename__": f"made_matching_{number}",
        "id": Field(primary_key=True),
        "text": Field(regex=pattern, unique=True),
    }
    return new_class(f"Matching{number}", (SQLModel,), {"table": True}, lambda names: names.update(fields))


@pytest.mark.parametrize("table", [matching(*each) for each in enumerate(PATTERNS)])
def test_texts_match_their_pattern(table: type[SQLModel]) -> None:
    pattern = PATTERNS[int(str(table.__tablename__).rpartition("_")[2])]
    count = 1 if "word" in pattern else 2 if "a.c" in pattern else 30
    for seed in range(20):
        texts = [row["text"] for row in make_rows(table, count, seed=seed)]
        assert all(re.search(pattern, text) for text in texts)
        assert len({text.casefold() for text in texts}) == count


class Unlike(BaseMixin, table=True):
    __tablename__ = "made_unlike"
    __table_args__ = SCHEMA
    id: UUID = Field(primary_key=True, sa_type=Text)
    host: IPv4Address = Field(sa_type=Text, unique=True)
    words: str = Field(sa_type=sql_type("citext", like=Text))
    level: Literal[1, 2, 3] = column(Integer, check=lambda level: level > 1)


def test_types_that_have_no_numbers_are_drawn_from_some_values() -> None:
    rows = list(make_rows(Unlike, 50))
    assert len({row["id"] for row in rows}) == len({row["host"] for row in rows}) == 50
    assert {row["level"] for row in rows} == {2, 3}
    with pytest.raises(DeclarationError, match=r"made_unlike\.host: .* 10,000 rows would need"):
        make_rows(Unlike, 10_000)


class Unknown(BaseMixin, table=True):
    __tablename__ = "made_unknown"
    __table_args__ = SCHEMA
    path: str = Field(primary_key=True, sa_type=sql_type("ltree"))


class Between(BaseMixin, table=True):
    __tablename__ = "made_between"
    __table_args__ = SCHEMA
    word: str = column(primary_key=True, check=lambda word: word >= "m")


class Contrary(BaseMixin, table=True):
    __tablename__ = "made_contrary"
    __table_args__ = SCHEMA
    word: str = Field(primary_key=True, min_length=5, max_length=4)


@pytest.mark.parametrize(
    ("table", "why"),
    [(Unknown, "nothing is known"), (Between, "not on numbers or dates"), (Contrary, "nothing is as long")],
)
def test_texts_that_nothing_is_known_of_are_refused(table: type[SQLModel], why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        make_rows(table, 1)


class Measured(BaseMixin, table=True):
    __tablename__ = "made_measured"
    __table_args__ = SCHEMA
    __partitions__ = Partitions.by_list("kind", parts={"measured_a": ("a",)})
    id: int = Field(primary_key=True)
    kind: str = Field(primary_key=True)


def test_values_without_a_partition_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"made_measured\.kind: .* partitions do not take every value"):
        make_rows(Measured, 1)
    assert list(make_rows(Measured, 1, kind="a")) == [{"id": 1, "kind": "a"}]


def test_without_polyfactory_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polyfactory.factories.pydantic_factory", None)
    with pytest.raises(TerminalError, match="synthetic rows need polyfactory") as caught:
        make_rows(Few, 1)
    assert caught.value.hint == "pip install 'sqlmodel-framework[factories]'"
