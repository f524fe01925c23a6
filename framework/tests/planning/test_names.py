"""Any name that a database takes is deployed as it is written, and found again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import CheckConstraint, Column, Index, Integer, String, UniqueConstraint

from .conftest import Model, Place, model

# What at least one of the databases refuses in a name: the null character, characters beyond the first
# 65,536, and a blank at the end. Names that differ by case alone are one name to some.
NAMES = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_characters="\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=20,
).filter(lambda name: name == name.strip() and len(name.encode()) <= 60 and not name.startswith("pg_"))


def named(table: str, column: str, made_up: str, *, more: bool) -> Model:
    code = Column(column, String(10))
    arguments = (
        [Index(f"{made_up}i", code), UniqueConstraint(column, f"{column}2", name=f"{made_up}u")]
        if more
        else []
    )
    columns: list[Column[Any]] = [
        Column("id", Integer, primary_key=True),
        code,
        Column(f"{column}2", Integer),
    ]
    return model(table, *columns, arguments=arguments)


def check(place: Place, table: str, column: str, made_up: str) -> None:
    place.clear()
    place.deploy(named(table, column, made_up, more=False))
    changes = place.deploy(named(table, column, made_up, more=True)).changes
    assert len(changes) == 2
    again = place.deploy(named(table, column, made_up, more=True))
    assert not again.changed
    assert again.undeclared == ()
    assert place.table_names("shop") == [table]


@pytest.mark.capability("plan: any name")
@pytest.mark.parametrize(
    "name", ["select", "It's", 'a"b', "a`b", "a%sb", "%(x)s", "a:b", "a\\b", "a.b", "Ünïcode", "a b;--"]
)
def test_a_name_that_could_be_taken_for_something_else_is_a_name(place: Place, name: str) -> None:
    check(place, name, name, name)


@pytest.mark.capability("plan: any name")
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=NAMES, column=NAMES.filter(lambda name: name.lower() not in ("id", "id2")), made_up=NAMES)
def test_any_name_is_deployed_as_it_is_written(place: Place, table: str, column: str, made_up: str) -> None:
    check(place, table, column, made_up)


def quote(place: Place, name: str) -> str:
    engine = place.engine
    with engine.connect() as connection:
        return connection.dialect.identifier_preparer.quote_identifier(name)


@pytest.mark.capability("plan: checks")
def test_a_check_may_say_anything(place: Place) -> None:
    def checked(words: str) -> Model:
        code = Column("co de", String(10))
        quoted = quote(place, code.name)
        return model(
            "item",
            Column("id", Integer, primary_key=True),
            code,
            arguments=[CheckConstraint(f"{quoted} <> '{words}'", name="good")],
        )

    for words in ("a, (b", "it''s )", "`", '"', "CHECK", " 100% "):
        assert place.deploy(checked(words)).changed
        assert not place.deploy(checked(words)).changed
