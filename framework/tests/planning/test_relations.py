"""Foreign keys with the indexes they stand on, and tables that come and go."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, MetaData, Table
from sqlmodel_framework.errors import RefusedChangesError
from sqlmodel_framework.schema.planning import plan_datakit

from .conftest import Model, Place, kit, model


def shelf() -> Model:
    return model("shelf", Column("id", Integer, primary_key=True, autoincrement=False))


def item(*, refers: bool = True, indexed: bool = False, **options: str) -> Model:
    arguments: list[object] = [Index("by_shelf", "shelf", "id")] if indexed else []
    if refers:
        arguments.append(ForeignKeyConstraint(["shelf"], ["shop.shelf.id"], **options))  # type: ignore[arg-type]
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    return model("item", key, Column("shelf", Integer), arguments=arguments)


def both(**options: object) -> tuple[Model, Model]:
    """The two tables on one metadata: a foreign key finds its table there."""
    first, second = shelf(), item(**options)  # type: ignore[arg-type]
    table: Table = first.__table__  # type: ignore[attr-defined]
    table.to_metadata(second.__table__.metadata)  # type: ignore[attr-defined]
    return first, second


PAIRS = [
    ({"refers": False}, {"refers": True}, ["add foreign key shop.item."]),
    ({"refers": True}, {"refers": False}, ["drop foreign key shop.item."]),
    ({"name": "held"}, {"refers": False}, ["drop foreign key shop.item.held"]),
    (
        {"name": "held"},
        {"name": "held", "ondelete": "CASCADE"},
        ["drop foreign key shop.item.held", "add foreign key shop.item.held"],
    ),
    ({"name": "held"}, {"name": "held", "indexed": True}, ["add index shop.item.by_shelf"]),
    ({"name": "held", "indexed": True}, {"name": "held"}, ["drop index shop.item.by_shelf"]),
    (
        {"indexed": True},
        {"refers": False},
        ["drop foreign key shop.item.", "drop index shop.item.by_shelf"],
    ),
]


@pytest.mark.capability("plan: foreign keys")
@pytest.mark.parametrize(("before", "after", "changes"), PAIRS)
def test_a_foreign_key_changes_with_the_rows_that_are_there(
    place: Place, before: dict[str, object], after: dict[str, object], changes: list[str]
) -> None:
    first, second = both(**before)
    place.deploy(first, second)
    place.fill(first, {"id": 7})
    place.fill(second, {"id": 1, "shelf": 7})
    assert not place.deploy(*both(**before)).changed
    made = place.deploy(*both(**after)).changes
    assert [full[: len(part)] for full, part in zip(made, changes, strict=True)] == changes
    again = place.deploy(*both(**after))
    assert not again.changed
    assert again.undeclared == ()
    assert place.rows(second, "id", "shelf") == [(1, 7)]


@pytest.mark.capability("plan: losses counted and refused")
def test_a_column_that_goes_is_refused_with_what_it_holds_until_it_is_allowed(place: Place) -> None:
    whole = item(refers=False)
    less = model("item", Column("id", Integer, primary_key=True, autoincrement=False))
    place.deploy(whole)
    place.fill(whole, {"id": 1, "shelf": 7}, {"id": 2, "shelf": None})
    with pytest.raises(RefusedChangesError) as caught:
        place.deploy(less)
    assert [(c.id, c.loss) for c in caught.value.changes] == [("drop column shop.item.shelf", "1 value")]
    assert place.count(whole.__table__) == 2  # type: ignore[attr-defined]
    assert place.deploy(less, allow=["drop column shop.item.shelf"]).changed
    assert place.rows(less, "id") == [(1,), (2,)]
    assert not place.deploy(less).changed


@pytest.mark.capability("plan: losses counted and refused")
def test_a_table_that_goes_is_refused_with_its_rows_until_it_is_allowed(place: Place) -> None:
    first, second = shelf(), item(refers=False)
    place.deploy(first, second)
    place.fill(second, {"id": 1}, {"id": 2})
    with pytest.raises(RefusedChangesError) as caught:
        place.deploy(first)
    assert [(c.id, c.loss) for c in caught.value.changes] == [("drop table shop.item", "2 rows")]
    assert place.count(Table("item", MetaData(), Column("id", Integer), schema="shop")) == 2
    assert place.deploy(first, allow=["drop table shop.item"]).changes == ("drop table shop.item",)
    assert place.table_names("shop") == ["shelf"]
    assert not place.deploy(first).changed


@pytest.mark.capability("plan: what nobody declared")
def test_what_nobody_declared_is_told_and_left_alone(place: Place) -> None:
    place.deploy(shelf())
    place.run(f"CREATE TABLE {place.named('shop', 'found')} (id int)")
    place.run(f"CREATE INDEX found_too ON {place.named('shop', 'shelf')} (id)")
    told = plan_datakit(kit(shelf()), place.target)
    assert told.empty
    assert sorted(told.undeclared) == ["index found_too of shop.shelf", "table shop.found"]


@pytest.mark.capability("plan: circles of tables")
def test_two_tables_that_refer_to_each_other_are_made(place: Place) -> None:
    metadata_of = model("egg", Column("id", Integer, primary_key=True), Column("hen", Integer))
    egg: Table = metadata_of.__table__  # type: ignore[attr-defined]
    hen_model = model("hen", Column("id", Integer, primary_key=True), Column("egg", Integer))
    hen: Table = hen_model.__table__  # type: ignore[attr-defined]
    egg.append_constraint(ForeignKeyConstraint([egg.c.hen], [hen.c.id], name="egg_hen"))
    hen.append_constraint(ForeignKeyConstraint([hen.c.egg], [egg.c.id], name="hen_egg"))
    assert place.deploy(metadata_of, hen_model).changed
    assert not place.deploy(metadata_of, hen_model).changed
    place.deploy(shelf(), allow=["drop table shop.egg", "drop table shop.hen"])
    assert place.table_names("shop") == ["shelf"]
    assert not place.deploy(shelf()).changed


@pytest.mark.capability("plan: views")
def test_a_view_in_a_tables_place_is_not_replaced(place: Place) -> None:
    place.deploy(item(refers=False))
    place.run(f"CREATE VIEW {place.named('shop', 'shelf')} AS SELECT 1 AS id")
    with pytest.raises(RefusedChangesError, match="it is a view, not a table"):
        place.deploy(shelf(), item(refers=False))
