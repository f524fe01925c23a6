"""Every kind of change, compiled for SQL Server and parsed by the grammar of T-SQL; no server is asked."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
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
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Allow,
    BaseMixin,
    RenameColumn,
    RenameTable,
    Rows,
    TemporalTableMixin,
    TransactionalTableMixin,
    View,
)
from sqlmodel_framework.base.fields import array_of, column, json_type
from sqlmodel_framework.base.partitions import Partitions
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.sqlserver.ddl import SqlServerDdl
from sqlmodel_framework.engines.sqlserver.types import only_grows
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.snapshot import (
    CheckShape,
    Grant,
    RoutineShape,
    SequenceShape,
    Snapshot,
    TableShape,
    TriggerShape,
    ViewShape,
)

from .nowhere import DIALECT, Model, after, kit, model, objections, plan, statements

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


def related(of: Any = Integer, more: bool = False, once: bool = False, **options: Any) -> list[Model]:
    """A table, and one that refers to it where there are options; on one metadata, where it is found."""
    first = model(
        "kind",
        Column("id", of, primary_key=True, autoincrement=False),
        Column("code", String(3), primary_key=more, nullable=False),
        arguments=[UniqueConstraint("id", name="once")] if once else [],
    )
    keys = [ForeignKeyConstraint(["kind"], ["shop.kind.id"], **options)] if options else []
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    second = model("part", key, Column("kind", of), arguments=keys)
    table_of(first).to_metadata(table_of(second).metadata)
    return [first, second]


def renamed_column() -> Any:
    new = item(Column("z", Integer), arguments=(CheckConstraint("z > 0", name="good"),))
    return kit(new, renames=(RenameColumn(table=new, old="x y", new="z"),))


def renamed_table(name: str, schema: str) -> Any:
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    new = model(name, key, Column("code", String(10)), schema=schema)
    return kit(new, renames=(RenameTable(old="shop.item", to=new),))


def allowed(privileges: tuple[str, ...]) -> Any:
    table = item()
    return kit(table, grants=(Allow(privileges=privileges, on=table, to="the reader"),))


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


def written(difference: Difference, have: Snapshot) -> list[str]:
    """The statements for one difference alone."""
    writer = SqlServerDdl(DIALECT, have)
    writer.expect([difference])
    return [step.sql for step in writer.write(difference)]


PLAIN = with_()
ROUTINE = "CREATE FUNCTION shop.f(@x int) RETURNS int AS BEGIN RETURN @x END"
TRIGGER = "CREATE TRIGGER shop.t ON shop.item AFTER UPDATE AS BEGIN SET NOCOUNT ON; END"
AMOUNT = {"amount": (int | None, Field(default=None))}
CODE = {"code": (str, Field(max_length=3, primary_key=True))}
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
                CheckConstraint("code > ''", name="filled"),
            ),
        ),
        coded(
            String(5),
            parts=lambda: (
                Index("by_code", "code"),
                UniqueConstraint("code", name="once"),
                CheckConstraint("code > ''", name="filled"),
            ),
        ),
        ["change column shop.item.code"],
        [
            "DROP INDEX by_code ON shop.item",
            "ALTER TABLE shop.item DROP CONSTRAINT filled",
            "ALTER TABLE shop.item DROP CONSTRAINT once",
            "ALTER TABLE shop.item ALTER COLUMN code nvarchar(5) COLLATE Latin1_General_100_BIN2 NULL",
            "ALTER TABLE shop.item ADD CONSTRAINT filled CHECK (code > '')",
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
        ["ALTER TABLE shop.item DROP CONSTRAINT pk__1", "ALTER TABLE shop.item ADD PRIMARY KEY (id, code)"],
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
                        "code",
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
        lambda: kit(
            item(), views=(View(name="few", query="SELECT id FROM shop.item", schema="shop", comment="a"),)
        ),
        ["create view shop.few"],
        ["CREATE VIEW shop.few AS SELECT id FROM shop.item"],
    ),
    "another view": (
        lambda: kit(item(), views=(View(name="few", query="SELECT id FROM shop.item", schema="shop"),)),
        lambda: kit(
            item(), views=(View(name="few", query="SELECT id, code FROM shop.item;", schema="shop"),)
        ),
        ["replace view shop.few"],
        ["DROP VIEW shop.few", "CREATE VIEW shop.few AS SELECT id, code FROM shop.item"],
    ),
    "no unique": (
        with_(arguments=lambda: (UniqueConstraint("code"),)),
        PLAIN,
        ["drop unique shop.item.uq__0"],
        ["ALTER TABLE shop.item DROP CONSTRAINT uq__0"],
    ),
    "another check": (
        with_(arguments=lambda: (CheckConstraint("id > 0", name="good"),)),
        with_(arguments=lambda: (CheckConstraint("id BETWEEN 1 AND 99", name="good"),)),
        ["drop check shop.item.good", "add check shop.item.good"],
        [
            "ALTER TABLE shop.item DROP CONSTRAINT good",
            "ALTER TABLE shop.item ADD CONSTRAINT good CHECK (id >= 1 AND id <= 99)",
        ],
    ),
    "check of a column": (
        PLAIN,
        lambda: kit(
            item(code=Column("code", String(10), CheckConstraint("code <> 'it''s \\ 5%'", name="good")))
        ),
        ["add check shop.item.good"],
        ["ALTER TABLE shop.item ADD CONSTRAINT good CHECK (code <> 'it''s \\ 5%')"],
    ),
    "descending index": (
        PLAIN,
        lambda: kit(
            item(code=(code := Column("code", String(10))), arguments=(Index("by_code", code.desc()),))
        ),
        ["add index shop.item.by_code"],
        ["CREATE INDEX by_code ON shop.item (code DESC)"],
    ),
    "no index": (
        with_(arguments=lambda: (Index("by_code", "code"),)),
        PLAIN,
        ["drop index shop.item.by_code"],
        ["DROP INDEX by_code ON shop.item"],
    ),
    "foreign key": (
        lambda: kit(*related()),
        lambda: kit(*related(name="held", ondelete="CASCADE", onupdate="RESTRICT")),
        ["add foreign key shop.part.held"],
        [
            "ALTER TABLE shop.part ADD CONSTRAINT held FOREIGN KEY(kind) REFERENCES shop.kind (id) "
            "ON DELETE CASCADE"
        ],
    ),
    "no foreign key": (
        lambda: kit(*related(name="held")),
        lambda: kit(*related()),
        ["drop foreign key shop.part.held"],
        ["ALTER TABLE shop.part DROP CONSTRAINT held"],
    ),
    "type of a key that others refer to": (
        lambda: kit(*related(name="held")),
        lambda: kit(*related(name="held", of=BigInteger)),
        ["change column shop.kind.id", "change column shop.part.kind"],
        [
            "ALTER TABLE shop.part DROP CONSTRAINT held",
            "ALTER TABLE shop.kind DROP CONSTRAINT pk__1",
            "ALTER TABLE shop.kind ALTER COLUMN id bigint NOT NULL",
            "ALTER TABLE shop.part ALTER COLUMN kind bigint NULL",
            "ALTER TABLE shop.kind ADD PRIMARY KEY (id)",
            "ALTER TABLE shop.part ADD CONSTRAINT held FOREIGN KEY(kind) REFERENCES shop.kind (id)",
        ],
    ),
    "key that nobody refers to any more": (
        lambda: kit(*related(name="held")),
        lambda: kit(*related(more=True)),
        ["set primary key shop.kind", "drop foreign key shop.part.held"],
        [
            "ALTER TABLE shop.part DROP CONSTRAINT held",
            "ALTER TABLE shop.kind DROP CONSTRAINT pk__1",
            "ALTER TABLE shop.kind ADD PRIMARY KEY (id, code)",
        ],
    ),
    "another key, with one who refers to what it was": (
        lambda: kit(*related(name="held", once=True)),
        lambda: kit(*related(name="held", once=True, more=True)),
        ["set primary key shop.kind"],
        [
            "ALTER TABLE shop.part DROP CONSTRAINT held",
            "ALTER TABLE shop.kind DROP CONSTRAINT pk__1",
            "ALTER TABLE shop.kind ADD PRIMARY KEY (id, code)",
            "ALTER TABLE shop.part ADD CONSTRAINT held FOREIGN KEY(kind) REFERENCES shop.kind (id)",
        ],
    ),
    "key of a table that keeps its history": (
        history(**CODE, part=(int, Field())),
        history(**CODE, part=(int, Field(primary_key=True))),
        ["set primary key shop.price", "replace trigger shop.price.price_updated_at"],
        [],
    ),
    "rename of a column with a check": (
        with_(lambda: Column("x y", Integer), arguments=lambda: (CheckConstraint("[x y] > 0", name="good"),)),
        lambda: renamed_column(),
        ["rename column shop.item.z"],
        [
            "ALTER TABLE shop.item DROP CONSTRAINT good",
            "EXEC sys.sp_rename N'shop.item.[x y]', N'z', N'COLUMN'",
            "ALTER TABLE shop.item ADD CONSTRAINT good CHECK (z > 0)",
        ],
    ),
    "rename of a table into another schema": (
        PLAIN,
        lambda: renamed_table("thing", "store"),
        ["rename table store.thing", "create schema store"],
        [
            "CREATE SCHEMA store",
            "EXEC sys.sp_rename N'shop.item', N'thing', N'OBJECT'",
            "ALTER SCHEMA store TRANSFER shop.thing",
        ],
    ),
    "rename of a table": (
        PLAIN,
        lambda: renamed_table("thing", "shop"),
        ["rename table shop.thing"],
        ["EXEC sys.sp_rename N'shop.item', N'thing', N'OBJECT'"],
    ),
    "rights": (
        PLAIN,
        lambda: allowed(("SELECT", "INSERT")),
        [
            "grant INSERT on table shop.item to the reader",
            "grant SELECT on table shop.item to the reader",
        ],
        [
            "GRANT INSERT ON OBJECT::shop.item TO [the reader]",
            "GRANT SELECT ON OBJECT::shop.item TO [the reader]",
        ],
    ),
}


# Of which row of the table of engines a change is a proof.
CAPABILITIES = {
    "add columns": ("table", "column", "no column"),
    "change types": (
        "wider text",
        "narrower",
        "text ",
        "wider number",
        "more digits",
        "everything",
        "type of",
    ),
    "checks": ("check", "another check"),
    "circles of tables": ("circle",),
    "comments": ("comment", "another comment", "no comment"),
    "defaults": ("default", "no default", "another default"),
    "foreign keys": ("foreign key", "no foreign key"),
    "generated columns": ("generated", "another generated"),
    "indexes": ("index", "unique index", "another index", "descending", "no index"),
    "nullability": ("not null", "nullable"),
    "primary keys": ("key", "another key", "counted key"),
    "renames": ("rename",),
    "rights": ("rights",),
    "tables that keep their history": ("history", "column of a history", "table that", "key of a table"),
    "unique constraints": ("unique", "named unique", "no unique"),
    "views": ("view", "another view"),
}


def compiled(capability: str) -> pytest.MarkDecorator:
    """A proof that statements are written, and parsed; no server has seen them."""
    return pytest.mark.capability(f"plan: {capability}", engine="sqlserver", how="compiled")


def capability_of(name: str) -> str:
    """The row whose beginning of a name is the longest."""
    fitting = [
        (start, row) for row, starts in CAPABILITIES.items() for start in starts if name.startswith(start)
    ]
    return max(fitting, key=lambda each: len(each[0]))[1]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=compiled(capability_of(name))) for name in CHANGES]
)
def test_every_change_is_made_in_t_sql_and_nothing_is_left_to_do(name: str) -> None:
    old, new, actions, expected = CHANGES[name]
    planned = plan(None if old is None else old(), new())
    assert [change.id for change in planned.plan.changes] == actions
    written = statements(planned)
    for sql in (*written, *(step.sql for step in planned.ledger)):
        assert objections(sql) == []
    # In this order, with others between them.
    assert [sql for sql in written if sql in expected] == expected
    # With what the ledger knows, and from what the catalog tells alone.
    assert plan(new(), new()).plan.changes == ()
    assert plan(after(new()), new()).plan.changes == ()


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
    assert sum(sql.startswith("CREATE TABLE datakit.") for sql in made) == 5
    for sql in made:
        assert objections(sql) == []


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


def test_the_key_of_a_table_that_keeps_its_history_changes_while_it_keeps_none() -> None:
    _, new, _, _ = CHANGES["key of a table that keeps its history"]
    old = CHANGES["key of a table that keeps its history"][0]
    assert old is not None
    (sql,) = (each for each in statements(plan(old(), new())) if "PRIMARY KEY" in each)
    order = ["VERSIONING = OFF", "CONSTRAINT pk__1", "PRIMARY KEY (id, code, part)", "VERSIONING = ON"]
    assert [sql.index(words) for words in order] == sorted(sql.index(words) for words in order)


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


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            with_(lambda: Column("x", Integer)),
            with_(lambda: Column("x", Integer, Identity())),
            "a column that is there can neither start nor stop counting",
        ),
        (
            history(**AMOUNT),
            history(**AMOUNT, twice=(int | None, column(computed="amount * 2"))),
            "a computed column of a table that keeps its history can neither come nor go",
        ),
        (
            with_(lambda: Column("a", Integer), lambda: Column("x", Integer, Computed("a + 1"))),
            with_(lambda: Column("a", BigInteger), lambda: Column("x", Integer, Computed("a + 1"))),
            "the computed column x is made of it",
        ),
        (PLAIN, lambda: allowed(("TRIGGER",)), "SQL Server has no right TRIGGER of a table"),
        (
            PLAIN,
            lambda: kit(
                item(), views=(View(name="v", query="SELECT 1 AS a", schema="shop", materialized=True),)
            ),
            "SQL Server keeps no rows of a view by itself",
        ),
    ],
)
def test_what_the_server_cannot_do_is_refused(old: Kit, new: Kit, reason: str) -> None:
    changes = plan(old(), new()).plan.changes
    assert [change.blocked.partition(":")[0] for change in changes if change.blocked] == [reason]
    assert all(change.steps == () for change in changes if change.blocked)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t LIMIT 10",
        "INSERT INTO t (a) VALUES (1) RETURNING a",
        "SELECT a FROM t WHERE a ILIKE 'x'",
        "CREATE TABLE t (a SERIAL)",
        "SELECT a::int FROM t",
        "SELECT `a` FROM t",
        "CREATE TABLE t (a int AUTO_INCREMENT)",
        "CREATE TABLE IF NOT EXISTS t (a int)",
        "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING",
        "SELECT NOW()",
        "CREATE TABLE t (a BOOLEAN)",
        "SELECT a FROM t WHERE b = TRUE",
        "CREATE TABLE t (a TEXT)",
        "COMMENT ON TABLE t IS 'a'",
        "ALTER TABLE t RENAME TO u",
        "SELECT a || b FROM t",
        'SELECT "a" FROM t',
    ],
)
def test_words_of_other_databases_are_refused(sql: str) -> None:
    assert objections(sql)


@pytest.mark.parametrize(
    "sql",
    ["SELECT N'LIMIT 10; TRUE :: `' AS a", "SELECT [LIMIT] FROM [NOW()]", "GRANT SELECT ON OBJECT::t TO u"],
)
def test_the_same_words_in_a_text_or_a_name_are_not(sql: str) -> None:
    assert objections(sql) == []
