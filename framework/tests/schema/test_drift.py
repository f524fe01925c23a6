from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit, Target, deploy_datakit
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.schema.drift import find_drift
from sqlmodel_framework.schema.planning import plan_datakit
from sqlmodel_framework.schema.rollback import deployments_of, rollback_datakit

Ask = Callable[..., list[tuple[object, ...]]]


def shop(version: str, **columns: Any) -> Datakit:
    class Base(SQLModel, registry=registry()):
        pass

    fields = {"id": Field(primary_key=True), **{name: Field(default=None) for name in columns}}
    annotations = {"id": int, **columns}
    make: Any = type(SQLModel)
    item = make(
        "Item",
        (Base,),
        {
            **fields,
            "__annotations__": annotations,
            "__module__": __name__,
            "__table_args__": {"schema": "shop"},
        },
        table=True,
    )
    return Datakit(name="shop", version=version, tables=(item,))


def test_what_a_deployment_left_has_not_drifted(database: Target) -> None:
    deploy_datakit(shop("1"), database)
    drift = find_drift("shop", database)
    assert not drift.drifted
    assert drift.undeclared == ()


def test_what_somebody_changed_is_told_apart_from_what_the_datakit_changed(
    database: Target, ask: Ask
) -> None:
    deploy_datakit(shop("1", name=str | None), database)
    ask(database, "ALTER TABLE shop.item ALTER COLUMN name TYPE varchar(9), ALTER COLUMN id SET DEFAULT 7")
    ask(database, "CREATE INDEX mine ON shop.item (name); CREATE TABLE shop.other (a int)")
    newer = shop("2", name=str | None, size=int | None)
    drift = find_drift("shop", database)
    assert sorted(drift.differences) == [
        "shop.item.id has the default '7', deployed none; has the identity none, deployed 'serial'",
        "shop.item.name is character varying(9), deployed character varying",
    ]
    assert sorted(drift.undeclared) == ["index mine of shop.item", "table shop.other"]
    assert "add column shop.item.size" in {change.id for change in plan_datakit(newer, database).changes}
    assert not any("size" in each for each in drift.differences)


def test_what_was_never_deployed_cannot_drift(database: Target) -> None:
    with pytest.raises(TerminalError, match="no record of a deployment of datakit 'shop'"):
        find_drift("shop", database)


def test_another_datakits_objects_are_nobodys_drift(database: Target) -> None:
    deploy_datakit(shop("1"), database)

    class Base(SQLModel, registry=registry()):
        pass

    class Other(Base, table=True):
        __table_args__ = {"schema": "shop"}
        id: int = Field(primary_key=True)

    deploy_datakit(Datakit(name="more", version="1", tables=(Other,)), database)
    assert find_drift("shop", database).undeclared == ()
    assert plan_datakit(shop("1"), database).undeclared == ()


def test_a_rollback_goes_back_to_what_was_deployed_before(database: Target, ask: Ask) -> None:
    deploy_datakit(shop("1", name=str | None), database)
    ask(database, "INSERT INTO shop.item VALUES (1, 'one')")
    deploy_datakit(shop("2", name=str | None, size=int | None), database)
    assert [each.version for each in deployments_of("shop", database)] == ["1", "2"]
    deployment = rollback_datakit("shop", database, allow=["drop column shop.item.size"])
    assert deployment.changes == ("drop column shop.item.size",)
    assert deployment.version == "1"
    assert plan_datakit(shop("1", name=str | None), database).empty
    assert ask(database, "SELECT * FROM shop.item") == [(1, "one")]
    assert [each.version for each in deployments_of("shop", database)] == ["1", "2", "1"]


def test_a_rollback_makes_a_table_again_as_it_was(database: Target, ask: Ask) -> None:
    whole = shop("1", name=str | None)
    deploy_datakit(whole, database)
    before = ask(
        database,
        "SELECT column_name, data_type, column_default FROM information_schema.columns "
        "WHERE table_schema = 'shop' ORDER BY ordinal_position",
    )
    first = deployments_of("shop", database)[0]

    class Base(SQLModel, registry=registry()):
        pass

    class Other(Base, table=True):
        __table_args__ = {"schema": "shop"}
        id: int = Field(primary_key=True)

    deploy_datakit(
        Datakit(name="shop", version="2", tables=(Other,)), database, allow=["drop table shop.item"]
    )
    rollback_datakit("shop", database, to=first.deployment_id, allow=["drop table shop.other"])
    after = ask(
        database,
        "SELECT column_name, data_type, column_default FROM information_schema.columns "
        "WHERE table_schema = 'shop' ORDER BY ordinal_position",
    )
    assert after == before
    assert plan_datakit(whole, database).empty


def test_there_is_no_way_back_from_the_first_deployment(database: Target) -> None:
    deploy_datakit(shop("1"), database)
    with pytest.raises(TerminalError, match="no record of an earlier deployment"):
        rollback_datakit("shop", database)


def test_dropping_a_table_counts_its_rows(database: Target, ask: Ask) -> None:
    deploy_datakit(shop("1"), database)
    ask(database, "INSERT INTO shop.item SELECT generate_series(1, 1234)")

    class Base(SQLModel, registry=registry()):
        pass

    class Other(Base, table=True):
        __table_args__ = {"schema": "shop"}
        id: int = Field(primary_key=True)

    plan = plan_datakit(Datakit(name="shop", version="2", tables=(Other,)), database)
    assert [(c.id, c.loss) for c in plan.changes if c.loss] == [("drop table shop.item", "1,234 rows")]
