"""What is declared beside tables and inside of them: views, rights, rows, renames, partitions, types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Enum,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    Time,
    Uuid,
    select,
)
from sqlalchemy.orm import registry
from sqlmodel import Field
from sqlmodel_framework import (
    BaseMixin,
    Partitions,
    TransactionalTableMixin,
    deploy_datakit,
    find_drift,
    rollback_datakit,
)
from sqlmodel_framework.base.declarations import Allow, RenameColumn, RenameTable, Rows, View
from sqlmodel_framework.base.partitions import REST
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.errors import PlanError
from sqlmodel_framework.schema.applying import apply_plan
from sqlmodel_framework.schema.planning import plan_datakit

from .conftest import Model, Place, kit, model


def country(*more: Column[Any], name: str = "country", title: str = "name", arguments: Any = ()) -> Model:
    code = Column("code", String(2), primary_key=True)
    return model(name, code, Column(title, String(40)), Column("size", Integer), *more, arguments=arguments)


def ids(place: Place, *models: Model, **more: Any) -> list[str]:
    return [change.id for change in plan_datakit(kit(*models, **more), place.target).changes]


ROWS = [{"code": "FR", "name": "France", "size": 5}, {"code": "MC", "name": "Monaco", "size": 1}]


def large(model_: Model, least: int) -> View:
    table = table_of(model_)
    return View(name="large", schema="shop", query=select(table.c.code).where(table.c.size > least))


@pytest.mark.capability("plan: views")
def test_a_view_is_made_replaced_and_dropped(place: Place) -> None:
    lands = country()
    deploy_datakit(kit(lands, views=(large(lands, 2),)), place.target)
    place.fill(lands, *ROWS)
    seen = f"SELECT code FROM {place.named('shop', 'large')} ORDER BY code"
    assert place.engine.read_rows(seen) == [{"code": "FR"}]
    assert ids(place, lands, views=(large(lands, 2),)) == []
    assert ids(place, lands, views=(large(lands, 0),)) == ["replace view shop.large"]
    deploy_datakit(kit(lands, views=(large(lands, 0),)), place.target)
    assert place.engine.read_rows(seen) == [{"code": "FR"}, {"code": "MC"}]
    assert ids(place, lands) == ["drop view shop.large"]
    deploy_datakit(kit(lands), place.target, allow=["drop view shop.large"])
    assert ids(place, lands) == []


@pytest.mark.capability("plan: rights")
def test_a_right_is_given_and_taken_away(place: Place, not_offered: Callable[[], None]) -> None:
    lands = country()
    given = (Allow(privileges=("SELECT",), on=lands, to="PUBLIC"),)
    if not place.engine.has_grants:
        not_offered()
        assert ids(place, lands, grants=given) == ids(place, lands)
        return
    deploy_datakit(kit(lands, grants=given), place.target)
    assert ids(place, lands, grants=given) == []
    assert ids(place, lands) == ["revoke SELECT on table shop.country to PUBLIC"]
    place.run(f"REVOKE SELECT ON {place.named('shop', 'country')} FROM PUBLIC")
    assert ids(place, lands, grants=given) == ["grant SELECT on table shop.country to PUBLIC"]


@pytest.mark.capability("plan: reference rows")
def test_reference_rows_are_inserted_mended_and_otherwise_left_alone(place: Place) -> None:
    lands = country()
    rows = (Rows(lands, [lands(**row) for row in ROWS]),)
    deploy_datakit(kit(lands, rows=rows), place.target)
    assert place.rows(lands, "code", "name", "size") == [("FR", "France", 5), ("MC", "Monaco", 1)]
    assert ids(place, lands, rows=rows) == []
    table = place.named("shop", "country")
    place.run(f"UPDATE {table} SET name = 'Frankreich' WHERE code = 'FR'")
    place.run(f"DELETE FROM {table} WHERE code = 'MC'")
    place.fill(lands, {"code": "XX", "name": "mine", "size": 3})
    assert ids(place, lands, rows=rows) == [
        "update row shop.country (code=FR)",
        "insert row shop.country (code=MC)",
    ]
    deploy_datakit(kit(lands, rows=rows), place.target)
    assert place.rows(lands, "code", "name") == [("FR", "France"), ("MC", "Monaco"), ("XX", "mine")]


def with_trips(lands: Model) -> tuple[Model, Model]:
    """A table, and one that refers to it."""
    trips = model(
        "trip", Column("id", Integer, primary_key=True, autoincrement=False), Column("to", String(2))
    )
    table, parent = table_of(trips), table_of(lands)
    table.append_constraint(ForeignKeyConstraint([table.c.to], [parent.c.code], name="trip_to"))
    return lands, trips


@pytest.mark.capability("plan: renames")
def test_a_table_and_a_column_are_renamed_with_their_rows_and_all_that_refers_to_them(place: Place) -> None:
    def lands(name: str, title: str, *more: Any) -> Model:
        return country(name=name, title=title, arguments=(Index("by_title", title), *more))

    before = with_trips(lands("land", "title"))
    place.deploy(*before)
    place.fill(before[0], {"code": "FR", "title": "France", "size": 5})
    place.fill(before[1], {"id": 1, "to": "FR"})
    # The check is what SQLite makes a table anew for.
    after = with_trips(lands("country", "name", CheckConstraint("size > 0", name="has_a_size")))
    renames = (
        RenameTable(old="shop.land", to=after[0]),
        RenameColumn(table=after[0], old="title", new="name"),
    )
    plan = plan_datakit(kit(*after, renames=renames), place.target)
    assert [change.id for change in plan.changes] == [
        "rename table shop.country",
        "rename column shop.country.name",
        "add check shop.country.has_a_size",
    ]
    assert plan.refusals == ()
    deploy_datakit(kit(*after, renames=renames), place.target)
    assert place.rows(after[0], "code", "name", "size") == [("FR", "France", 5)]
    assert ids(place, *after, renames=renames) == []
    assert place.table_names("shop") == ["country", "trip"]
    place.lose_the_ledger()
    assert ids(place, *after) == []


@pytest.mark.capability("plan: values of a list")
def test_a_list_of_values_grows_and_holds(place: Place) -> None:
    def sized(*values: str) -> Model:
        kind = Enum(*values, name="size_kind", schema="shop", create_constraint=not place.engine.has_enums)
        return country(Column("kind", kind))

    first, second = sized("small", "large"), sized("small", "large", "vast")
    place.deploy(first)
    place.fill(first, ROWS[0] | {"kind": "large"})
    assert ids(place, first) == []
    place.deploy(second)
    assert ids(place, second) == []
    place.fill(second, ROWS[1] | {"kind": "vast"})
    assert place.rows(second, "code", "kind") == [("FR", "large"), ("MC", "vast")]
    with pytest.raises(Exception, match=r"size_kind|CHECK|check|truncated"):
        place.run(
            f"INSERT INTO {place.named('shop', 'country')} (code, kind) VALUES ('XX', 'huge')",
        )


@pytest.mark.capability("plan: values of a list")
def test_lists_of_equal_lengths_are_told_apart(place: Place) -> None:
    def chosen(*second: str) -> Model:
        first = Enum("tea", "rye", name="kind_one", schema="shop")
        return country(Column("one", first), Column("two", Enum(*second, name="kind_two", schema="shop")))

    lands = chosen("cat", "dog")
    rows = (Rows(lands, [lands(**ROWS[0], one="rye", two="dog")]),)
    deploy_datakit(kit(lands, rows=rows), place.target)
    assert place.rows(lands, "one", "two") == [("rye", "dog")]
    assert ids(place, lands, rows=rows) == []
    place.lose_the_ledger()
    assert ids(place, lands, rows=rows) == []
    assert kit(lands).fingerprint() != kit(chosen("cat", "dog", "cow")).fingerprint()


TYPES: dict[str, Any] = {
    "a": JSON,
    "b": Boolean,
    "c": Uuid,
    "d": Numeric(20, 6),
    "e": DateTime(timezone=True),
    "f": DateTime,
    "g": Date,
    "h": Time,
    "i": Double,
    "j": LargeBinary,
    "k": Text,
}


@pytest.mark.capability("plan: types")
def test_every_type_is_found_as_it_was_declared(place: Place) -> None:
    typed = country(*(Column(name, kind) for name, kind in TYPES.items()))
    place.deploy(typed)
    assert ids(place, typed) == []
    # Now the declaration itself is compared with what is there.
    place.lose_the_ledger()
    assert ids(place, typed) == []


EAST = timezone(timedelta(hours=2))
VALUES: dict[str, tuple[Any, Any]] = {
    "a": ({"one": [1, "é"]}, {"one": [1, "e"]}),
    "b": (True, False),
    "c": (UUID(int=7), UUID(int=8)),
    "d": (Decimal("12345678.000001"), Decimal("12345678.000002")),
    "e": (datetime(2024, 5, 5, 1, 2, 3, tzinfo=UTC), datetime(2024, 5, 5, 1, 2, 3, tzinfo=EAST)),
    "f": (datetime(2024, 5, 5, 1, 2, 3), datetime(2024, 5, 6, 1, 2, 3)),
    "g": (date(2024, 5, 5), date(2024, 5, 6)),
    "h": (time(1, 2, 3), time(1, 2, 4)),
    "i": (0.1, 0.1 + 2**-56),
    "j": (b"\0'\xff", b"\0'\xfe"),
    "k": ("it's %s :é \\ 10%", "it's %s :é \\ 11%"),
}


@pytest.mark.capability("plan: reference rows")
@pytest.mark.parametrize("name", VALUES)
def test_a_declared_row_holds_any_value(place: Place, name: str) -> None:
    typed = country(*(Column(each, kind) for each, kind in TYPES.items()))

    def rows(value: Any) -> tuple[Rows, ...]:
        return (Rows(typed, [typed(code="FR", **{name: value}), typed(code="MC")]),)

    first, second = VALUES[name]
    deploy_datakit(kit(typed, rows=rows(first)), place.target)
    assert ids(place, typed, rows=rows(first)) == []
    for value in (second, None, first):
        assert ids(place, typed, rows=rows(value)) == ["update row shop.country (code=FR)"]
        deploy_datakit(kit(typed, rows=rows(value)), place.target)
        assert ids(place, typed, rows=rows(value)) == []
    held = dict(place.rows(typed, "code", name))
    assert held["MC"] is None
    # Not every driver says the zone.
    assert held["FR"] in (first, first.replace(tzinfo=None) if name == "e" else first)


@pytest.mark.capability("plan: reference rows")
@pytest.mark.parametrize("value", ["france", "France ", "Fránce", ""])
def test_text_that_a_database_takes_for_the_same_is_told_apart(place: Place, value: str) -> None:
    lands = country()
    deploy_datakit(kit(lands, rows=(Rows(lands, [lands(code="FR", name="France")]),)), place.target)
    rows = (Rows(lands, [lands(code="FR", name=value)]),)
    assert ids(place, lands, rows=rows) == ["update row shop.country (code=FR)"]
    deploy_datakit(kit(lands, rows=rows), place.target)
    assert place.rows(lands, "name") == [(value,)]
    assert ids(place, lands, rows=rows) == []


@pytest.mark.capability("plan: partitions")
def test_partitions_are_made_and_added(place: Place, not_offered: Callable[[], None]) -> None:
    first = {"event_2024": (date(2024, 1, 1), date(2025, 1, 1)), "event_rest": REST}
    second = first | {"event_2025": (date(2025, 1, 1), date(2026, 1, 1))}

    def events(parts: dict[str, Any]) -> Model:
        day = Column("day", Date, primary_key=True)
        key = Column("id", Integer, primary_key=True, autoincrement=False)
        made = model("event", key, day, partitions=Partitions.by_range("day", parts=parts))
        return made

    place.deploy(events(first))
    place.fill(events(first), {"id": 1, "day": date(2024, 5, 5)}, {"id": 2, "day": date(1999, 1, 1)})
    assert ids(place, events(first)) == []
    if place.engine.declared_partitioning(table_of(events(first))) is None:
        # The table is whole, which the declaration allows.
        not_offered()
        assert ids(place, events(second)) == []
        return
    assert ids(place, events(second)) == ["add partition shop.event.shop.event_2025"]
    place.deploy(events(second))
    assert ids(place, events(second)) == []
    assert place.count(table_of(events(second))) == 2


@pytest.mark.capability("plan: drift")
def test_what_somebody_changed_is_told_apart_from_what_the_datakit_changes(place: Place) -> None:
    place.deploy(country())
    assert not find_drift("planned", place.target).drifted
    place.run(f"ALTER TABLE {place.named('shop', 'country')} ADD COLUMN extra integer")
    drift = find_drift("planned", place.target)
    assert drift.differences == ("column shop.country.extra is not deployed",)
    assert "add column shop.country.more" in ids(place, country(Column("more", Integer)))


@pytest.mark.capability("plan: rollback")
def test_a_rollback_goes_back_to_what_was_deployed_before(place: Place) -> None:
    place.deploy(country())
    place.fill(country(), *ROWS)
    place.deploy(country(Column("more", Integer)))
    done = rollback_datakit("planned", place.target, allow=["drop column shop.country.more"])
    assert done.changes == ("drop column shop.country.more",)
    assert ids(place, country()) == []
    assert place.count(table_of(country())) == 2


@pytest.mark.capability("plan: a saved plan is applied to what it was made for")
def test_a_plan_is_applied_only_while_its_target_has_not_moved(place: Place) -> None:
    place.deploy(country())
    wider = kit(country(Column("more", Integer)))
    plan = plan_datakit(wider, place.target)
    place.deploy(country(Column("other", Integer)))
    with pytest.raises(PlanError, match="is not what it was when the plan was made"):
        apply_plan(plan, place.target, datakit=wider)
    again = plan_datakit(wider, place.target)
    allowed = [change.id for change in again.refusals]
    assert apply_plan(again, place.target, datakit=wider, allow=allowed).changed
    assert plan_datakit(wider, place.target).empty


@pytest.mark.capability("plan: times of the row")
def test_times_are_true_for_whoever_writes(place: Place) -> None:
    class Base(BaseMixin, registry=registry()):
        pass

    class Timed(Base, TransactionalTableMixin, table=True):
        __table_args__ = {"schema": "shop"}
        id: int = Field(primary_key=True)
        note: str | None = None

    place.deploy(Timed)
    table = place.named("shop", "timed")
    place.run(f"INSERT INTO {table} (id, note) VALUES (1, 'a')")
    ((first, changed),) = place.rows(Timed, "created_at", "updated_at")
    assert isinstance(first, datetime)
    place.run(f"UPDATE {table} SET note = 'b'")
    ((same, later),) = place.rows(Timed, "created_at", "updated_at")
    assert same == first
    assert later >= changed
