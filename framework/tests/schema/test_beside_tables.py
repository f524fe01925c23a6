"""Views, rights, reference rows, renames and partitions: planned like tables, on a real PostgreSQL."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col
from sqlmodel_framework import Datakit, Target, deploy_datakit
from sqlmodel_framework.base.declarations import Allow, RenameColumn, RenameTable, Rows, View
from sqlmodel_framework.base.mixin import BaseMixin
from sqlmodel_framework.base.partitions import REST, Partitions
from sqlmodel_framework.errors import RefusedChangesError
from sqlmodel_framework.schema.drift import find_drift
from sqlmodel_framework.schema.planning import plan_datakit

Ask = Callable[..., list[tuple[object, ...]]]


class Country(BaseMixin, table=True):
    __tablename__ = "country"
    __table_args__ = {"schema": "geo"}
    code: str = Field(primary_key=True, max_length=2)
    name: str
    size: float | None = None


def kit(**more: object) -> Datakit:
    return Datakit(name="geo", version="1", tables=(Country,), **more)  # type: ignore[arg-type]


LARGE = View(
    name="large", schema="geo", query=select(col(Country.code)).where(col(Country.size) > 1.5), comment="it's"
)
COUNT = View(name="count", schema="geo", query=select(func.count().label("n")).select_from(Country))


def ids(datakit: Datakit, target: Target) -> list[str]:
    return [change.id for change in plan_datakit(datakit, target).changes]


def test_a_view_is_made_replaced_and_dropped(database: Target, ask: Ask) -> None:
    deploy_datakit(kit(views=(LARGE, COUNT)), database)
    assert ids(kit(views=(LARGE, COUNT)), database) == []
    ask(database, "INSERT INTO geo.country VALUES ('FR', 'France', 2), ('MC', 'Monaco', 1)")
    assert ask(database, "SELECT code FROM geo.large") == [("FR",)]
    assert ask(database, "SELECT obj_description('geo.large'::regclass)") == [("it's",)]
    wider = View(name="large", schema="geo", query="SELECT code, name FROM geo.country WHERE size > 0.5")
    assert ids(kit(views=(wider,)), database) == ["replace view geo.large", "drop view geo.count"]
    deploy_datakit(kit(views=(wider,)), database, allow=["drop view geo.count"])
    assert ask(database, "SELECT code, name FROM geo.large ORDER BY 1") == [
        ("FR", "France"),
        ("MC", "Monaco"),
    ]
    assert ids(kit(views=(wider,)), database) == []


def test_a_view_that_somebody_changed_has_drifted_and_is_put_right(database: Target, ask: Ask) -> None:
    deploy_datakit(kit(views=(LARGE,)), database)
    ask(database, "CREATE OR REPLACE VIEW geo.large AS SELECT code FROM geo.country")
    assert find_drift("geo", database).differences == ("view geo.large differs from what was deployed",)
    assert ids(kit(views=(LARGE,)), database) == ["replace view geo.large"]
    deploy_datakit(kit(views=(LARGE,)), database)
    assert not find_drift("geo", database).drifted


def test_without_a_ledger_a_view_is_known_by_what_it_means(database: Target, ask: Ask) -> None:
    deploy_datakit(kit(views=(LARGE,)), database)
    ask(database, "DROP SCHEMA datakit CASCADE")
    assert ids(kit(views=(LARGE,)), database) == []


def test_a_materialized_view_keeps_its_rows(database: Target, ask: Ask) -> None:
    view = View(name="kept", schema="geo", query=select(col(Country.code)), materialized=True)
    deploy_datakit(kit(views=(view,)), database)
    ask(database, "INSERT INTO geo.country VALUES ('FR', 'France', 2)")
    assert ask(database, "SELECT count(*) FROM geo.kept") == [(0,)]
    assert ids(kit(views=(view,)), database) == []


def test_rights_are_given_and_taken_away_and_others_are_left_alone(database: Target, ask: Ask) -> None:
    for role in ("Reader of geo", "stranger"):
        ask(database, f'DROP ROLE IF EXISTS "{role}"')
        ask(database, f'CREATE ROLE "{role}"')
    given = (
        Allow(privileges=("USAGE",), schema="geo", to="Reader of geo"),
        Allow(privileges=("SELECT", "INSERT"), on=Country, to="Reader of geo"),
        Allow(privileges=("SELECT",), on=LARGE, to="PUBLIC"),
    )
    deploy_datakit(kit(views=(LARGE,), grants=given), database)
    assert ids(kit(views=(LARGE,), grants=given), database) == []
    ask(database, "GRANT DELETE ON geo.country TO stranger")
    ask(database, 'REVOKE SELECT ON geo.country FROM "Reader of geo"')
    plan = plan_datakit(kit(views=(LARGE,), grants=given[:2]), database)
    assert [change.id for change in plan.changes] == [
        "grant SELECT on table geo.country to Reader of geo",
        "revoke SELECT on table geo.large to PUBLIC",
    ]
    assert plan.undeclared == ("grant DELETE to stranger of geo.country",)
    deploy_datakit(kit(views=(LARGE,), grants=given[:2]), database)
    assert ids(kit(views=(LARGE,), grants=given[:2]), database) == []
    ask(database, 'DROP OWNED BY stranger, "Reader of geo"; DROP ROLE stranger; DROP ROLE "Reader of geo"')


def rows(*countries: Country) -> Datakit:
    return kit(rows=(Rows(Country, countries),))


def test_reference_rows_are_inserted_mended_and_otherwise_left_alone(database: Target, ask: Ask) -> None:
    first = rows(Country(code="FR", name="Fr%ance: it's", size=2.5), Country(code="MC", name="Monaco"))
    deploy_datakit(first, database)
    assert ids(first, database) == []
    ask(database, "UPDATE geo.country SET name = 'Frankreich' WHERE code = 'FR'")
    ask(
        database,
        "DELETE FROM geo.country WHERE code = 'MC'; INSERT INTO geo.country VALUES ('XX', 'mine', 1)",
    )
    assert ids(first, database) == ["update row geo.country (code=FR)", "insert row geo.country (code=MC)"]
    deploy_datakit(first, database)
    assert ask(database, "SELECT code, name, size FROM geo.country ORDER BY 1") == [
        ("FR", "Fr%ance: it's", 2.5),
        ("MC", "Monaco", None),
        ("XX", "mine", 1.0),
    ]


def test_a_table_and_a_column_are_renamed_with_their_rows(database: Target, ask: Ask) -> None:
    class Base(SQLModel, registry=registry()):
        pass

    class Old(Base, table=True):
        __tablename__ = "land"
        __table_args__ = (CheckConstraint("title <> 'title'"), {"schema": "old"})
        code: str = Field(primary_key=True)
        title: str = Field(index=True)

    class New(Base, table=True):
        __tablename__ = "country"
        __table_args__ = (CheckConstraint("name <> 'title'"), {"schema": "geo"})
        code: str = Field(primary_key=True)
        name: str

    deploy_datakit(Datakit(name="geo", version="1", tables=(Old,)), database)
    ask(database, "INSERT INTO old.land VALUES ('FR', 'France')")
    ask(database, "CREATE SCHEMA geo")
    renames = (RenameTable(old="old.land", to=New), RenameColumn(table=New, old="title", new="name"))
    newer = Datakit(name="geo", version="2", tables=(New,), renames=renames)
    assert ids(newer, database)[:2] == ["rename table geo.country", "rename column geo.country.name"]
    assert not any(change.loss for change in plan_datakit(newer, database).changes)
    deploy_datakit(newer, database)
    assert ask(database, "SELECT * FROM geo.country") == [("FR", "France")]
    assert ids(newer, database) == []


def test_partitions_are_made_added_and_kept_when_they_go(database: Target, ask: Ask) -> None:
    def events(**parts: object) -> Datakit:
        class Base(BaseMixin, registry=registry()):
            pass

        class Event(Base, table=True):
            __tablename__ = "event"
            __table_args__ = {"schema": "log"}
            __partitions__ = Partitions.by_range("day", parts=parts)  # type: ignore[arg-type]
            id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
            day: date = Field(primary_key=True)

        return Datakit(name="log", version="1", tables=(Event,))

    first = {"event_2024": (date(2024, 1, 1), date(2025, 1, 1)), "event_rest": REST}
    deploy_datakit(events(**first), database)
    ask(database, "INSERT INTO log.event VALUES (1, '2024-05-05'), (2, '1999-01-01')")
    assert ask(database, "SELECT count(*) FROM log.event_2024") == [(1,)]
    assert ids(events(**first), database) == []
    ask(database, "DROP SCHEMA datakit CASCADE")
    assert ids(events(**first), database) == []
    second = first | {"event_2025": (date(2025, 1, 1), date(2026, 1, 1))}
    assert ids(events(**second), database) == ["add partition log.event.log.event_2025"]
    deploy_datakit(events(**second), database)
    assert ids(events(**second), database) == []
    fewer = {name: bounds for name, bounds in second.items() if name != "event_2024"}
    assert ids(events(**fewer), database) == ["detach partition log.event.log.event_2024"]
    deploy_datakit(events(**fewer), database)
    assert ask(database, "SELECT count(*) FROM log.event_2024") == [(1,)]


@pytest.mark.parametrize("name", ["select", "Mixed Case", 'qu"ote', "ünï", "a.b", "100%"])
def test_any_name_of_a_view_works(database: Target, name: str) -> None:
    datakit = kit(views=(View(name=name, schema="geo", query=select(col(Country.code))),))
    deploy_datakit(datakit, database)
    assert ids(datakit, database) == []


def lands(size: type = float, **more: object) -> Datakit:
    class Base(BaseMixin, registry=registry()):
        pass

    make: Any = type(BaseMixin)
    cls = make(
        "Country",
        (Base,),
        {
            "__annotations__": {"code": str, "size": size},
            "__module__": __name__,
            "__table_args__": {"schema": "geo"},
            "code": Field(primary_key=True),
            "size": Field(),
        },
        table=True,
    )
    return Datakit(name="geo", version="1", tables=(cls,), **more)  # type: ignore[arg-type]


SIZES = View(name="sizes", schema="geo", query="SELECT code, size FROM geo.country", comment="it's")
TOTAL = View(name="total", schema="geo", query="SELECT count(size) AS n FROM geo.sizes")


def test_views_make_way_for_a_change_of_what_they_read(database: Target, ask: Ask) -> None:
    views = (SIZES, TOTAL)
    given = (Allow(privileges=("SELECT",), on=SIZES, to="PUBLIC"),)
    deploy_datakit(lands(int, views=views, grants=given), database)
    ask(database, "INSERT INTO geo.country VALUES ('FR', 5)")
    wider = lands(float, views=views, grants=given)
    assert ids(wider, database) == ["change column geo.country.size"]
    deploy_datakit(wider, database)
    assert ids(wider, database) == []
    assert ask(database, "SELECT code, size, n FROM geo.sizes, geo.total") == [("FR", 5.0, 1)]
    assert ask(database, "SELECT obj_description('geo.sizes'::regclass)") == [("it's",)]
    assert not find_drift("geo", database).drifted


def test_what_reads_a_view_makes_way_for_its_replacement_and_keeps_its_rights(
    database: Target, ask: Ask
) -> None:
    other = View(name="sizes", schema="geo", query="SELECT code, size::int AS size FROM geo.country")

    def given(*views: View) -> tuple[Allow, ...]:
        return tuple(Allow(privileges=("SELECT",), on=view, to="PUBLIC") for view in views)

    deploy_datakit(lands(views=(SIZES, TOTAL), grants=given(SIZES, TOTAL)), database)
    newer = lands(int, views=(other, TOTAL), grants=given(other, TOTAL))
    assert ids(newer, database) == ["change column geo.country.size", "replace view geo.sizes"]
    deploy_datakit(newer, database)
    assert ids(newer, database) == []
    assert ask(database, "SELECT n FROM geo.total") == [(0,)]


def test_a_view_that_nobody_declared_is_never_taken_away(database: Target, ask: Ask) -> None:
    deploy_datakit(lands(int), database)
    ask(database, "CREATE VIEW geo.theirs AS SELECT size FROM geo.country")
    (change,) = plan_datakit(lands(float), database).changes
    assert change.blocked == (
        "view geo.theirs, which this datakit did not declare, reads it: drop that view first"
    )
    with pytest.raises(RefusedChangesError, match=r"geo\.theirs"):
        deploy_datakit(lands(float), database, allow=[change.id])
    assert ask(database, "SELECT count(*) FROM geo.theirs") == [(0,)]
