"""What a description says of a datakit: its keys, its loads, and every table that a load reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import MetaData, exists, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Field, SQLModel, col
from sqlmodel_framework import (
    BronzeTableMixin,
    Check,
    DatabaseSource,
    Datakit,
    Load,
    QuerySource,
    Reference,
    RowSource,
    TableSource,
    Target,
    View,
    Watermark,
)
from sqlmodel_framework.errors import DeclarationError
from sqlmodel_framework.loading.sources import Source
from sqlmodel_framework.runs.describing import describe


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "described_raw"
    __table_args__ = {"schema": "far"}
    code: str | None = None


class Country(SQLModel, table=True):
    __tablename__ = "described_country"
    __table_args__ = {"schema": "near"}
    code: str = Field(primary_key=True)


class City(SQLModel, table=True):
    __tablename__ = "described_city"
    __table_args__ = {"schema": "near"}
    code: str = Field(primary_key=True)
    country: str = Field(primary_key=True, foreign_key="near.described_country.code")
    capital_of: str | None = Field(default=None, foreign_key="near.described_country.code")


class Person(SQLModel, table=True):
    __tablename__ = "described_person"
    code: str = Field(primary_key=True)
    boss: str | None = Field(default=None, foreign_key="described_person.code")


class Elsewhere(SQLModel, table=True):
    __tablename__ = "described_elsewhere"
    __table_args__ = {"schema": "other"}
    metadata = MetaData()
    code: str = Field(primary_key=True)


RAW, COUNTRY, CITY, PERSON = (
    "far.described_raw",
    "near.described_country",
    "near.described_city",
    "described_person",
)


def rows() -> RowSource:
    return RowSource(rows=lambda: iter(()), name="typed in", system="desk")


def database(watermark: Watermark | None = None) -> DatabaseSource:
    return DatabaseSource(target=Target("postgresql://h/db", name="erp"), table="erp.t", watermark=watermark)


def load(table: type[SQLModel], source: Source, *rules: Reference, name: str = "one") -> Load:
    return Load(table=table, name=name, layer="silver", source=source, rules=rules)


def kit(*loads: Load, views: Iterable[View] = (), **more: Any) -> Datakit:
    return Datakit(
        name="described",
        version="1.2",
        tables=(Raw, Country, City, Person),
        loads=loads,
        views=tuple(views),
        **more,
    )


def reads(source: Source, *rules: Reference, table: type[SQLModel] = Person, **more: Any) -> list[str]:
    return describe(kit(load(table, source, *rules), **more)).loads[0].reads


def test_the_tables_have_their_keys_and_what_they_refer_to() -> None:
    described = describe(kit())
    assert [(table.name, table.key, table.references) for table in described.tables] == [
        (PERSON, ["code"], []),
        (RAW, ["bronze_id"], []),
        (CITY, ["code", "country"], [COUNTRY]),
        (COUNTRY, ["code"], []),
    ]
    assert (described.name, described.version, described.fingerprint) == (
        "described",
        "1.2",
        kit().fingerprint(),
    )


def test_loads_and_checks_keep_their_order() -> None:
    check = Check(name="some", statement=select(func.count()).select_from(Person), because="nobody is there")
    described = describe(
        kit(load(Person, rows(), name="z"), load(Country, rows(), name="a"), checks=(check,))
    )
    assert [each.id for each in described.loads] == ["silver.z", "silver.a"]
    assert described.checks == ["some"]
    assert not described.has_report


def test_a_source_is_told_for_people_and_by_its_kind() -> None:
    seen = describe(
        kit(
            load(Person, rows(), name="a"),
            load(Person, database(), name="b"),
            load(Person, database(Watermark(column="changed_at")), name="c"),
            load(Person, TableSource(Raw), name="d"),
            load(Person, QuerySource(select(col(Raw.code))), name="e"),
        )
    )
    assert [(each.source, each.kind, each.windowed) for each in seen.loads] == [
        ("desk: typed in", "outside", False),
        ("erp: erp.t", "database", False),
        ("erp: erp.t", "database", True),
        (RAW, "table", False),
        ("a query of the target", "query", False),
    ]


def test_a_load_reads_its_source_its_rules_and_its_foreign_keys_but_not_itself() -> None:
    rule = Reference(column="code", to=Person.code, on_missing="keep", because="people live in cities")
    own = Reference(column="code", to=City.code, on_missing="keep", because="a city is a city")
    assert reads(TableSource(Raw), rule, own, table=City) == [PERSON, RAW, COUNTRY]
    assert reads(rows(), table=Person) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (select(col(Country.code)), [COUNTRY]),
        (select(aliased(Country)), [COUNTRY]),
        (select(col(Country.code)).join(City, col(Country.code) == col(City.country)), [CITY, COUNTRY]),
        (
            select(col(Country.code)).where(exists().where(col(City.country) == col(Country.code))),
            [CITY, COUNTRY],
        ),
        (select(col(Country.code)).where(col(Country.code).in_(select(col(Raw.code)))), [RAW, COUNTRY]),
        (select(select(col(City.code)).cte().c.code), [CITY]),
        (select(select(col(City.code)).subquery().c.code), [CITY]),
        (select(select(func.max(col(City.code))).scalar_subquery().label("code")), [CITY]),
        (select(select(col(City.code)).union(select(col(Raw.code))).subquery().c.code), [RAW, CITY]),
        (select(col(Person.code)), []),
        (select(col(Elsewhere.code)), ["other.described_elsewhere"]),
    ],
)
def test_a_query_reads_every_table_that_it_names(query: Any, expected: list[str]) -> None:
    assert reads(QuerySource(query)) == expected


def test_a_view_of_the_datakit_stands_for_the_tables_behind_it() -> None:
    inner = View(name="inner", schema="near", query=select(col(City.code)))
    outer = View(name="outer", query=select(inner.table.c.code, col(Country.code).label("c")))
    written = View(name="written", query="SELECT 1 AS code")
    assert reads(QuerySource(select(outer.table.c.code)), views=(inner, outer)) == [CITY, COUNTRY]
    assert reads(QuerySource(select(written.table)), views=(written,)) == []


def test_a_table_of_another_datakit_is_an_outside_read() -> None:
    described = describe(kit(load(Person, QuerySource(select(col(Elsewhere.code))))))
    assert described.outside_reads == ["other.described_elsewhere"]
    assert described.load_order() == ["silver.one"]


def test_two_loads_of_one_layer_and_one_name_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"'described' cannot be described: two loads are called"):
        describe(kit(load(Person, rows()), load(Country, rows())))


def test_loads_that_wait_for_one_another_are_named() -> None:
    described = describe(
        kit(
            load(Person, QuerySource(select(col(Country.code))), name="people"),
            load(Country, QuerySource(select(col(Person.code))), name="countries"),
        )
    )
    with pytest.raises(
        DeclarationError, match=r"silver\.people waits for silver\.countries waits for silver\.p"
    ):
        described.load_order()
