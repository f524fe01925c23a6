"""The ledger: made when it is missing, completed when it is older, and asked instead of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Column, Engine, Integer, String, event
from sqlmodel_framework.runs.ledger import ledger_tables
from sqlmodel_framework.schema.planning import plan_datakit

from .conftest import Model, Place, kit, model


def item(number: int = 0, length: int = 10) -> Model:
    code = Column("code", String(length), server_default="x", nullable=False)
    return model(f"item{number or ''}", Column("id", Integer, primary_key=True), code)


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.capability("plan: ledger")
def test_a_ledger_that_lacks_something_is_completed_and_keeps_what_it_has(place: Place) -> None:
    place.deploy(item())
    place.run(
        f"DROP TABLE {place.named('datakit', 'quarantine')}",
        f"ALTER TABLE {place.named('datakit', 'deployment')} DROP COLUMN deployed_by",
    )
    assert not place.deploy(item()).changed
    deployment = next(table for table in ledger_tables() if table.name == "deployment")
    assert place.count(deployment) == 1
    assert place.deploy(item(length=11)).changed
    assert place.count(deployment) == 2
    assert sorted(place.table_names("datakit")) == sorted(table.name for table in ledger_tables())


@pytest.mark.capability("plan: ledger")
def test_a_target_that_lost_its_ledger_is_known_again(place: Place) -> None:
    place.deploy(item())
    place.lose_the_ledger()
    assert plan_datakit(kit(item()), place.target).empty


@pytest.mark.capability("plan: a no-op of few queries")
def test_what_doing_nothing_asks_does_not_grow_with_the_tables(place: Place) -> None:
    asked = []
    for tables in (2, 12):
        models = [item(number) for number in range(1, tables)]
        place.deploy(*models)
        with counted() as statements:
            assert not place.deploy(*models).changed
        asked.append(len(statements))
    assert asked[0] == asked[1]
