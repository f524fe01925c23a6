"""The statements of MariaDB as text, without a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import CheckConstraint, Column, MetaData, String, Table
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlmodel_framework.engines.mariadb.canonical import words_of
from sqlmodel_framework.engines.mariadb.ddl import MariadbDdl, prepared
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.snapshot import (
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    IndexShape,
    Snapshot,
    TableShape,
)

HAVE = TableShape(
    columns={"id": ColumnShape("int", False, identity="auto"), "code": ColumnShape("varchar(5)")},
    primary_key=("id",),
    foreign_keys={"held": ForeignKeyShape(("code",), "shop.kind", ("code",))},
    indexes={"by_code": IndexShape(("code", "id"))},
)


def sql(difference: Difference, have: TableShape = HAVE, large: bool = False) -> list[str]:
    names = frozenset({"shop.item"} if large else ())
    writer = MariadbDdl(MariaDBDialect(), Snapshot(tables={"shop.item": have}), {}, names)
    return [step.sql for step in writer.write(difference)]


def test_a_schema_is_a_database_for_any_text() -> None:
    (statement,) = sql(Difference("schema", "my shop", want="my shop"))
    assert statement == (
        "CREATE DATABASE IF NOT EXISTS `my shop` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    )


def test_a_column_is_described_as_a_whole_when_it_changes() -> None:
    want = ColumnShape("varchar(9)", False, "'a\\\\b'", comment="it's \\")
    assert sql(Difference("column", "code", "shop.item", HAVE.columns["code"], want)) == [
        "ALTER TABLE shop.item MODIFY COLUMN code varchar(9) NOT NULL DEFAULT 'a\\\\b' COMMENT 'it''s \\\\'"
    ]


def test_a_key_is_replaced_at_once() -> None:
    difference = Difference("primary key", "", "shop.item", ("id",), ("id", "code"))
    (statement,) = sql(difference)
    assert statement.startswith("ALTER TABLE shop.item DROP PRIMARY KEY, ADD PRIMARY KEY (id, code)")


def test_an_index_that_a_foreign_key_stands_on_is_replaced_by_one_of_its_own() -> None:
    difference = Difference("index", "by_code", "shop.item", HAVE.indexes["by_code"])
    assert sql(difference) == ["ALTER TABLE shop.item DROP INDEX by_code, ADD INDEX held (code)"]


def test_a_foreign_key_goes_with_the_index_that_the_server_made_for_it() -> None:
    difference = Difference("foreign key", "held", "shop.item", HAVE.foreign_keys["held"])
    assert sql(difference) == ["ALTER TABLE shop.item DROP FOREIGN KEY held, DROP INDEX IF EXISTS held"]


def test_a_check_of_a_column_goes_with_a_new_description_of_the_column() -> None:
    difference = Difference("check", "(check of code)", "shop.item", CheckShape("`code` > ''"))
    assert sql(difference) == ["ALTER TABLE shop.item MODIFY COLUMN code varchar(5) NULL"]


@pytest.mark.parametrize(
    ("difference", "end"),
    [
        (Difference("column", "x", "shop.item", want=ColumnShape("int")), ", ALGORITHM=INSTANT"),
        (
            Difference("index", "i", "shop.item", want=IndexShape(("code",))),
            ", ALGORITHM=INPLACE, LOCK=NONE",
        ),
        (Difference("unique", "u", "shop.item", want=("code",)), ", ALGORITHM=INPLACE, LOCK=NONE"),
    ],
)
def test_a_large_table_is_changed_beside_the_work_of_others_or_not_at_all(
    difference: Difference, end: str
) -> None:
    assert sql(difference, large=True) == [sql(difference)[0] + end]


def test_history_starts_and_ends_in_one_statement_each() -> None:
    start = Difference("versioning", "", "shop.item", have=False, want=True)
    assert sql(start) == ["ALTER TABLE shop.item ADD SYSTEM VERSIONING"]
    kept = TableShape(
        columns={
            "id": ColumnShape("int", False),
            "since": ColumnShape("timestamp(6)", False, generated="ROW START"),
            "until": ColumnShape("timestamp(6)", False, generated="ROW END"),
        },
        primary_key=("id",),
        versioned=True,
    )
    end = Difference("versioning", "", "shop.item", have=True, want=False)
    assert sql(end, kept) == [
        "ALTER TABLE shop.item DROP SYSTEM VERSIONING, DROP PERIOD FOR SYSTEM_TIME, DROP COLUMN since, "
        "DROP COLUMN until"
    ]
    assert sql(Difference("column", "since", "shop.item", kept.columns["since"]), kept) == []


def test_a_recorded_table_is_made_again_from_its_shape() -> None:
    shape = TableShape(
        columns={
            "id": ColumnShape("bigint", False, identity="auto"),
            "twice": ColumnShape("int", generated="(`id` * 2) VIRTUAL"),
        },
        primary_key=("id",),
        checks={"good": CheckShape("`id` > 0")},
        indexes={"i": IndexShape(("twice DESC",))},
        comment="it's",
    )
    table, index = sql(Difference("table", "shop.old", want=shape))
    assert table == (
        "CREATE TABLE shop.old (id bigint NOT NULL AUTO_INCREMENT, "
        "twice int GENERATED ALWAYS AS (`id` * 2) VIRTUAL, PRIMARY KEY (id), "
        "CONSTRAINT good CHECK (`id` > 0)) CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin ENGINE=InnoDB "
        "COMMENT='it''s'"
    )
    assert index == "ALTER TABLE shop.old ADD INDEX i (twice DESC)"


def test_preparing_a_table_leaves_the_declared_one_as_it_is() -> None:
    table = Table("t", MetaData(), Column("a", String(3), CheckConstraint("a <> ''", name="good")))
    copy = prepared(table)
    assert [constraint.name for constraint in table.c.a.constraints] == ["good"]
    assert "good" in {constraint.name for constraint in copy.constraints}
    assert copy.c.a.constraints == set()
    assert "mariadb_charset" not in table.kwargs


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(table=NAMES, columns=st.lists(NAMES, min_size=1, max_size=4, unique=True), comment=NAMES)
def test_a_statement_falls_into_its_items_whatever_its_names_say(
    table: str, columns: list[str], comment: str
) -> None:
    def quoted(name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    literal = MariadbDdl(MariaDBDialect(), Snapshot()).literal(comment)
    lines = ",\n".join(
        f"  {quoted(name)} varchar(5) DEFAULT {literal} CHECK ({quoted(name)} <> {literal})"
        for name in columns
    )
    statement = f"CREATE TEMPORARY TABLE {quoted(table)} (\n{lines}\n) ENGINE=InnoDB COMMENT={literal}"
    assert list(words_of(statement)) == [
        [quoted(name), "varchar(5)", "DEFAULT", literal, "CHECK", f"({quoted(name)} <> {literal})"]
        for name in columns
    ]


@given(words=st.text(max_size=20))
def test_a_comment_is_one_literal(words: str) -> None:
    (statement,) = sql(Difference("comment", "", "shop.item", want=words))
    inside = statement.removeprefix("ALTER TABLE shop.item COMMENT = '")[:-1]
    assert inside.replace("\\\\", "\\").replace("''", "'") == words
