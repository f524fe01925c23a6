"""Snapshots of rows that change, go and come again, loaded one after another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Datakit,
    History,
    Load,
    RowSource,
    Target,
    TemporalTableMixin,
    make_history,
    run_datakit,
)
from sqlmodel_framework.errors import DeclarationError

Ask = Callable[..., list[tuple[object, ...]]]
SCHEMA = {"schema": "past"}
Snapshot = dict[str, dict[str, Any]]


class City(TemporalTableMixin, table=True):
    __tablename__ = "past_city"
    __table_args__ = SCHEMA
    code: str = Field(primary_key=True, max_length=4)
    name: str = Field(unique=True)
    people: int = Field(ge=0)
    mayor: str | None = None
    capital: str | None = Field(default=None, foreign_key="past.past_city.code")


def by_code(snapshot: list[dict[str, Any]]) -> Snapshot:
    return {row["code"]: row for row in snapshot}


@given(seed=st.integers(), keys=st.integers(1, 60), changes=st.integers(0, 6))
@settings(max_examples=30)
def test_every_snapshot_changes_ends_and_begins_some(seed: int, keys: int, changes: int) -> None:
    snapshots = [by_code(snapshot) for snapshot in make_history(City, keys, changes, seed=seed)]
    assert len(snapshots) == changes + 1
    assert len(snapshots[0]) == keys
    share = max(1, keys // 10)
    gone: set[str] = set()
    for number, (before, after) in enumerate(pairwise(snapshots)):
        assert len(before.keys() - after.keys()) == min(share, len(before))
        again = after.keys() & gone
        assert len(again) == (1 if number else 0)
        assert len(after.keys() - before.keys() - gone) == share
        gone = (gone | before.keys()) - after.keys()
        stayed = before.keys() & after.keys()
        assert len([code for code in stayed if before[code] != after[code]]) == min(share, len(stayed))
        # What tells rows apart stays.
        assert all(before[code]["name"] == after[code]["name"] for code in stayed)
        assert len({row["name"] for row in after.values()}) == len(after)
    assert snapshots == [by_code(snapshot) for snapshot in make_history(City, keys, changes, seed=seed)]


def test_a_database_that_loads_them_keeps_every_state(database: Target, ask: Ask) -> None:
    snapshots = list(make_history(City, 40, 5, seed=7))
    expected: list[tuple[object, ...]] = []
    for before, after in pairwise([{}, *map(by_code, snapshots)]):
        expected += [
            (code, row["people"], row["mayor"]) for code, row in after.items() if before.get(code) != row
        ]
    for snapshot in snapshots:
        load(database, snapshot)
    query = "SELECT code, people, mayor, valid_from, valid_to FROM past.{}"
    states = ask(database, query.format("past_city")) + ask(database, query.format("past_city_history"))
    assert sorted(map(repr, (state[:3] for state in states))) == sorted(map(repr, expected))
    last = by_code(snapshots[-1])
    now = ask(database, "SELECT code, people, mayor FROM past.past_city ORDER BY code")
    assert now == [(code, row["people"], row["mayor"]) for code, row in sorted(last.items())]
    # A key that came again was away in between.
    code = next(code for code in sorted(last) if code in by_code(snapshots[0]) and was_away(code, snapshots))
    ends: list[Any] = sorted((start, end) for name, _, _, start, end in states if name == code)
    assert any(end < start for (_, end), (start, _) in pairwise(ends))


def was_away(code: str, snapshots: list[list[dict[str, Any]]]) -> bool:
    return any(code not in by_code(snapshot) for snapshot in snapshots)


def load(target: Target, snapshot: list[dict[str, Any]]) -> None:
    source = RowSource(rows=lambda: snapshot, name="cities")
    only = Load(table=City, name="cities", layer="gold", source=source, mode=History(), contract="enforce")
    run_datakit(Datakit(name="past", version="1", tables=(City,), loads=(only,)), target)


class Plain(SQLModel, table=True):
    __tablename__ = "past_plain"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True)


class Chain(TemporalTableMixin, table=True):
    __tablename__ = "past_chain"
    __table_args__ = SCHEMA
    id: int = Field(primary_key=True)
    after: int = Field(foreign_key="past.past_chain.id")


def test_what_has_no_history_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"past\.past_plain keeps no history"):
        make_history(Plain, 1, 1)
    with pytest.raises(DeclarationError, match="needs a key"):
        make_history(City, 0, 1)
    with pytest.raises(DeclarationError, match=r"past_chain\.after: .* which may be gone"):
        make_history(Chain, 1, 1)
