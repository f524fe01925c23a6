"""A definition changes whenever a declaration does, and only then."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import registry
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit
from sqlmodel_framework.base.definition import definitions
from sqlmodel_framework.base.tables import table_of


def tables() -> list[Table]:
    """Tables that all differ from the first, each in one thing."""

    def table(*parts: SchemaItem, **options: Any) -> Table:
        return Table("t", MetaData(), Column("id", Integer, primary_key=True), *parts, **options)

    def of(*parts: Any, **options: Any) -> Table:
        return table(Column("code", *parts, **options), Column("other", Integer))

    def beside(part: Index | UniqueConstraint | CheckConstraint) -> Table:
        return table(Column("code", String(3)), Column("other", Integer), part)

    return [
        of(String(3)),
        of(String(4)),
        of(Numeric(3, 1)),
        of(Numeric(3, 2)),
        of(String(3), nullable=False),
        of(String(3), server_default="a"),
        of(String(3), server_default=text("upper('a')")),
        of(String(3), comment="what it is"),
        of(Integer),
        of(Integer, Identity()),
        of(Integer, Identity(always=True)),
        of(Integer, Computed("id + 1")),
        of(Integer, Computed("id + 2")),
        of(Integer, ForeignKey("t.id")),
        of(Integer, ForeignKey("t.id", ondelete="CASCADE")),
        of(Integer, ForeignKey("t.id", deferrable=True)),
        of(String(3), CheckConstraint("code <> 'a'")),
        beside(CheckConstraint("code <> 'b'")),
        beside(UniqueConstraint("code")),
        beside(UniqueConstraint("code", "other")),
        beside(UniqueConstraint("code", name="named")),
        beside(Index("i", "code")),
        beside(Index("i", "other")),
        beside(Index("i", "code", unique=True)),
        beside(Index("i", "code", postgresql_where=text("other > 1"))),
        beside(Index("i", text("lower(code)"))),
        table(Column("code", String(3)), Column("other", Integer), comment="a table"),
        table(Column("code", String(3)), Column("other", Integer), postgresql_partition_by="LIST (code)"),
        table(Column("code", String(3)), Column("other", Integer), schema="elsewhere"),
    ]


def test_whatever_is_declared_is_told_apart() -> None:
    found = [definitions([table])[0] for table in tables()]
    assert len(set(found)) == len(found)


def test_what_is_declared_alike_is_told_alike() -> None:
    assert definitions(tables()) == definitions(reversed(tables()))


def test_no_text_depends_on_the_process() -> None:
    assert not [line for line in definitions(tables()) if " at 0x" in line]


def two_classes(*registries: registry) -> tuple[type[SQLModel], type[SQLModel]]:
    """A class, and one before it in the alphabet that refers to it."""

    class First(SQLModel, registry=registries[0]):
        pass

    class Last(SQLModel, registry=registries[-1]):
        pass

    class Parent(First, table=True):
        __tablename__ = "parent"
        id: int = Field(primary_key=True)

    class Child(Last, table=True):
        __tablename__ = "child"
        id: int = Field(primary_key=True)
        parent: int = Field(foreign_key="parent.id")

    return Parent, Child


def test_the_tables_of_the_classes_come_after_those_that_they_refer_to() -> None:
    parent, child = two_classes(registry())
    assert Datakit(name="k", version="1", tables=(child, parent)).sorted_tables() == [
        table_of(parent),
        table_of(child),
    ]


def test_classes_of_several_metadata_refer_to_each_other_all_the_same() -> None:
    datakit = Datakit(name="k", version="1", tables=two_classes(registry(), registry()))
    parent, child = datakit.sorted_tables()
    assert [key.column.table for key in child.foreign_keys] == [parent]


@pytest.mark.parametrize("registries", [1, 2])
def test_the_fingerprint_does_not_depend_on_whose_metadata_it_is(registries: int) -> None:
    alone, apart = ([registry() for _ in range(number)] for number in (1, registries))
    first, second = (Datakit(name="k", version="1", tables=two_classes(*each)) for each in (alone, apart))
    assert first.fingerprint() == second.fingerprint()


def test_a_type_of_one_database_alone_is_a_part_of_the_definition() -> None:
    def of(kind: Any) -> list[str]:
        return definitions([Table("t", MetaData(), Column("id", kind, primary_key=True))])

    kinds: list[Any] = [mysql.TINYINT(1), mysql.TINYINT(2), mysql.BIT(4), mysql.BIT(5), mysql.YEAR()]
    assert len({tuple(of(kind)) for kind in kinds}) == len(kinds)
    assert of(mysql.BIT(4)) == of(mysql.BIT(4))
