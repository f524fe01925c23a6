"""Every kind of change, compiled for SQL Server and parsed by the grammar of T-SQL; no server is asked."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects import mssql
from sqlalchemy.orm import registry
from sqlalchemy.types import JSON
from sqlmodel import Field
from sqlmodel_framework import (
    Allow,
    BaseMixin,
    ReferenceTableMixin,
    RenameColumn,
    RenameTable,
    Rows,
    TemporalTableMixin,
    TransactionalTableMixin,
    View,
)
from sqlmodel_framework.base.fields import Indexed, array_of, column, json_type

from .nowhere import Model, after, kit, model, objections, plan, statements

Kit = Callable[[], Any]


def item(*more: Any, code: Any = None, arguments: Any = (), **options: Any) -> Model:
    """The table that everything happens to."""
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    code = Column("code", String(10)) if code is None else code
    return model("item", key, code, *more, arguments=arguments, **options)


def with_(*columns: Callable[[], Any], arguments: Callable[[], Any] = tuple, **options: Any) -> Kit:
    return lambda: kit(item(*(each() for each in columns), arguments=arguments(), **options))


def coded(*arguments: Any, parts: Callable[[], Any] = tuple, **more: Any) -> Kit:
    return lambda: kit(item(code=Column("code", *arguments, **more), arguments=parts()))


def typed(*bases: type, **fields: Any) -> Any:
    """A class with these fields, of a table `shop.price`."""

    class Base(BaseMixin, registry=registry()):
        pass

    make: Any = type(BaseMixin)
    annotations = {name: kind for name, (kind, _) in fields.items()}
    return make(
        "Price",
        (Base, *bases),
        {
            "id": Field(primary_key=True),
            **{name: made for name, (_, made) in fields.items()},
            "__annotations__": {"id": int, **annotations},
            "__module__": __name__,
            "__table_args__": {"schema": "shop"},
        },
        table=True,
    )


def history(**fields: Any) -> Kit:
    return lambda: kit(typed(TemporalTableMixin, TransactionalTableMixin, **fields))


def pair(*more: Any, key: Any = ("id",), one: Any = Integer) -> Any:
    first = model("kind", Column("id", one, primary_key=True, autoincrement=False), Column("x", Integer))
    second = model("part", Column("id", Integer, primary_key=True), Column("kind", one), *more)
    return kit(first, second)


def circle() -> Any:
    def named(name: str, to: str) -> Any:
        return ForeignKeyConstraint(["other"], [f"shop.{to}.id"], name=f"{name}_to_{to}", use_alter=True)

    class Base(BaseMixin, registry=registry()):
        pass

    make: Any = type(BaseMixin)
    models = [
        make(
            name.title(),
            (Base,),
            {
                "id": Field(primary_key=True),
                "other": Field(default=None),
                "__annotations__": {"id": int, "other": int | None},
                "__module__": __name__,
                "__table_args__": (named(name, to), {"schema": "shop"}),
            },
            table=True,
        )
        for name, to in (("egg", "hen"), ("hen", "egg"))
    ]
    return kit(*models)


def keyed(*options: Any, **more: Any) -> Kit:
    return lambda: pair(ForeignKeyConstraint(["kind"], ["shop.kind.id"], **more) if False else None)


PLAIN = with_()
AMOUNT = {"amount": (int | None, Field(default=None))}
NOTE = {"note": (str | None, Field(default=None))}


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


TYPES: dict[str, tuple[Any, Any, str]] = {
    "text": (str, Field(), "nvarchar(max)"),
    "text of a length": (str, Field(max_length=9), "nvarchar(9)"),
    "long text of a length": (str, Field(max_length=9000), "nvarchar(max)"),
    "whole number": (int, Field(), "int"),
    "big number": (int, Field(sa_type=BigInteger), "bigint"),
    "float": (float, Field(), "float"),
    "truth": (bool, Field(), "bit"),
    "bytes": (bytes, Field(), "varbinary(max)"),
    "decimal": (Decimal, Field(max_digits=12, decimal_places=4), "decimal(12,4)"),
    "UUID": (UUID, Field(), "uniqueidentifier"),
    "date": (date, Field(), "date"),
    "time": (time, Field(), "time(7)"),
    "time span": (timedelta, Field(), "datetime2(7)"),
    "instant": (datetime, Field(), "datetimeoffset(7)"),
    "JSON": (dict[str, Any], Field(sa_type=json_type()), "nvarchar(max)"),
    "list": (list[str], Field(sa_type=array_of(Text)), "nvarchar(max)"),
    "closed list": (Colour, column(values=Colour), "nvarchar(4)"),
    "named by the server": (str, Field(sa_type=mssql.VARCHAR(7)), "varchar(7)"),
}


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


CHANGES: dict[str, tuple[Kit | None, Kit, list[str], list[str]]] = {
    # What was, what shall be, what is done, and what is among the statements.
    "table": (None, PLAIN, ["create schema shop", "create table shop.item"], ["CREATE SCHEMA shop"]),
    "column": (
        PLAIN,
        with_(lambda: Column("x", Integer)),
        ["add column shop.item.x"],
        ["ALTER TABLE shop.item ADD x int NULL"],
    ),
    "column with default": (
        PLAIN,
        with_(lambda: Column("x", String(9), nullable=False, server_default="it's \\ 5%")),
        ["add column shop.item.x"],
        [
            "ALTER TABLE shop.item ADD x nvarchar(9) COLLATE Latin1_General_100_BIN2 NOT NULL "
            "DEFAULT 'it''s \\ 5%'"
        ],
    ),
    "column with default that may be null": (
        PLAIN,
        with_(lambda: Column("x", Integer, server_default=text("7"))),
        ["add column shop.item.x"],
        [
            "ALTER TABLE shop.item ADD x int NOT NULL DEFAULT 7",
            "ALTER TABLE shop.item ALTER COLUMN x int NULL",
        ],
    ),
    "column with time": (
        PLAIN,
        with_(lambda: Column("x", DateTime, nullable=False, server_default=func.now())),
        ["add column shop.item.x"],
        ["ALTER TABLE shop.item ADD x datetime2(7) NOT NULL DEFAULT sysutcdatetime()"],
    ),
    "column with an instant": (
        PLAIN,
        with_(lambda: Column("x", DateTime(timezone=True), nullable=False, server_default=func.now())),
        ["add column shop.item.x"],
        ["ALTER TABLE shop.item ADD x datetimeoffset(7) NOT NULL DEFAULT sysdatetimeoffset()"],
    ),
    "column of JSON": (PLAIN, with_(lambda: Column("x", JSON)), ["add column shop.item.x"], []),
    "column of true and false": (
        PLAIN,
        with_(lambda: Column("x", Boolean, nullable=False, server_default=text("false"))),
        ["add column shop.item.x"],
        ["ALTER TABLE shop.item ADD x bit NOT NULL DEFAULT 0"],
    ),
    "column of UUIDs": (PLAIN, with_(lambda: Column("x", Uuid)), ["add column shop.item.x"], []),
    "column of bytes": (PLAIN, with_(lambda: Column("x", LargeBinary)), ["add column shop.item.x"], []),
    "column of numbers": (PLAIN, with_(lambda: Column("x", Double)), ["add column shop.item.x"], []),
    "column with comment": (
        PLAIN,
        with_(lambda: Column("x", Text, comment="a 'b' \\ %")),
        ["add column shop.item.x"],
        [
            "EXEC sys.sp_addextendedproperty N'MS_Description', N'a ''b'' \\ %', N'SCHEMA', N'shop', "
            "N'TABLE', N'item', N'COLUMN', N'x'"
        ],
    ),
    "generated column": (
        PLAIN,
        with_(lambda: Column("x", Integer, Computed("id + 1", persisted=True))),
        ["add column shop.item.x"],
        ["ALTER TABLE shop.item ADD x AS (id + 1) PERSISTED"],
    ),
    "another generated column, with an index": (
        with_(
            lambda: Column("x", Integer, Computed("id + 1")),
            arguments=lambda: (Index("by_x", "x"),),
        ),
        with_(
            lambda: Column("x", Integer, Computed("id + 2")),
            arguments=lambda: (Index("by_x", "x"),),
        ),
        ["change column shop.item.x"],
        [
            "DROP INDEX by_x ON shop.item",
            "ALTER TABLE shop.item DROP COLUMN x",
            "ALTER TABLE shop.item ADD x AS (id + 2)",
            "CREATE INDEX by_x ON shop.item (x)",
        ],
    ),
    "counted key": (
        None,
        lambda: kit(model("n", Column("id", BigInteger, Identity(always=True), primary_key=True))),
        ["create schema shop", "create table shop.n"],
        [],
    ),
    "no column": (
        with_(lambda: Column("x", Integer, server_default=text("1"))),
        PLAIN,
        ["drop column shop.item.x"],
        ["ALTER TABLE shop.item DROP COLUMN x"],
    ),
    "wider text": (
        coded(String(10), parts=lambda: (Index("by_code", "code"),)),
        coded(String(20), parts=lambda: (Index("by_code", "code"),)),
        ["change column shop.item.code"],
        ["ALTER TABLE shop.item ALTER COLUMN code nvarchar(20) COLLATE Latin1_General_100_BIN2 NULL"],
    ),
    "narrower text with all that stands on it": (
        coded(
            String(10),
            parts=lambda: (
                Index("by_code", "code"),
                UniqueConstraint("code", name="once"),
                CheckConstraint("code > ''", name="some"),
            ),
        ),
        coded(
            String(5),
            parts=lambda: (
                Index("by_code", "code"),
                UniqueConstraint("code", name="once"),
                CheckConstraint("code > ''", name="some"),
            ),
        ),
        ["change column shop.item.code"],
        [
            "DROP INDEX by_code ON shop.item",
            "ALTER TABLE shop.item DROP CONSTRAINT some",
            "ALTER TABLE shop.item DROP CONSTRAINT once",
            "ALTER TABLE shop.item ALTER COLUMN code nvarchar(5) COLLATE Latin1_General_100_BIN2 NULL",
            "ALTER TABLE shop.item ADD CONSTRAINT some CHECK (code > '')",
            "ALTER TABLE shop.item ADD CONSTRAINT once UNIQUE (code)",
            "CREATE INDEX by_code ON shop.item (code)",
        ],
    ),
    "text without a length": (PLAIN, coded(Text), ["change column shop.item.code"], []),
    "text of a length": (coded(Text), PLAIN, ["change column shop.item.code"], []),
    "not null": (PLAIN, coded(String(10), nullable=False), ["change column shop.item.code"], []),
    "nullable": (coded(String(10), nullable=False), PLAIN, ["change column shop.item.code"], []),
    "default": (
        PLAIN,
        coded(String(10), server_default="a\\'b"),
        ["change column shop.item.code"],
        ["ALTER TABLE shop.item ADD DEFAULT 'a\\''b' FOR code"],
    ),
    "no default": (coded(String(10), server_default="a"), PLAIN, ["change column shop.item.code"], []),
    "another default": (
        coded(String(10), server_default="a"),
        coded(String(10), server_default=text("'ü'")),
        ["change column shop.item.code"],
        ["ALTER TABLE shop.item ADD DEFAULT N'ü' FOR code"],
    ),
    "everything of a column": (
        coded(String(10), server_default="a", comment="x"),
        coded(String(12), nullable=False, server_default="b", comment="y"),
        ["change column shop.item.code"],
        [],
    ),
    "comment on a column": (PLAIN, coded(String(10), comment="it's"), ["change column shop.item.code"], []),
    "another comment on a column": (
        coded(String(10), comment="a"),
        coded(String(10), comment="b"),
        ["change column shop.item.code"],
        [
            "EXEC sys.sp_updateextendedproperty N'MS_Description', N'b', N'SCHEMA', N'shop', "
            "N'TABLE', N'item', N'COLUMN', N'code'"
        ],
    ),
    "no comment on a column": (
        coded(String(10), comment="x"),
        PLAIN,
        ["change column shop.item.code"],
        [
            "EXEC sys.sp_dropextendedproperty N'MS_Description', N'SCHEMA', N'shop', "
            "N'TABLE', N'item', N'COLUMN', N'code'"
        ],
    ),
    "wider number": (
        with_(lambda: Column("n", SmallInteger)),
        with_(lambda: Column("n", BigInteger)),
        ["change column shop.item.n"],
        ["ALTER TABLE shop.item ALTER COLUMN n bigint NULL"],
    ),
    "more digits": (
        with_(lambda: Column("n", Numeric(8, 2))),
        with_(lambda: Column("n", Numeric(12, 4))),
        ["change column shop.item.n"],
        ["ALTER TABLE shop.item ALTER COLUMN n decimal(12,4) NULL"],
    ),
    "key": (
        coded(String(10), nullable=False),
        coded(String(10), primary_key=True),
        ["set primary key shop.item"],
        ["ALTER TABLE shop.item DROP CONSTRAINT PK__1", "ALTER TABLE shop.item ADD PRIMARY KEY (id, code)"],
    ),
    "unique": (
        PLAIN,
        with_(arguments=lambda: (UniqueConstraint("code"),)),
        ["add unique shop.item.(unique: code)"],
        ["ALTER TABLE shop.item ADD UNIQUE (code)"],
    ),
    "named unique": (
        PLAIN,
        with_(arguments=lambda: (UniqueConstraint("code", "id", name="once"),)),
        ["add unique shop.item.once"],
        ["ALTER TABLE shop.item ADD CONSTRAINT once UNIQUE (code, id)"],
    ),
    "check": (
        PLAIN,
        with_(arguments=lambda: (CheckConstraint("id > 0 AND code IN ('a', 'b')", name="good"),)),
        ["add check shop.item.good"],
        ["ALTER TABLE shop.item ADD CONSTRAINT good CHECK (id > 0 AND (code = 'b' OR code = 'a'))"],
    ),
    "index": (
        PLAIN,
        with_(arguments=lambda: (Index("by_code", "code", "id"),)),
        ["add index shop.item.by_code"],
        ["CREATE INDEX by_code ON shop.item (code, id)"],
    ),
    "unique index of some rows, with more columns": (
        PLAIN,
        lambda: kit(
            item(
                arguments=(
                    Index(
                        "by_code",
                        text("code DESC") if False else Column("code", String(10)).desc() if False else "code",
                        unique=True,
                        mssql_where=text("code IS NOT NULL"),
                        mssql_include=["id"],
                    ),
                )
            )
        ),
        ["add index shop.item.by_code"],
        ["CREATE UNIQUE INDEX by_code ON shop.item (code) INCLUDE (id) WHERE code IS NOT NULL"],
    ),
    "another index": (
        with_(arguments=lambda: (Index("by_code", "code"),)),
        with_(arguments=lambda: (Index("by_code", "code", unique=True),)),
        ["replace index shop.item.by_code"],
        ["DROP INDEX by_code ON shop.item", "CREATE UNIQUE INDEX by_code ON shop.item (code)"],
    ),
    "comment": (
        PLAIN,
        with_(comment="all of 'them'"),
        ["set comment shop.item"],
        [
            "EXEC sys.sp_addextendedproperty N'MS_Description', N'all of ''them''', N'SCHEMA', N'shop', "
            "N'TABLE', N'item'"
        ],
    ),
    "no comment": (with_(comment="x"), PLAIN, ["drop comment shop.item"], []),
    "circle": (
        None,
        circle,
        ["create schema shop", "create table shop.egg", "create table shop.hen"],
        [
            "ALTER TABLE shop.egg ADD CONSTRAINT egg_to_hen FOREIGN KEY(other) REFERENCES shop.hen (id)",
            "ALTER TABLE shop.hen ADD CONSTRAINT hen_to_egg FOREIGN KEY(other) REFERENCES shop.egg (id)",
        ],
    ),
    "history": (
        None,
        history(**AMOUNT),
        ["create schema shop", "create table shop.price"],
        [],
    ),
    "column of a history": (
        history(**AMOUNT),
        history(**AMOUNT, **NOTE),
        ["add column shop.price.note", "replace trigger shop.price.price_updated_at"],
        [],
    ),
    "table that begins to keep its history": (
        lambda: kit(typed(**AMOUNT)),
        lambda: kit(typed(TemporalTableMixin, **AMOUNT)),
        [
            "add column shop.price.valid_from",
            "add column shop.price.valid_to",
            "set versioning shop.price",
        ],
        [
            "ALTER TABLE shop.price ADD valid_from datetime2(7) GENERATED ALWAYS AS ROW START NOT NULL "
            "DEFAULT sysutcdatetime(), valid_to datetime2(7) GENERATED ALWAYS AS ROW END NOT NULL "
            "DEFAULT CONVERT(datetime2(7), '9999-12-31 23:59:59.9999999'), "
            "PERIOD FOR SYSTEM_TIME (valid_from, valid_to)",
            "ALTER TABLE shop.price SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = shop.price_history))",
        ],
    ),
    "table that ceases to keep its history": (
        lambda: kit(typed(TemporalTableMixin, **AMOUNT)),
        lambda: kit(typed(**AMOUNT)),
        [
            "drop column shop.price.valid_from",
            "drop column shop.price.valid_to",
            "drop versioning shop.price",
        ],
        ["ALTER TABLE shop.price DROP COLUMN valid_from", "ALTER TABLE shop.price DROP COLUMN valid_to"],
    ),
    "view": (
        PLAIN,
        lambda: kit(item(), views=(View("few", "SELECT id FROM shop.item", schema="shop", comment="a"),)),
        ["create view shop.few"],
        ["CREATE VIEW shop.few AS SELECT id FROM shop.item"],
    ),
    "another view": (
        lambda: kit(item(), views=(View("few", "SELECT id FROM shop.item", schema="shop"),)),
        lambda: kit(item(), views=(View("few", "SELECT id, code FROM shop.item;", schema="shop"),)),
        ["replace view shop.few"],
        ["DROP VIEW shop.few", "CREATE VIEW shop.few AS SELECT id, code FROM shop.item"],
    ),
    "rename of a table": (
        PLAIN,
        lambda: (lambda new: kit(new, renames=(RenameTable("shop.item", new),)))(
            model(
                "thing",
                Column("id", Integer, primary_key=True, autoincrement=False),
                Column("code", String(10)),
            )
        ),
        ["rename table shop.thing"],
        ["EXEC sys.sp_rename N'shop.item', N'thing', N'OBJECT'"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_made_in_t_sql_and_nothing_is_left_to_do(name: str) -> None:
    old, new, actions, expected = CHANGES[name]
    planned = plan(None if old is None else old(), new())
    assert [change.id for change in planned.plan.changes] == actions
    written = statements(planned)
    for sql in (*written, *(step.sql for step in planned.ledger)):
        assert objections(sql) == []
    # In this order, with others between them.
    assert [sql for sql in written if sql in expected] == expected
    assert plan(new(), new()).plan.changes == ()
