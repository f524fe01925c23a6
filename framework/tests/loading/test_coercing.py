"""What rules declare is converted and counted, and columns that nobody announced are told, not taken."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    Coerce,
    CsvSource,
    Datakit,
    Load,
    QuerySource,
    Target,
    run_datakit,
)
from sqlmodel_framework.errors import ContractError, DeclarationError
from sqlmodel_framework.runs.result import LoadResult, addition

Ask = Callable[..., list[tuple[object, ...]]]


class Item(SQLModel, table=True):
    __tablename__ = "coerced_item"
    __table_args__ = {"schema": "coercing"}
    id: int = Field(primary_key=True)
    name: str | None = Field(default=None, max_length=4)
    price: int | None = Field(default=None, ge=0)
    sold: date | None = None


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "coerced_raw"
    __table_args__ = {"schema": "coercing"}
    id: str | None = None


def load_of(text: str, **more: Any) -> Load:
    source = CsvSource(open=lambda: io.BytesIO(text.encode()), name="items.csv", null="")
    return Load(**{"table": Item, "name": "items", "layer": "silver", "source": source, **more})


def load(target: Target, text: str, **more: Any) -> LoadResult:
    kit = Datakit(name="coercing", version="1", tables=(Item, Raw), loads=(load_of(text, **more),))
    return run_datakit(kit, target).loads[0]


PRICE = Coerce(column="price", trim=True, nulls=("NA",), values={"free": "0"}, because="typed by hand")
NAME = Coerce(column="name", cut=True, because="the till has no end")
ITEMS = "SELECT id, name, price, sold FROM coercing.coerced_item ORDER BY id"


def test_declared_conversions_are_made_and_counted(database: Target, ask: Ask) -> None:
    text = "id,name,price\n1,apples, 7\u00a0\n2,é,NA\n3,,free\n4,a,many\n5,b,-1\n6,c,6\n"
    done = load(database, text, contract="coerce", rules=(PRICE, NAME))
    assert ask(database, ITEMS) == [
        (1, "appl", 7, None),
        (2, "é", None, None),
        (3, None, 0, None),
        (6, "c", 6, None),
    ]
    assert done.kept == {PRICE.text: 3, NAME.text: 1}
    assert done.reasons == {"price is not a valid integer": 1, "price is not >= 0": 1}
    # As they were offered.
    assert ask(database, "SELECT row_values ->> 'price' FROM datakit.quarantine ORDER BY position") == [
        ("many",),
        ("-1",),
    ]


def test_keys_that_become_the_same_come_twice(database: Target) -> None:
    rule = Coerce(column="id", values={"one": "1"}, because="written out")
    done = load(database, "id\none\n1\n2\n", contract="coerce", rules=(rule,))
    assert (done.accepted, done.reasons) == (1, {"key (id) comes more than once": 2})


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"contract": "coerce"}, "needs rules that are Coerce"),
        ({"rules": (PRICE,)}, "needs rules that are Coerce"),
        (
            {"contract": "coerce", "rules": (Coerce(column="price", cut=True, because="x"),)},
            "price has no longest text",
        ),
        (
            {"contract": "coerce", "rules": (Coerce(column="colour", trim=True, because="x"),)},
            "a rule names the column 'colour'",
        ),
        ({"contract": "evolve", "table": Raw}, "keeps rows as they come"),
        ({"contract": "evolve", "source": QuerySource(Item.__table__.select())}, "outside of the target"),  # type: ignore[attr-defined]
    ],
)
def test_what_does_not_fit_together_is_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(DeclarationError, match=what):
        load_of("id\n1\n", **more)


def test_a_rule_that_converts_nothing_is_refused() -> None:
    with pytest.raises(DeclarationError, match="Coerce of column 'a' converts nothing"):
        Coerce(column="a", because="x")


NEW = """id,whole,number,good,day,moment,words,none
1,1,1.5,true,2024-02-29,2024-02-29 12:00+01,a,
2,,2,f,,,1,
"""
TYPES = {
    "whole": "bigint",
    "number": "numeric",
    "good": "boolean",
    "day": "date",
    "moment": "timestamp with time zone",
    "words": "text",
    "none": "text",
}


def test_new_columns_are_told_with_a_type_and_not_taken(database: Target, ask: Ask) -> None:
    done = load(database, NEW, contract="evolve")
    assert (done.loaded, done.new_columns) == (2, TYPES)
    assert ask(database, "SELECT new_columns FROM datakit.load") == [(TYPES,)]
    assert ask(database, ITEMS) == [(1, None, None, None), (2, None, None, None)]
    assert [addition(*each) for each in done.new_columns.items()] == [
        "whole: int | None = None",
        "number: Decimal | None = None",
        "good: bool | None = None",
        "day: date | None = None",
        "moment: datetime | None = None",
        "words: str | None = None",
        "none: str | None = None",
    ]


def test_without_news_evolve_does_as_quarantine(database: Target) -> None:
    done = load(database, "id,price\n1,1\n2,-1\n", contract="evolve")
    assert (done.loaded, done.rejected, done.new_columns) == (1, 1, {})


def test_otherwise_a_new_column_is_a_broken_header(database: Target, ask: Ask) -> None:
    for contract in ("enforce", "quarantine"):
        with pytest.raises(ContractError, match="the column 'colour' is not in coercing.coerced_item"):
            load(database, "id,colour\n1,red\n", contract=contract)
    with pytest.raises(ContractError, match="the column id is missing"):
        load(database, "colour\nred\n", contract="evolve")
