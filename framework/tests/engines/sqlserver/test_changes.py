"""Every kind of change, compiled for SQL Server and parsed by the grammar of T-SQL; no server is asked."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
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
from sqlalchemy.types import JSON
from sqlmodel import Field
from sqlmodel_framework import (
    TemporalTableMixin,
    View,
)

from .declarations import (
    AMOUNT,
    CODE,
    NOTE,
    PLAIN,
    Kit,
    allowed,
    circle,
    coded,
    history,
    item,
    related,
    renamed_column,
    renamed_table,
    typed,
    with_,
)
from .nowhere import after, kit, model, objections, plan, statements

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


def test_the_key_of_a_table_that_keeps_its_history_changes_while_it_keeps_none() -> None:
    _, new, _, _ = CHANGES["key of a table that keeps its history"]
    old = CHANGES["key of a table that keeps its history"][0]
    assert old is not None
    (sql,) = (each for each in statements(plan(old(), new())) if "PRIMARY KEY" in each)
    order = ["VERSIONING = OFF", "CONSTRAINT pk__1", "PRIMARY KEY (id, code, part)", "VERSIONING = ON"]
    assert [sql.index(words) for words in order] == sorted(sql.index(words) for words in order)
