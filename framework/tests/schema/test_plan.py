from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Enum, Index, Numeric, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit, Target, TransactionalTableMixin, deploy_datakit
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import DatakitError, PlanError, RefusedChangesError
from sqlmodel_framework.schema.applying import apply_plan
from sqlmodel_framework.schema.plan import Plan, read_plan
from sqlmodel_framework.schema.plan_text import as_markdown, as_sql, as_text
from sqlmodel_framework.schema.planning import plan_datakit

Ask = Callable[..., list[tuple[object, ...]]]


def kit(*tables: type[SQLModel], version: str = "1") -> Datakit:
    return Datakit(name="shop", version=version, tables=tables)


def first() -> Datakit:
    class Base(SQLModel, registry=registry()):
        pass

    class Owner(Base, table=True):
        __table_args__ = {"schema": "shop"}
        code: str = Field(primary_key=True, max_length=5)

    class Item(Base, TransactionalTableMixin, table=True):
        __table_args__ = (
            CheckConstraint("price > 0 AND name <> 'it''s: 5%'", name="priced"),
            Index("by_name", text("lower(name)"), "price"),
            {"schema": "shop", "comment": "what is\tsold: 100%"},
        )
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20, unique=True, sa_column_kwargs={"server_default": "x"})
        price: float = Field(sa_type=Numeric(8, 2))
        owner: str = Field(foreign_key="shop.owner.code")
        kind: str = Field(sa_type=Enum("a", "b", name="kind", schema="shop"))
        old: str | None = None

    return kit(Owner, Item)


def second() -> Datakit:
    class Base(SQLModel, registry=registry()):
        pass

    class Owner(Base, table=True):
        __table_args__ = {"schema": "shop", "comment": "who"}
        code: str = Field(primary_key=True, max_length=8)

    class Item(Base, TransactionalTableMixin, table=True):
        __table_args__ = (
            CheckConstraint("price >= 0", name="priced"),
            Index("by_name", text("upper(name)")),
            {"schema": "shop"},
        )
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=30, sa_column_kwargs={"server_default": "y"})
        price: float | None = Field(sa_type=Numeric(10, 2))
        owner: str = Field(foreign_key="shop.owner.code")
        kind: str = Field(sa_type=Enum("a", "b", "c", name="kind", schema="shop"))
        size: int = Field(default=0, index=True, sa_column_kwargs={"server_default": "0"})

    return kit(Owner, Item, version="2")


