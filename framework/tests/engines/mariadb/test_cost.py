"""What a change of type loses, and what it does to those who use the table."""

import pytest
from sqlmodel_framework.engines.mariadb.cost import effect_of, rewrites, widens
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.snapshot import ColumnShape, IndexShape


@pytest.mark.parametrize(
    ("have", "want"),
    [
        ("int", "bigint"),
        ("int unsigned", "bigint"),
        ("varchar(5)", "varchar(6)"),
        ("char(5)", "varchar(5)"),
        ("varchar(100)", "text"),
        ("text", "longtext"),
        ("decimal(8,2)", "decimal(12,4)"),
        ("float", "double"),
        ("date", "datetime"),
        ("datetime", "datetime(6)"),
        ("enum('a','b')", "enum('b','c','a')"),
        ("json", "longtext"),
    ],
)
def test_a_type_that_holds_all_of_another_loses_nothing(have: str, want: str) -> None:
    assert widens(have, want)
    assert widens(have, have)
    assert not widens(want, have)


@pytest.mark.parametrize(
    ("have", "want"),
    [("int", "int unsigned"), ("decimal(8,2)", "decimal(8,3)"), ("longtext", "json"), ("int", "varchar(20)")],
)
def test_a_type_that_may_not_hold_all_is_looked_at(have: str, want: str) -> None:
    assert not widens(have, want)


def test_what_is_only_noted_in_the_catalog_is_told_from_what_rewrites_the_table() -> None:
    def column(type_: str, *, nullable: bool = True) -> ColumnShape:
        return ColumnShape(type_, nullable)

    assert not rewrites(column("varchar(5)"), column("varchar(60)"))
    assert rewrites(column("varchar(60)"), column("varchar(70)"))
    assert not rewrites(column("enum('a')"), column("enum('a','b')"))
    assert rewrites(column("enum('a')"), column("enum('b','a')"))
    assert rewrites(column("int"), column("bigint"))
    assert rewrites(column("int"), column("int", nullable=False))
    assert rewrites(column("int", nullable=False), column("int"))


def test_a_plan_says_who_has_to_wait() -> None:
    assert "stops its writers" in effect_of(
        Difference("column", "a", "t", ColumnShape("int"), ColumnShape("bigint"))
    )
    assert "beside" in effect_of(Difference("index", "i", "t", want=IndexShape(("a",))))
    assert effect_of(Difference("column", "a", "t", want=ColumnShape("int"))) == ""
