"""A table that keeps its history is deployed, changed and asked like any other, wherever it is."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy.orm import registry
from sqlmodel import Field
from sqlmodel_framework import BaseMixin, TemporalTableMixin, TransactionalTableMixin, find_drift, history_of
from sqlmodel_framework.schema.planning import plan_datakit

from .conftest import Place, kit


def price(**columns: Any) -> Any:
    class Base(BaseMixin, registry=registry()):
        pass

    make: Any = type(BaseMixin)
    fields = {"id": Field(primary_key=True), **{name: Field(default=None) for name in columns}}
    return make(
        "Price",
        (Base, TemporalTableMixin, TransactionalTableMixin),
        {
            **fields,
            "__annotations__": {"id": int, **columns},
            "__module__": __name__,
            "__table_args__": {"schema": "shop"},
        },
        table=True,
    )


@pytest.mark.capability("plan: tables that keep their history")
def test_what_keeps_a_history_is_deployed_and_follows_its_table(place: Place) -> None:
    first = price(amount=int | None)
    place.deploy(first)
    assert plan_datakit(kit(first), place.target).empty
    assert not find_drift("planned", place.target).drifted
    place.fill(first, {"id": 1, "amount": 5})
    table = place.named("shop", "price")
    place.run(f"UPDATE {table} SET amount = 6")
    wider = price(amount=int | None, note=str | None)
    assert "add column shop.price.note" in place.deploy(wider).changes
    assert plan_datakit(kit(wider), place.target).empty
    place.run(f"UPDATE {table} SET note = 'dear'")
    # What one transaction made and unmade was never there, where changes are dated to transactions.
    place.run(f"DELETE FROM {table}")
    states = place.engine.read_rows(history_of(wider, 1))
    assert [(row["amount"], row["note"]) for row in states] == [(5, None), (6, None), (6, "dear")]
    assert all(one["valid_to"] == two["valid_from"] for one, two in pairwise(states))