def test_a_plan_names_every_change_and_changes_nothing(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    before = ask(database, "SELECT count(*) FROM pg_catalog.pg_attribute")
    plan = plan_datakit(second(), database)
    assert [change.id for change in plan.changes] == [
        "change enum shop.kind",
        "change column shop.owner.code",
        "set comment shop.owner",
        "change column shop.item.name",
        "change column shop.item.price",
        "add column shop.item.size",
        "drop column shop.item.old",
        "drop unique shop.item.item_name_key",
        "drop check shop.item.priced",
        "add check shop.item.priced",
        "replace index shop.item.by_name",
        "add index shop.item.ix_shop_item_size",
        "drop comment shop.item",
    ]
    assert ask(database, "SELECT count(*) FROM pg_catalog.pg_attribute") == before
    assert plan == plan_datakit(second(), database)


def test_an_applied_plan_keeps_the_rows_and_leaves_nothing_to_do(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    ask(database, "INSERT INTO shop.owner VALUES ('me')")
    ask(database, "INSERT INTO shop.item (price, owner, kind) VALUES (2.5, 'me', 'a')")
    deployment = deploy_datakit(second(), database, allow=["drop column shop.item.old"])
    assert deployment.changed
    assert plan_datakit(second(), database).empty
    ask(database, "INSERT INTO shop.item (owner, kind) VALUES ('me', 'c')")
    assert ask(database, "SELECT name, price, kind::text, size FROM shop.item ORDER BY id") == [
        ("x", 2.5, "a", 0),
        ("y", None, "c", 0),
    ]


def test_a_plan_is_written_down_and_read_back_the_same(database: Target, tmp_path: Path) -> None:
    plan = plan_datakit(first(), database)
    plan.save(tmp_path / "plan.json")
    again = read_plan(tmp_path / "plan.json")
    assert again == plan
    assert apply_plan(again, database, datakit=first()).plan_hash == plan.hash


def test_a_plan_that_was_edited_is_refused(database: Target, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan_datakit(first(), database).save(path)
    path.write_text(path.read_text().replace("CREATE SCHEMA shop", "DROP SCHEMA shop"))
    with pytest.raises(PlanError, match=r"plan\.json was edited after it was saved"):
        read_plan(path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "plan": {"datakit": 1}}', "\0"]
)
def test_what_is_no_plan_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "p").write_text(content)
    with pytest.raises(PlanError, match="is not a saved plan") as caught:
        read_plan(tmp_path / "p")
    assert "\n" not in caught.value.message
    with pytest.raises(PlanError, match="cannot be read: No such file"):
        read_plan(tmp_path / "none")


def test_a_plan_for_a_target_that_moved_is_refused(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    plan = plan_datakit(second(), database)
    ask(database, "ALTER TABLE shop.item ALTER COLUMN price DROP NOT NULL")
    with pytest.raises(PlanError, match="is not what it was when the plan was made"):
        apply_plan(plan, database, datakit=second(), allow=[change.id for change in plan.changes])
    assert ask(
        database,
        "SELECT count(*) FROM information_schema.columns "
        "WHERE column_name = 'size' AND table_schema = 'shop'",
    ) == [(0,)]


def test_a_plan_for_another_declaration_is_refused(database: Target) -> None:
    plan = plan_datakit(first(), database)
    with pytest.raises(PlanError, match="declares something else"):
        apply_plan(plan, database, datakit=second())


def test_a_plan_that_is_applied_already_is_done(database: Target) -> None:
    plan = plan_datakit(first(), database)
    apply_plan(plan, database, datakit=first())
    assert not apply_plan(plan, database, datakit=first()).changed


def test_texts_name_changes_losses_and_statements(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    ask(database, "INSERT INTO shop.owner VALUES ('me')")
    ask(database, "INSERT INTO shop.item (price, owner, kind, old) VALUES (2.5, 'me', 'a', 'it')")
    ask(database, "CREATE INDEX mine ON shop.item (price)")
    plan = replace(plan_datakit(second(), database), target="t")
    shown = as_text(plan)
    assert shown.startswith("shop 2 to t: 13 changes, 1 of them refused\n")
    assert "  ! drop column shop.item.old (loses 1 value)\n" in shown
    assert "  + add column shop.item.size (integer not null default 0)\n" in shown
    assert "  . index mine of shop.item is not declared, and left alone\n" in shown
    sql = as_sql(plan)
    assert (
        sql.index("ADD VALUE 'c'")
        < sql.index("BEGIN;")
        < sql.index('DROP COLUMN "old"')
        < sql.index("COMMIT;")
    )
    table = as_markdown(plan)
    assert "| ❗ | drop column | `shop.item.old` |  | loses 1 value |" in table
    assert plan.hash[:16] in table


def test_an_empty_plan_says_so(database: Target) -> None:
    deploy_datakit(first(), database)
    plan = plan_datakit(first(), database)
    assert plan.empty
    assert as_text(plan).endswith(": nothing to do\n")
    assert list(plan.segments()) == []


def test_not_null_on_rows_without_a_value_cannot_be_done_even_if_allowed(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    ask(database, "ALTER TABLE shop.item ALTER COLUMN name DROP NOT NULL")
    ask(database, "INSERT INTO shop.owner VALUES ('me')")
    ask(database, "INSERT INTO shop.item (name, price, owner, kind) VALUES (NULL, 2.5, 'me', 'a')")
    with pytest.raises(RefusedChangesError, match="1 row hold no value: fill them first") as caught:
        deploy_datakit(first(), database, allow=["change column shop.item.name"])
    assert caught.value.exit_code == 65


@pytest.mark.parametrize(
    ("stored", "loss"),
    [("'12345678'", ""), ("'1234567890'", "1 value that character varying(8) does not hold")],
)
def test_narrowing_is_refused_by_what_it_would_cut(
    database: Target, ask: Ask, stored: str, loss: str
) -> None:
    deploy_datakit(second(), database)
    ask(database, "ALTER TABLE shop.owner ALTER COLUMN code TYPE varchar(20)")
    ask(database, f"INSERT INTO shop.owner VALUES ({stored})")
    (change,) = plan_datakit(second(), database).changes
    assert change.loss == loss


def test_a_lost_ledger_is_no_reason_to_change_anything_and_is_written_anew(
    database: Target, ask: Ask
) -> None:
    deploy_datakit(first(), database)
    ask(database, "DROP SCHEMA datakit CASCADE")
    assert plan_datakit(first(), database).empty
    assert not deploy_datakit(first(), database).changed
    assert ask(database, "SELECT name FROM datakit.object WHERE kind = 'table' ORDER BY 1") == [
        ("shop.item",),
        ("shop.owner",),
    ]


def test_a_ledger_of_an_earlier_version_grows(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    ask(database, "DROP TABLE datakit.object; ALTER TABLE datakit.deployment DROP COLUMN plan_hash")
    assert deploy_datakit(second(), database, allow=["drop column shop.item.old"]).changed
    assert plan_datakit(second(), database).empty


class Gentle(PostgresEngine):
    """Takes every table for a large one."""

    large_table = 0


def test_a_large_table_is_changed_beside_the_work_of_others(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    ask(database, "ALTER TABLE shop.item DROP CONSTRAINT priced, DROP CONSTRAINT item_owner_fkey")
    ask(database, "DROP INDEX shop.by_name; ALTER TABLE shop.item ALTER COLUMN owner DROP NOT NULL")
    ask(database, "ALTER TABLE shop.item DROP CONSTRAINT item_name_key")
    plan = plan_datakit(first(), database, engine=Gentle)
    assert {change.effect for change in plan.changes} == {"beside the work of others"}
    statements = [step.sql for step in plan.steps()]
    assert any("CREATE INDEX CONCURRENTLY" in sql for sql in statements)
    assert any("NOT VALID" in sql for sql in statements)
    assert any("USING INDEX" in sql for sql in statements)
    apply_plan(plan, database, datakit=first(), engine=Gentle)
    assert plan_datakit(first(), database).empty


def test_an_interrupted_index_and_unvalidated_constraints_are_finished(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    ask(database, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.by_name'::regclass")
    ask(database, "ALTER TABLE shop.item DROP CONSTRAINT priced")
    ask(
        database,
        "ALTER TABLE shop.item ADD CONSTRAINT priced CHECK (price > 0 AND name <> 'it''s: 5%') NOT VALID",
    )
    plan = plan_datakit(first(), database)
    assert [change.action for change in plan.changes] == ["validate check", "replace index"]
    deploy_datakit(first(), database)
    assert plan_datakit(first(), database).empty


def test_a_user_without_rights_is_told_which_are_missing(database: Target, ask: Ask) -> None:
    deploy_datakit(first(), database)
    ask(database, "DROP ROLE IF EXISTS poor")
    ask(database, "CREATE ROLE poor LOGIN; GRANT USAGE ON SCHEMA datakit, shop TO poor")
    ask(database, "GRANT SELECT ON ALL TABLES IN SCHEMA datakit, shop TO poor")
    poor = Target(database.url.set(username="poor"), name="poor")
    assert plan_datakit(first(), poor).empty
    with pytest.raises(DatakitError, match="must be owner of type"):
        deploy_datakit(second(), poor, allow=["drop column shop.item.old"])
    ask(database, "DROP OWNED BY poor; DROP ROLE poor")


def test_equal_plans_have_equal_hashes() -> None:
    plan = Plan(
        datakit="d",
        version="1",
        fingerprint="f",
        framework_version="0",
        target="t",
        dialect="x",
        server="x 1",
        base="b",
    )
    assert plan.hash == replace(plan).hash != replace(plan, base="c").hash
