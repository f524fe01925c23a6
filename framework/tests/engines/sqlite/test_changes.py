"""Every kind of change from one declaration to another: it is made, and the rows are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlmodel_framework import Datakit, Target, deploy_datakit
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.errors import ContractError, RefusedChangesError
from sqlmodel_framework.runs.ledger import DeploymentRecord, ObjectRecord, table
from sqlmodel_framework.schema.planning import plan_datakit

MakeKit = Callable[..., Datakit]
Parts = Callable[[], tuple[Any, ...]]

KEY: Parts = lambda: (Column("id", Integer, primary_key=True),)  # noqa: E731


def item(*parts: Any, metadata: MetaData | None = None) -> Table:
    return Table("item", metadata or MetaData(), *parts, schema="shop")


def plain() -> tuple[Any, ...]:
    return Column("id", Integer, primary_key=True), Column("code", String(5)), Column("price", Integer)


def with_column(*arguments: Any, **options: Any) -> Parts:
    return lambda: (*plain(), Column("more", *arguments, **options))


def with_part(make: Callable[[], Any]) -> Parts:
    return lambda: (*plain(), make())


def code_is(*arguments: Any, **options: Any) -> Parts:
    return lambda: (
        Column("id", Integer, primary_key=True),
        Column("code", *arguments, **options),
        Column("price", Integer),
    )


VARIANTS: dict[str, Parts] = {
    "plain": plain,
    "a column": with_column(Text),
    "a column with a default": with_column(Integer, server_default=text("7"), nullable=False),
    "a column with a default that is text": with_column(Text, server_default="it's 100%: (a"),
    "a column with a default that is computed": with_column(DateTime, server_default=func.now()),
    "a column with a default of many words": with_column(Text, server_default=text("('a' || 'b')")),
    "a default below zero": with_column(Integer, server_default=text("-1"), nullable=False),
    "a generated column": with_column(Integer, Computed("price * 2")),
    "another generated column": with_column(Integer, Computed("price * 3")),
    "a numeric column": with_column(Numeric(10, 2)),
    "an enum": with_column(Enum("a", "b", name="letter", create_constraint=True)),
    "not null": code_is(String(5), nullable=False),
    "a default": code_is(String(5), server_default="none"),
    "a longer type": code_is(String(9)),
    "another type": code_is(Text),
    "a collation": code_is(String(5, collation="NOCASE")),
    "unique": with_part(lambda: UniqueConstraint("code", name="code_is_unique")),
    "unique without a name": with_part(lambda: UniqueConstraint("code", "price")),
    "a check": with_part(lambda: CheckConstraint("price >= 0 AND code <> ')'", name="price_is_good")),
    "a check without a name": with_part(lambda: CheckConstraint("price >= 0")),
    "an index": with_part(lambda: Index("by_code", "code")),
    "a unique index": with_part(lambda: Index("by_code", "code", unique=True)),
    "an index in order": with_part(lambda: Index("by_code", text("code DESC"), "price")),
    "a partial index": with_part(lambda: Index("by_code", "code", sqlite_where=text("price > 1"))),
    "an index over an expression": with_part(lambda: Index("by_code", text("lower(code)"))),
    "a key to itself": lambda: (
        *plain(),
        Column("parent", Integer, ForeignKey("shop.item.id", ondelete="CASCADE")),
    ),
    "another key": lambda: (
        Column("id", Integer),
        Column("code", String(5), primary_key=True),
        Column("price", Integer),
    ),
    "a key of two": lambda: (
        Column("id", Integer, primary_key=True),
        Column("code", String(5), primary_key=True),
        Column("price", Integer),
    ),
}

ROWS = [
    {"id": 1, "code": "tea", "price": 2},
    {"id": 2, "code": "milk", "price": 1},
    {"id": 7, "code": "", "price": 0},
]


def deploy(engine: BaseEngine, kit: Datakit, allow: tuple[str, ...] = ()) -> tuple[str, ...]:
    return deploy_datakit(kit, engine.target, engine=engine, allow=allow).changes


def allowed(engine: BaseEngine, kit: Datakit) -> tuple[str, ...]:
    return tuple(change.id for change in plan_datakit(kit, engine.target, engine=engine).refusals)


def write(engine: BaseEngine, statement: Any) -> None:
    engine.write_rows(statement)


@pytest.mark.parametrize("there", list(VARIANTS))
def test_a_declaration_is_deployed_once(kit: MakeKit, target: Target, there: str) -> None:
    engine = engine_for(target)
    tables = kit(item(*VARIANTS[there]()))
    assert deploy(engine, tables) == ("create table shop.item",)
    assert deploy(engine, tables) == ()
    # Without what the ledger knows, the declaration itself is found to be what is there.
    write(engine, delete(table(ObjectRecord)))
    assert plan_datakit(tables, engine.target, engine=engine).changes == ()


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        *(("plain", wanted) for wanted in VARIANTS if wanted != "plain"),
        *((there, "plain") for there in VARIANTS if there != "plain"),
        ("a generated column", "another generated column"),
        ("a column", "a generated column"),
        ("a generated column", "a column"),
        ("an index", "a unique index"),
        ("a check", "a check without a name"),
        ("another key", "a key of two"),
        ("a column with a default", "a column with a default that is computed"),
    ],
)
def test_one_declaration_becomes_another_and_the_rows_are_kept(kit: MakeKit, there: str, wanted: str) -> None:
    engine = engine_for(Target("sqlite://", name="memory"))
    before, after = item(*VARIANTS[there]()), item(*VARIANTS[wanted]())
    deploy(engine, kit(before))
    for row in ROWS:
        write(engine, insert(before).values(row))
    new = kit(after)
    assert deploy(engine, new, allowed(engine, new))
    assert deploy(engine, new) == ()
    found = engine.read_rows(select(after.c.id, after.c.code, after.c.price).order_by(after.c.id))
    assert found == ROWS
    write(engine, delete(table(ObjectRecord)))
    assert plan_datakit(new, engine.target, engine=engine).changes == ()


def test_a_table_that_is_made_anew_is_one_change_that_says_so(engine: BaseEngine, kit: MakeKit) -> None:
    deploy(engine, kit(item(*plain())))
    changed = kit(item(*VARIANTS["a check"](), Column("more", Text, nullable=False, server_default="x")))
    plan = plan_datakit(changed, engine.target, engine=engine)
    assert [change.id for change in plan.changes] == [
        "add column shop.item.more",
        "add check shop.item.price_is_good",
    ]
    with_steps = [change for change in plan.changes if change.steps]
    assert len(with_steps) == 1
    assert "rewrites the table" in with_steps[0].effect


def test_a_column_is_added_and_dropped_in_place_where_that_is_possible(
    engine: BaseEngine, kit: MakeKit
) -> None:
    deploy(engine, kit(item(*plain())))
    more = kit(item(*VARIANTS["a column"]()))
    (change,) = plan_datakit(more, engine.target, engine=engine).changes
    assert [step.sql.split(" more")[0] for step in change.steps] == ['ALTER TABLE "shop.item" ADD COLUMN']
    deploy(engine, more)
    (change,) = plan_datakit(kit(item(*plain())), engine.target, engine=engine).changes
    assert [step.sql for step in change.steps] == ['ALTER TABLE "shop.item" DROP COLUMN more']


def test_what_would_be_lost_is_refused_and_counted(engine: BaseEngine, kit: MakeKit) -> None:
    before = item(*plain())
    deploy(engine, kit(before))
    for row in ROWS:
        write(engine, insert(before).values(row))
    without = kit(item(*plain()[:2]))
    with pytest.raises(RefusedChangesError, match=r"drop column shop\.item\.price \(loses 3 values\)"):
        deploy(engine, without)
    shorter = kit(item(*code_is(String(3))()))
    with pytest.raises(RefusedChangesError, match=r"1 value that VARCHAR\(3\) does not hold"):
        deploy(engine, shorter)
    numbers = kit(item(*code_is(Integer)()))
    with pytest.raises(RefusedChangesError, match="3 values that INTEGER does not hold"):
        deploy(engine, numbers)
    assert len(engine.read_rows(select(before))) == 3
    assert deploy(engine, without, ("drop column shop.item.price",)) == ("drop column shop.item.price",)


def test_data_in_the_way_leaves_everything_as_it_was(engine: BaseEngine, kit: MakeKit) -> None:
    before = item(*plain())
    deploy(engine, kit(before))
    for row in ROWS:
        write(engine, insert(before).values(row))
    good = kit(item(*plain(), Column("more", Text), CheckConstraint("price > 0", name="is_positive")))
    with pytest.raises(ContractError, match="is_positive"):
        deploy(engine, good)
    assert "more" not in engine.read_rows(select(text("*")).select_from(before))[0]
    assert deploy(engine, kit(before)) == ()


def two(*more: Any) -> tuple[Table, Table]:
    metadata = MetaData()
    parent = Table("item", metadata, *plain(), *more, schema="shop")
    child = Table(
        "sale",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("item", Integer, ForeignKey("shop.item.id", ondelete="CASCADE")),
        schema="till",
    )
    return parent, child


def test_rows_that_refer_to_a_table_that_is_made_anew_stay(engine: BaseEngine, kit: MakeKit) -> None:
    parent, child = two()
    deploy(engine, kit(parent, child))
    write(engine, insert(parent).values(ROWS[0]))
    write(engine, insert(child).values(id=1, item=1))
    parent, child = two(CheckConstraint("price > 0"))
    assert deploy(engine, kit(parent, child))
    assert engine.read_rows(select(child.c.item)) == [{"item": 1}]
    with pytest.raises(ContractError, match="FOREIGN KEY"):
        write(engine, insert(child).values(id=2, item=2))
    write(engine, delete(parent))
    assert engine.read_rows(select(child)) == []


def test_a_new_foreign_key_that_rows_break_is_refused_with_their_number(
    engine: BaseEngine, kit: MakeKit
) -> None:
    metadata = MetaData()
    parent = Table("item", metadata, *plain(), schema="shop")
    child = Table(
        "sale", metadata, Column("id", Integer, primary_key=True), Column("item", Integer), schema="till"
    )
    deploy(engine, kit(parent, child))
    write(engine, insert(child).values(id=1, item=5))
    with pytest.raises(ContractError, match=r"1 row of till\.sale would refer to no row of shop\.item"):
        deploy(engine, kit(*two()))
    assert deploy(engine, kit(parent, child)) == ()


def test_what_nobody_declared_survives_that_its_table_is_made_anew(engine: BaseEngine, kit: MakeKit) -> None:
    before = item(*plain())
    deploy(engine, kit(before))
    write(engine, insert(before).values(ROWS[0]))
    for sql in (
        'CREATE INDEX theirs ON "shop.item" (price)',
        'CREATE TRIGGER their_trigger AFTER DELETE ON "shop.item" BEGIN SELECT 1; END',
        'CREATE VIEW their_view AS SELECT code FROM "shop.item"',
    ):
        write(engine, sql)
    deployment = deploy_datakit(kit(item(*VARIANTS["a check"]())), engine.target, engine=engine)
    assert "index theirs of shop.item" in deployment.undeclared
    found = engine.read_rows("SELECT name FROM sqlite_master WHERE name LIKE 'their%' ORDER BY name")
    assert [row["name"] for row in found] == ["their_trigger", "their_view", "theirs"]
    assert engine.read_rows("SELECT * FROM their_view") == [{"code": "tea"}]
    assert deploy(engine, kit(item(*VARIANTS["a check"]()))) == ()


def test_a_deployment_that_changed_something_is_in_the_ledger(engine: BaseEngine, kit: MakeKit) -> None:
    first, second = kit(item(*plain())), kit(item(*VARIANTS["a check"]()))
    for each in (first, first, second):
        deploy(engine, each)
    records = table(DeploymentRecord)
    found = engine.read_rows(select(records.c.fingerprint, records.c.changes).order_by(text("rowid")))
    assert found == [
        {"fingerprint": first.fingerprint(), "changes": ["create table shop.item"]},
        {"fingerprint": second.fingerprint(), "changes": ["add check shop.item.price_is_good"]},
    ]
