"""A deployment that is killed anywhere is finished by the next one."""

from __future__ import annotations

import os
import signal

import pytest
from sqlalchemy import CheckConstraint, Column, Engine, ForeignKeyConstraint, Index, Integer, String, event
from sqlmodel_framework.schema.planning import plan_datakit

from .conftest import Model, Place, kit, model

ALLOWED = ["drop column shop.item.old", "drop table shop.gone"]


def before() -> tuple[Model, ...]:
    key = Column("id", Integer, primary_key=True)
    gone = model("gone", Column("id", Integer, primary_key=True))
    index = Index("by_code", "code")
    return gone, model("item", key, Column("code", String(5)), Column("old", Integer), arguments=(index,))


def after() -> tuple[Model, ...]:
    item = model(
        "item",
        Column("id", Integer, primary_key=True),
        Column("code", String(9), nullable=False, server_default="none"),
        Column("place", Integer),
        arguments=(Index("by_code", "code", "place"), CheckConstraint("code <> ''", name="named")),
    )
    place = model("place", Column("id", Integer, primary_key=True), Column("name", String(9), unique=True))
    items, places = item.__table__, place.__table__  # type: ignore[attr-defined]
    items.append_constraint(ForeignKeyConstraint([items.c.place], [places.c.id], name="item_place"))
    return item, place


def killed_before(number: int, place: Place) -> bool:
    """Deploy in a process that kills itself before one of its statements; whether it came so far."""
    child = os.fork()
    if child == 0:
        left = number

        def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            nonlocal left
            # What only asks leaves everything as the statement before it did.
            left -= not statement.lstrip().startswith(("SELECT", "SHOW"))
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", count)
        code = 1
        try:
            place.deploy(*after(), allow=ALLOWED)
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def begin(place: Place) -> None:
    place.clear()
    place.deploy(*before())
    place.fill(before()[1], {"id": 1, "code": "tea", "old": 5}, {"id": 2, "code": "milk", "old": None})


@pytest.mark.capability("plan: killed at any statement, and finished")
def test_a_deployment_that_is_killed_before_any_statement_is_finished_by_the_next(place: Place) -> None:
    number = 0
    begin(place)
    while killed_before(number, place):
        place.deploy(*after(), allow=ALLOWED)
        assert place.rows(after()[0], "id", "code", "place") == [(1, "tea", None), (2, "milk", None)]
        assert place.table_names("shop") == ["item", "place"]
        assert plan_datakit(kit(*after()), place.target).empty
        number += 1
        begin(place)
    assert number > len(ALLOWED)
    assert plan_datakit(kit(*after()), place.target).empty
