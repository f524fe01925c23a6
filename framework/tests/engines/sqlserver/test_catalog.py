"""What SQL Server's catalog tells, as shapes: rows as the server gives them, and the questions for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlmodel import Field
from sqlmodel_framework import TemporalTableMixin, TransactionalTableMixin
from sqlmodel_framework.engines.sqlserver import queries
from sqlmodel_framework.engines.sqlserver.catalog import read_snapshot, table_bytes
from sqlmodel_framework.schema.snapshot import (
    ColumnShape,
    Grant,
    RoutineShape,
    Scope,
    SequenceShape,
    Snapshot,
    ViewShape,
)

from .declarations import typed
from .nowhere import DIALECT, OfflineEngine, after, kit, model, objections, plan

QUOTE = DIALECT.identifier_preparer.quote
SHOP = Scope(schemas=frozenset({"shop"}))
QUERIES = {
    name: getattr(queries, name) for name in queries.__all__ if isinstance(getattr(queries, name), str)
}
Rows = Mapping[str, Sequence[tuple[Any, ...]]]


def read(rows: Rows, scope: Scope = SHOP) -> tuple[Snapshot, list[str]]:
    """What is read where the catalog has these rows, by the name of the question; and the questions."""
    asked: list[str] = []

    def fetch(sql: str) -> Sequence[tuple[Any, ...]]:
        asked.append(sql)
        (name,) = (n for n, query in QUERIES.items() if sql.startswith(query.partition("{")[0]))
        return rows.get(name, [])

    return read_snapshot(fetch, QUOTE, scope, "dbo"), asked


def column(name: str, type_: str, length: int = 4, precision: int = 10, scale: int = 0, **more: Any) -> Any:
    """A row of the question for columns, of the table shop.item."""
    told = {
        "collation": None,
        "nullable": False,
        "default": None,
        "computed": None,
        "persisted": None,
        "counts": False,
        "bound": 0,
        "comment": None,
        "own": None,
        "table": "item",
    } | more
    return (
        "shop",
        told["table"],
        name,
        type_,
        told["own"],
        length,
        precision,
        scale,
        told["collation"],
        told["nullable"],
        told["default"],
        told["computed"],
        told["persisted"],
        told["counts"],
        told["bound"],
        told["comment"],
    )


BIN2 = "Latin1_General_100_BIN2"


def test_a_table_is_read_as_it_was_declared_in_whatever_words_the_server_prints_it() -> None:
    shelf = model("shelf", Column("id", Integer, primary_key=True))
    code = Column("code", String(10), nullable=False, server_default="it's", comment="a code")
    item = model(
        "item",
        Column("id", Integer, primary_key=True),
        code,
        Column("shelf", Integer),
        Column("price", Numeric(8, 2), server_default=text("0")),
        Column("made", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("twice", Integer, Computed("id * 2", persisted=True)),
        arguments=(
            ForeignKeyConstraint(["shelf"], ["shop.shelf.id"], name="held", ondelete="SET NULL"),
            CheckConstraint("price BETWEEN 0 AND 100", name="good"),
            CheckConstraint("code IN ('a', 'b') OR shelf IS NULL", name="known"),
            UniqueConstraint("code", "shelf", name="once"),
            Index(
                "by_price",
                code.desc(),
                "shelf",
                unique=True,
                mssql_where=text("price > 0"),
                mssql_include=["price"],
            ),
        ),
        comment="all of them",
    )
    shelf.__table__.to_metadata(item.__table__.metadata)  # type: ignore[attr-defined]
    index = ("shop", "item", "by_price", "NONCLUSTERED", True, False, False, "([price]>(0))", False)
    key = ("shop", "item", "PK__item__1", "CLUSTERED", True, True, False, None, False)
    once = ("shop", "item", "once", "NONCLUSTERED", True, False, True, None, False)
    key_of_shelf = ("shop", "shelf", "PK__shelf__1", "CLUSTERED", True, True, False, None, False)
    found, asked = read(
        {
            "SCHEMAS": [("shop",)],
            "OBJECTS": [("shop", "shelf", "U", 0, None), ("shop", "item", "U", 0, "all of them")],
            "COLUMNS": [
                column("id", "int", counts=True, table="shelf"),
                column("id", "int", counts=True),
                column("code", "nvarchar", 20, 0, collation=BIN2, default="('it''s')", comment="a code"),
                column("shelf", "int", nullable=True),
                column("price", "decimal", 5, 8, 2, nullable=True, default="((0))"),
                column("made", "datetimeoffset", 10, 34, 7, default="(sysdatetimeoffset())"),
                column("twice", "int", nullable=True, computed="([id]*(2))", persisted=True),
            ],
            "INDEXES": [
                (*key_of_shelf, "id", False, False),
                (*key, "id", False, False),
                (*once, "code", False, False),
                (*once, "shelf", False, False),
                (*index, "code", True, False),
                (*index, "shelf", False, False),
                (*index, "price", False, True),
            ],
            "CHECKS": [
                ("shop", "item", "good", "([price]>=(0) AND [price]<=(100))", False),
                ("shop", "item", "known", "(([code]='b' OR [code]='a') OR [shelf] IS NULL)", False),
            ],
            "FOREIGN_KEYS": [
                ("shop", "item", "held", "shelf", "shop", "shelf", "id", "SET_NULL", "NO_ACTION", False)
            ],
        }
    )
    assert found == after(kit(shelf, item))
    assert found.tables["shop.item"].key_name == "PK__item__1"
    assert plan(found, kit(shelf, item)).plan.changes == ()
    # However many tables there are.
    assert len(asked) == len(set(asked)) <= 10


def test_a_table_that_keeps_its_history_is_read_with_its_interval_and_its_trigger() -> None:
    declared = kit(
        typed(TemporalTableMixin, TransactionalTableMixin, amount=(int | None, Field(default=None)))
    )
    expected = after(declared).tables["shop.price"]
    (trigger,) = expected.triggers
    moment = {"table": "price"}
    found, _ = read(
        {
            "SCHEMAS": [("shop",)],
            "OBJECTS": [("shop", "price", "U", 1, None)],
            "COLUMNS": [
                column("id", "int", counts=True, table="price"),
                column("amount", "int", nullable=True, table="price"),
                *(
                    column(name, "datetime2", 8, 27, 7, bound=bound, default=default, **moment)
                    for name, bound, default in (
                        ("valid_from", 1, None),
                        ("valid_to", 2, "(CONVERT([datetime2](7),'9999-12-31 23:59:59.9999999'))"),
                    )
                ),
                *(
                    column(name, "datetimeoffset", 10, 34, 7, default="(sysdatetimeoffset())", **moment)
                    for name in ("created_at", "updated_at")
                ),
            ],
            "INDEXES": [
                ("shop", "price", "k", "CLUSTERED", True, True, False, None, False, "id", False, False)
            ],
            "MODULES": [
                ("shop", trigger, "TR", f"{expected.triggers[trigger].definition}\n", "price", False)
            ],
        }
    )
    shape = found.tables["shop.price"]
    assert shape.versioned
    assert shape.triggers == expected.triggers
    assert {name: c for name, c in shape.columns.items() if c.generated} == {
        "valid_from": ColumnShape("datetime2(7)", False, generated="ROW START"),
        "valid_to": ColumnShape("datetime2(7)", False, generated="ROW END"),
    }
    assert plan(found, declared).plan.changes == ()


def test_what_is_no_table_is_read() -> None:
    procedure = "CREATE PROCEDURE shop.p AS SELECT 1"
    found, _ = read(
        {
            "SCHEMAS": [("shop",)],
            "OBJECTS": [("shop", "v", "V", 0, "a few"), ("shop", "n", "SO", 0, None)],
            "COLUMNS": [column("id", "int", table="v")],
            "MODULES": [
                ("shop", "v", "V", "CREATE VIEW [shop].[v] AS SELECT 1 AS id ;", "v", False),
                ("shop", "p", "P", procedure, "p", False),
            ],
            "SEQUENCES": [("shop", "n", "bigint", 5, 2)],
            "SCHEMA_GRANTS": [("shop", "public", "SELECT")],
            "OBJECT_GRANTS": [("shop", "v", "the reader", "SELECT")],
        }
    )
    assert found.views == {"shop.v": ViewShape("SELECT 1 AS id", comment="a few")}
    # It stands in a table's place.
    assert found.tables["shop.v"].kind == "view"
    assert found.routines == {"shop.p": RoutineShape(procedure)}
    assert found.sequences == {"shop.n": SequenceShape("bigint", 5, 2)}
    assert found.grants == {
        Grant("schema", "shop", "PUBLIC", "SELECT"),
        Grant("table", "shop.v", "the reader", "SELECT"),
    }


def test_a_disabled_index_and_an_untrusted_check_are_told() -> None:
    found, _ = read(
        {
            "OBJECTS": [("shop", "item", "U", 0, None)],
            "COLUMNS": [column("id", "int")],
            "INDEXES": [
                ("shop", "item", "i", "NONCLUSTERED", False, False, False, None, True, "id", False, False)
            ],
            "CHECKS": [("shop", "item", "c", "([id]>(0))", True)],
            "MODULES": [("shop", "t", "TR", "CREATE TRIGGER ...", "item", True)],
        }
    )
    shape = found.tables["shop.item"]
    assert not shape.indexes["i"].valid
    assert not shape.checks["c"].validated
    assert not shape.triggers["t"].enabled


def test_tables_of_the_default_schema_are_called_as_they_are_declared() -> None:
    scope = Scope(tables=frozenset({(None, "item"), ("shop", "part")}))
    found, asked = read(
        {
            "OBJECTS": [
                ("dbo", "item", "U", 0, None),
                ("shop", "part", "U", 0, None),
                # Names that differ by case alone are found as well.
                ("dbo", "Item", "U", 0, None),
            ],
            "FOREIGN_KEYS": [
                ("shop", "part", "k", "item", "dbo", "item", "id", "CASCADE", "SET_DEFAULT", False),
                ("dbo", "item", "k", "other", "dbo", "other", "id", "NO_ACTION", "NO_ACTION", False),
            ],
        },
        scope,
    )
    assert set(found.tables) == {"item", "shop.part"}
    key = found.tables["shop.part"].foreign_keys["k"]
    assert (key.to_table, key.on_delete, key.on_update) == ("item", "CASCADE", "SET DEFAULT")
    assert found.tables["item"].foreign_keys["k"].to_table == "other"
    assert "s.name = N'dbo' AND o.name IN (N'item')" in "".join(asked)


def test_an_empty_scope_asks_nothing() -> None:
    assert read({}, Scope()) == (Snapshot(), [])


def test_the_size_of_tables_is_told_by_their_full_names() -> None:
    found = table_bytes(lambda _sql: [("shop", "item", 8192), ("dbo", "a", 16384)], ["shop.item", "a"], "dbo")
    assert found == {"shop.item": 8192, "a": 16384}


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_question_is_t_sql(name: str) -> None:
    scope = queries.condition(["my shop"], [("dbo", "it's"), ("dbo", "b")])
    assert scope is not None
    sql = QUERIES[name].replace("{scope}", scope).replace("{names}", queries.listed(["it's"]))
    assert "{" not in sql
    assert objections(sql) == []


def test_the_rights_that_are_asked_for_are_asked_in_t_sql() -> None:
    engine = OfflineEngine(answer=lambda _sql: [("shop", "me", 1, 1)])
    engine.check_rights()
    (sql,) = engine.nowhere.asked
    assert objections(sql) == []
