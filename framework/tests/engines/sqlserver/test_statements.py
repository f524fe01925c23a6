"""What is no change of a table alone, compiled for SQL Server and parsed by the grammar of T-SQL."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mssql
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BaseMixin,
    Rows,
)
from sqlmodel_framework.base.partitions import Partitions
from sqlmodel_framework.engines.sqlserver.types import only_grows
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.snapshot import (
    CheckShape,
    Grant,
    RoutineShape,
    SequenceShape,
    TableShape,
    TriggerShape,
    ViewShape,
)

from .declarations import AMOUNT, PLAIN, ROUTINE, TRIGGER, TYPES, circle, history, item, typed, written
from .nowhere import after, kit, objections, plan, statements


@pytest.mark.capability("plan: types", engine="sqlserver", how="compiled")
@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_made_and_told_as_the_catalog_would(name: str) -> None:
    annotation, field, expected = TYPES[name]
    declared = kit(typed(value=(annotation, field)))
    planned = plan(None, declared)
    for sql in statements(planned):
        assert objections(sql) == []
    (shape,) = after(declared).tables.values()
    assert shape.columns["value"].type == expected
    assert any(expected.partition("(")[0] in sql for sql in statements(planned))


@pytest.mark.capability("plan: reference rows", engine="sqlserver", how="compiled")
def test_a_row_is_inserted_with_the_number_that_it_is_given_and_changed() -> None:
    class Base(SQLModel, registry=registry()):
        pass

    class Unit(Base, table=True):
        __tablename__ = "unit"
        __table_args__ = {"schema": "shop"}  # SQLAlchemy's
        id: int = Field(primary_key=True)
        name: str = Field(max_length=9)
        whole: bool

    rows: list[SQLModel] = [Unit(id=1, name="it's", whole=True), Unit(id=2, name="ü", whole=False)]
    declared = kit(Unit, rows=(Rows(model=Unit, rows=rows),))
    created = plan(None, declared)
    inserts = [sql for sql in statements(created) if "INSERT INTO" in sql]
    assert inserts == [
        "SET IDENTITY_INSERT shop.unit ON;\n"
        f"INSERT INTO shop.unit (id, name, whole) VALUES ({values});\n"
        "SET IDENTITY_INSERT shop.unit OFF"
        for values in ("1, 'it''s', 1", "2, N'ü', 0")
    ]
    questions: list[str] = []

    def answer(sql: str) -> list[tuple[int, int]]:
        questions.append(sql)
        return [(0, 1), (1, 0)]

    changed = plan(kit(Unit), declared, answer)
    assert [change.id for change in changed.plan.changes] == [
        "insert row shop.unit (id=1)",
        "update row shop.unit (id=2)",
    ]
    for sql in (*statements(created), *statements(changed)):
        assert objections(sql) == []
    # Compared as text of any letters, too.
    (asked,) = (sql for sql in questions if "EXCEPT" in sql or "INTERSECT" in sql)
    assert "AS NVARCHAR(9))" in asked
    assert "VARCHAR(9)" not in asked.replace("NVARCHAR(9)", "")
    assert statements(changed)[1] == "UPDATE shop.unit SET name=N'ü', whole=0 WHERE shop.unit.id = 2"


@pytest.mark.capability("plan: ledger", engine="sqlserver", how="compiled")
def test_the_ledger_is_made_in_t_sql() -> None:
    planned = plan(None, PLAIN())
    made = [step.sql for step in planned.ledger]
    assert sum(sql.startswith("CREATE TABLE datakit.") for sql in made) == 7
    for sql in made:
        assert objections(sql) == []


def test_a_view_in_the_place_of_another_has_its_rights() -> None:
    right = Grant("table", "shop.v", "reader", "SELECT")
    have = replace(after(PLAIN()), grants=frozenset({right}))
    found = written(
        Difference("view", "shop.v", have=ViewShape("SELECT 1 AS a"), want=ViewShape("SELECT 2 AS a")), have
    )
    assert found == [
        "DROP VIEW shop.v",
        "CREATE VIEW shop.v AS SELECT 2 AS a",
        "GRANT SELECT ON OBJECT::shop.v TO reader",
    ]
    assert [each for sql in found for each in objections(sql)] == []


def test_tables_in_a_circle_are_dropped_in_any_order() -> None:
    gone = [
        sql
        for name, shape in after(circle()).tables.items()
        for sql in written(Difference("table", name, have=shape), after(circle()))
    ]
    assert gone == [
        "ALTER TABLE shop.egg DROP CONSTRAINT egg_to_hen",
        "DROP TABLE shop.egg",
        "ALTER TABLE shop.hen DROP CONSTRAINT hen_to_egg",
        "DROP TABLE shop.hen",
    ]


def test_a_table_goes_with_its_history() -> None:
    have = after(history(**AMOUNT)())
    (sql,) = written(Difference("table", "shop.price", have=have.tables["shop.price"]), have)
    assert objections(sql) == []
    assert "SET (SYSTEM_VERSIONING = OFF);\nDROP TABLE shop.price;\n" in sql
    assert "h.object_id = t.history_table_id" in sql


@pytest.mark.capability("plan: partitions", engine="sqlserver", how="not offered")
def test_a_table_that_others_cut_into_partitions_is_kept_whole() -> None:
    partitions = Partitions.by_range("id", parts={"first": (1, 10), "rest": "DEFAULT"})

    class Base(BaseMixin, registry=registry()):
        pass

    class Day(Base, table=True):
        __table_args__: ClassVar[Any] = {"schema": "shop"}
        __partitions__ = partitions
        id: int = Field(primary_key=True)

    _, create = statements(plan(None, kit(Day)))
    assert create == "CREATE TABLE shop.day (\n  id int IDENTITY(1,1) NOT NULL,\n  PRIMARY KEY (id)\n)"
    assert plan(after(kit(Day)), kit(Day)).plan.changes == ()


@pytest.mark.capability("plan: values of a list", engine="sqlserver", how="compiled")
def test_a_closed_list_of_values_is_text_with_a_check() -> None:
    _, create = statements(plan(None, kit(typed(value=TYPES["closed list"][:2]))))
    assert "CONSTRAINT price_value_is_known CHECK (value = 'blue' OR value = 'red')" in create


PARTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from([String(10), String(300), Text(), mssql.VARCHAR(9)]),
        "default": st.sampled_from([None, "", "a'\\", "ü"]),
        "words": st.sampled_from([None, "x", "it's"]),
        "nullable": st.booleans(),
        "price": st.sampled_from([None, Numeric(8, 2), Numeric(9, 2)]),
        "computed": st.sampled_from([None, "id + 1", "id + 2"]),
        "unique": st.booleans(),
        "check": st.booleans(),
        "index": st.sampled_from([None, ("code",), ("code", "id")]),
        "key": st.booleans(),
    }
)


def put_together(parts: dict[str, Any]) -> Any:
    has_length = not isinstance(parts["type"], Text)
    key = parts["key"] and has_length
    code = Column(
        "code",
        parts["type"],
        primary_key=key,
        nullable=parts["nullable"] and not key,
        server_default=parts["default"],
        comment=parts["words"],
    )
    more = [] if parts["price"] is None else [Column("price", parts["price"])]
    more += [] if parts["computed"] is None else [Column("next", Integer, Computed(parts["computed"]))]
    unique = parts["unique"] and has_length
    arguments: list[Any] = [UniqueConstraint("code", "id", name="once")] if unique else []
    arguments += [CheckConstraint("code <> 'id'", name="good")] if parts["check"] else []
    arguments += [Index("fast", *parts["index"])] if parts["index"] and has_length else []
    return kit(item(*more, code=code, arguments=arguments))


def standing(shape: TableShape) -> set[str]:
    """The names of all that stands on the columns of a table."""
    return {*shape.uniques, *shape.checks, *shape.indexes, "pk__1"}


def set_of_key(shape: TableShape) -> set[str]:
    """The name of the key, if the column `code` is in it."""
    return {"pk__1"} if "code" in shape.primary_key else set()


@pytest.mark.capability("plan: any change of many things", engine="sqlserver", how="compiled")
@settings(max_examples=40, deadline=None)
@given(before=PARTS, then=PARTS)
def test_from_any_declaration_to_any_other_in_t_sql(before: dict[str, Any], then: dict[str, Any]) -> None:
    planned = plan(put_together(before), put_together(then))
    written = statements(planned)
    for sql in written:
        assert objections(sql) == []
    # What goes and comes again does so once.
    assert len(written) == len(set(written))
    assert all(change.steps for change in planned.plan.changes)
    was, will_be = (after(put_together(parts)).tables["shop.item"] for parts in (before, then))
    code, new = was.columns["code"], will_be.columns["code"]
    grows = code.nullable == new.nullable and only_grows(code.type, new.type)
    there = standing(was)
    for sql in written:
        if gone := re.fullmatch(r"(?:DROP INDEX|ALTER TABLE shop\.item DROP CONSTRAINT) (\w+).*", sql):
            there.remove(gone[1])
        elif made := re.match(r"CREATE INDEX (\w+)|ALTER TABLE shop\.item ADD CONSTRAINT (\w+)", sql):
            there.add(made[1] or made[2])
        elif "ADD PRIMARY KEY" in sql:
            there.add("pk__1")
        elif sql.startswith("ALTER TABLE shop.item ALTER COLUMN code"):
            # The server refuses to change what something stands on, unless it only grows.
            assert not (there - {"once", "good", "fast"} if grows else there) - ({"pk__1"} - set_of_key(was))
    assert there == standing(will_be)
    assert plan(after(put_together(then)), put_together(then)).plan.changes == ()


@pytest.mark.parametrize(
    "difference",
    [
        Difference("sequence", "shop.n", want=SequenceShape("bigint", 5, 2)),
        Difference("sequence", "shop.n", have=SequenceShape("bigint"), want=SequenceShape("bigint", 5, 2)),
        Difference("sequence", "shop.n", have=SequenceShape("bigint")),
        Difference("routine", "shop.f", want=RoutineShape(ROUTINE)),
        Difference("routine", "shop.f", have=RoutineShape(ROUTINE)),
        Difference("view", "shop.v", have=ViewShape("SELECT 1 AS a")),
        Difference("grant", "", want=Grant("schema", "shop", "PUBLIC", "SELECT")),
        Difference("grant", "", have=Grant("table", "shop.item", "reader", "SELECT")),
        Difference("check", "good", "shop.item", CheckShape("id > 0", False), CheckShape("id > 0")),
        Difference("trigger", "t", "shop.item", want=TriggerShape(TRIGGER, enabled=False)),
        Difference("trigger", "t", "shop.item", have=TriggerShape(TRIGGER)),
    ],
    ids=lambda difference: f"{difference.kind}, {difference.have} to {difference.want}"[:60],
)
def test_what_is_no_part_of_a_declaration_is_written_in_t_sql(difference: Difference) -> None:
    found = written(difference, after(PLAIN()))
    assert found
    for sql in found:
        assert objections(sql) == []
