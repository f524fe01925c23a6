"""Names that could be taken for something else, in every kind of statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlmodel_framework import RenameColumn, RenameTable
from sqlmodel_framework.engines.sqlserver import batches
from sqlmodel_framework.engines.sqlserver.upkeep import upkeep
from sqlmodel_framework.errors import DeclarationError
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.names import full_name

from .declarations import written
from .nowhere import DIALECT, OfflineEngine, after, kit, model, objections, pieces, plan, statements

HOSTILE = ["select", "It's", 'a"b', "a]b", "a[b", "]", "a%sb", "a:b", "a.b", "a b;--", "Ü/*n*/ï", "'; DROP x"]
PARTS = {"index": "indexes", "unique": "uniques", "check": "checks"}
quote = DIALECT.identifier_preparer.quote


def named(name: str, schema: str, *, length: int = 10, more: bool = True) -> Any:
    code = Column(name, String(length), server_default="x", comment=name)
    arguments = [
        Index(f"{name}i", code, mssql_where=Column(name, String).is_not(None), mssql_include=["id"]),
        UniqueConstraint(name, "id", name=f"{name}u"),
        CheckConstraint(f"{quote(name)} <> 'a'", name=f"{name}c"),
    ]
    columns: list[Column[Any]] = [Column("id", Integer, primary_key=True), code]
    if more:
        columns.append(Column(f"{name}2", Integer, Computed("id + 1"), comment=name))
    return model(name, *columns, arguments=arguments if more else (), schema=schema, comment=name)


def texts(sql: str) -> Iterator[str]:
    """What stands in a statement's texts, and in the texts of those that are statements themselves."""
    for kind, piece in pieces(sql):
        if kind == "text":
            inner = piece.removeprefix("N")[1:-1].replace("''", "'")
            yield inner
            if inner.startswith(("ALTER TABLE", "DROP TABLE")):
                yield from texts(inner)


def check(sql: str, name: str) -> None:
    assert objections(sql) == []
    # Nothing of the name is outside of brackets and texts, unless it needs none.
    assert re.fullmatch(r"\w+", name) or name not in "".join(
        piece for kind, piece in pieces(sql) if kind == "rest"
    )
    list(texts(sql))


@pytest.mark.capability("plan: any name", engine="sqlserver", how="compiled")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name_in_every_statement(name: str) -> None:
    schema = name.translate(str.maketrans("", "", ".[]")) or "s"
    old, new = kit(named(name, schema, more=False)), kit(named(name, schema))
    narrow = kit(named(name, schema, length=5))
    full = full_name(schema, name)
    have = after(new)
    parts: list[tuple[Any, Any, Any]] = [
        (kind, each, part)
        for kind, attribute in PARTS.items()
        for each, part in getattr(have.tables[full], attribute).items()
    ]
    parts.append(("column", f"{name}2", have.tables[full].columns[f"{name}2"]))
    gone = [sql for kind, each, p in parts for sql in written(Difference(kind, each, full, have=p), have)]
    gone += written(Difference("table", full, have=have.tables[full]), have)
    for sql in (
        *statements(plan(None, new)),
        *statements(plan(old, new)),
        *statements(plan(new, narrow)),
        *gone,
    ):
        check(sql, name)
    assert plan(new, new).plan.changes == ()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name_where_it_is_changed(name: str) -> None:
    old = kit(model("item", Column("id", Integer, primary_key=True), Column("x", Integer), schema="shop"))
    new = model(name, Column("id", Integer, primary_key=True), Column(f"{name}2", Integer), schema="shop")
    renames = (RenameTable(old="shop.item", to=new), RenameColumn(table=new, old="x", new=f"{name}2"))
    found = statements(plan(old, kit(new, renames=renames)))
    assert len(found) == 2
    for sql in found:
        check(sql, name)
    assert [list(texts(sql))[1] for sql in found] == [name, f"{name}2"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name_where_the_server_puts_words_together(name: str) -> None:
    full = f"shop.{quote(name)}"
    for sql in (
        batches.dropping_default(full, name),
        batches.dropping_table(full),
        batches.ending_history(full),
        batches.without_history(full, [f"ALTER TABLE {full} DROP CONSTRAINT {quote(name)}"]),
    ):
        check(sql, name)
        assert full in set(texts(sql))
    # The words that the server is to run are a statement with the same name in it.
    words = next(
        text for text in texts(batches.dropping_default(full, name)) if text.startswith("ALTER TABLE")
    )
    assert words == f"ALTER TABLE {full} DROP CONSTRAINT "


@settings(max_examples=60, deadline=None)
@given(
    name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
)
def test_any_name_comes_back_out_of_its_brackets(name: str) -> None:
    found = list(pieces(f"SELECT {quote(name)}, N'x' FROM t"))
    kinds = [kind for kind, _ in found]
    if kinds != ["rest", "text", "rest"]:
        assert kinds == ["rest", "name", "rest", "text", "rest"]
        assert found[1][1][1:-1].replace("]]", "]") == name


@pytest.mark.capability("plan: times of the row", engine="sqlserver", how="compiled")
def test_a_trigger_of_hostile_names_is_t_sql() -> None:
    table = Table(
        "a]b",
        MetaData(),
        Column("c'd", Integer, primary_key=True),
        Column("e]]f", Integer),
        Column("now", Integer, info={"datakit": "updated_at"}),
        schema="my shop",
    )
    (trigger,) = upkeep(table).triggers.values()
    assert objections(trigger.definition) == []


@pytest.mark.parametrize("schema", ["a.b", "a[b", "a]b"])
def test_a_schema_that_sqlalchemy_would_take_apart_is_refused(schema: str) -> None:
    engine = OfflineEngine()
    declared = model("item", Column("id", Integer, primary_key=True), schema=schema)
    with pytest.raises(DeclarationError, match="holds a dot or bracket"):
        engine.refuse_names([declared.__table__])  # type: ignore[attr-defined]


def test_a_name_that_is_too_long_is_refused() -> None:
    engine = OfflineEngine()
    fits = model("a" * 128, Column("id", Integer, primary_key=True))
    engine.refuse_names([fits.__table__])  # type: ignore[attr-defined]
    declared = model("a" * 129, Column("id", Integer, primary_key=True))
    with pytest.raises(DeclarationError, match="has 129 bytes; the database keeps 128"):
        engine.refuse_names([declared.__table__])  # type: ignore[attr-defined]
