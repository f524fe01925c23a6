"""A table that keeps its history, deployed and changed like any other, on a real PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import registry
from sqlmodel import Field, Session
from sqlmodel_framework import (
    BaseMixin,
    Datakit,
    Target,
    TemporalTableMixin,
    TransactionalTableMixin,
    as_of,
    deploy_datakit,
    find_drift,
    history_of,
    plan_datakit,
)
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.errors import DeclarationError

Ask = Callable[..., list[tuple[object, ...]]]


def shop(schema: str | None = "shop", **columns: Any) -> tuple[Datakit, Any]:
    class Base(BaseMixin, registry=registry()):
        pass

    fields = {"id": Field(primary_key=True), **{name: Field(default=None) for name in columns}}
    make: Any = type(BaseMixin)
    price = make(
        "Price",
        (Base, TemporalTableMixin, TransactionalTableMixin),
        {
            **fields,
            "__annotations__": {"id": int, **columns},
            "__module__": __name__,
            "__table_args__": {"schema": schema},
        },
        table=True,
    )
    return Datakit(name="shop", version="1", tables=(price,)), price


@pytest.mark.parametrize("schema", ["shop", None, "Sh.op's"])
def test_deploying_installs_what_keeps_the_history_and_nothing_is_left_to_do(
    database: Target, ask: Ask, schema: str | None
) -> None:
    kit, price = shop(schema, amount=int | None)
    deploy_datakit(kit, database)
    assert plan_datakit(kit, database).empty
    assert not find_drift("shop", database).drifted
    engine = create_engine(database.secret_url(), poolclass=NullPool)
    with Session(engine) as session:
        session.add(price(id=1, amount=5))
        session.commit()
    between = datetime.now(UTC)
    with Session(engine) as session:
        session.get_one(price, 1).amount = 6
        session.commit()
    with Session(engine) as session:
        assert [row.amount for row in session.exec(as_of(price, between))] == [5]
        assert [row.amount for row in session.exec(as_of(price, datetime.now(UTC)))] == [6]
    engine.dispose()


def test_a_new_column_reaches_the_history_with_its_table(database: Target, ask: Ask) -> None:
    deploy_datakit(shop(amount=int | None)[0], database)
    ask(database, "INSERT INTO shop.price (id, amount) VALUES (1, 5)")
    ask(database, "UPDATE shop.price SET amount = 6")
    wider, _ = shop(amount=int | None, note=str | None)
    changes = deploy_datakit(wider, database).changes
    assert {"add column shop.price.note", "add column shop.price_history.note"} <= set(changes)
    assert plan_datakit(wider, database).empty
    ask(database, "UPDATE shop.price SET note = 'dear'")
    ask(database, "UPDATE shop.price SET note = 'cheap'")
    assert ask(database, "SELECT amount, note FROM shop.price_history ORDER BY valid_from") == [
        (5, None),
        (6, None),
        (6, "dear"),
    ]


def test_a_trigger_or_its_function_that_somebody_changed_is_put_right(database: Target, ask: Ask) -> None:
    kit, _ = shop(amount=int | None)
    deploy_datakit(kit, database)
    ask(database, "DROP TRIGGER zz_datakit_keep_update ON shop.price")
    (function,) = ask(database, "SELECT proname FROM pg_proc WHERE proname LIKE 'price%stamp%'")[0]
    ask(
        database,
        f"CREATE OR REPLACE FUNCTION shop.{function}() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END'",
    )
    assert len(find_drift("shop", database).differences) == 2
    changes = deploy_datakit(kit, database).changes
    assert [change.split(" shop.")[0] for change in changes] == ["add trigger", "replace routine"]
    assert plan_datakit(kit, database).empty


def test_updated_at_is_true_for_writers_that_pass_by_the_orm(database: Target, ask: Ask) -> None:
    class Base(BaseMixin, registry=registry()):
        pass

    class Order(Base, TransactionalTableMixin, table=True):
        __table_args__ = {"schema": "shop"}
        id: int = Field(primary_key=True)
        amount: int | None = None

    kit = Datakit(name="shop", version="1", tables=(Order,))
    deploy_datakit(kit, database)
    assert plan_datakit(kit, database).empty
    ask(database, "INSERT INTO shop.order (id, amount) VALUES (1, 5)")
    ask(database, "UPDATE shop.order SET amount = 6, updated_at = '1999-01-01'")
    assert ask(database, "SELECT updated_at > created_at FROM shop.order") == [(True,)]


def test_an_engine_that_cannot_keep_a_history_says_so(database: Target) -> None:
    kit, _ = shop(amount=int | None)
    with pytest.raises(DeclarationError, match=r"shop\.price keeps its history, which BaseEngine cannot"):
        deploy_datakit(kit, database, engine=BaseEngine)


def test_on_sqlite_too_a_deployment_installs_what_keeps_the_history(tmp_path: Path) -> None:
    target = Target(f"sqlite:///{tmp_path / 'shop.db'}")
    kit, price = shop(amount=int | None)
    deploy_datakit(kit, target)
    assert plan_datakit(kit, target).empty
    engine = engine_for(target)
    engine.write_rows('INSERT INTO "shop.price" (id, amount) VALUES (1, 5)')
    engine.write_rows('UPDATE "shop.price" SET amount = 6')
    wider, price = shop(amount=int | None, note=str | None)
    assert "add column shop.price_history.note" in deploy_datakit(wider, target).changes
    assert plan_datakit(wider, target).empty
    engine.write_rows("UPDATE \"shop.price\" SET note = 'dear'")
    states = engine.read_rows(history_of(price, 1))
    assert [(row["amount"], row["note"]) for row in states] == [(5, None), (6, None), (6, "dear")]
