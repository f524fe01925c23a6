"""Every kind of change, from one declaration to another: the rows stay, and then nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.types import JSON
from sqlmodel_framework.errors import RefusedChangesError
from sqlmodel_framework.schema.planning import plan_datakit

from .conftest import Model, Place, kit, model

Change = tuple[str, Callable[[], Model], Callable[[], Model], Sequence[str]]

KEY = ("id", "code")
ROWS = [{"id": 1, "code": "tea"}, {"id": 2, "code": "milk"}]


def item(*more: Any, code: Any = None, arguments: Any = ()) -> Model:
    """The table that everything happens to."""
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    return model(
        "item", key, code if code is not None else Column("code", String(10)), *more, arguments=arguments
    )


def keyed(*, in_key: bool, nullable: bool = False) -> Model:
    # A lone key of the type INTEGER would count up by itself in SQLite.
    key = Column("id", BigInteger, primary_key=True, autoincrement=False)
    return model("item", key, Column("code", String(10), primary_key=in_key, nullable=nullable))


def commented(words: str) -> Model:
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    return model("item", key, Column("code", String(10)), comment=words)


def with_(*columns: Callable[[], Column[Any]], arguments: Callable[[], Any] = tuple) -> Callable[[], Model]:
    return lambda: item(*(each() for each in columns), arguments=arguments())


def coded(*arguments: Any, **more: Any) -> Callable[[], Model]:
    return lambda: item(code=Column("code", *arguments, **more))


PLAIN = with_()
CHANGES: dict[str, list[Change]] = {
    "plan: add columns": [
        ("column", PLAIN, with_(lambda: Column("x", Integer)), ["add column shop.item.x"]),
        (
            "column with default",
            PLAIN,
            with_(lambda: Column("x", String(9), nullable=False, server_default="it's \\ 5%")),
            ["add column shop.item.x"],
        ),
        (
            "column with time",
            PLAIN,
            with_(lambda: Column("x", DateTime, nullable=False, server_default=func.now())),
            ["add column shop.item.x"],
        ),
        ("column of JSON", PLAIN, with_(lambda: Column("x", JSON)), ["add column shop.item.x"]),
        ("column of true and false", PLAIN, with_(lambda: Column("x", Boolean)), ["add column shop.item.x"]),
        ("column of UUIDs", PLAIN, with_(lambda: Column("x", Uuid)), ["add column shop.item.x"]),
        (
            "column of bytes",
            PLAIN,
            with_(lambda: Column("x", Text, comment="a 'b' \\ %")),
            ["add column shop.item.x"],
        ),
    ],
    "plan: generated columns": [
        (
            "generated column",
            PLAIN,
            with_(lambda: Column("x", Integer, Computed("id + 1", persisted=True))),
            ["add column shop.item.x"],
        ),
    ],
    "plan: change types": [
        ("wider text", PLAIN, coded(String(20)), ["change column shop.item.code"]),
        ("narrower text that holds all", PLAIN, coded(String(5)), ["change column shop.item.code"]),
        ("text without a length", PLAIN, coded(Text), ["change column shop.item.code"]),
        ("text of a length", coded(Text), coded(String(10)), ["change column shop.item.code"]),
        (
            "wider number",
            with_(lambda: Column("n", SmallInteger)),
            with_(lambda: Column("n", BigInteger)),
            ["change column shop.item.n"],
        ),
        (
            "more digits",
            with_(lambda: Column("n", Numeric(8, 2))),
            with_(lambda: Column("n", Numeric(12, 4))),
            ["change column shop.item.n"],
        ),
        (
            "everything of a column",
            coded(String(10), server_default="a"),
            coded(String(12), nullable=False, server_default="b"),
            ["change column shop.item.code"],
        ),
    ],
    "plan: nullability": [
        ("not null", PLAIN, coded(String(10), nullable=False), ["change column shop.item.code"]),
        ("nullable", coded(String(10), nullable=False), PLAIN, ["change column shop.item.code"]),
    ],
    "plan: defaults": [
        ("default", PLAIN, coded(String(10), server_default="a\\'b"), ["change column shop.item.code"]),
        ("no default", coded(String(10), server_default="a"), PLAIN, ["change column shop.item.code"]),
        (
            "another default",
            coded(String(10), server_default="a"),
            coded(String(10), server_default=text("'b'")),
            ["change column shop.item.code"],
        ),
    ],
    "plan: comments": [
        ("comment on a column", PLAIN, coded(String(10), comment="it's"), ["change column shop.item.code"]),
        ("no comment", coded(String(10), comment="x"), PLAIN, ["change column shop.item.code"]),
        ("comment", PLAIN, lambda: commented("it's \\ 5%"), ["set comment shop.item"]),
        ("no comment on a table", lambda: commented("x"), PLAIN, ["drop comment shop.item"]),
    ],
    "plan: primary keys": [
        (
            "key",
            lambda: keyed(in_key=False),
            lambda: keyed(in_key=True),
            ["set primary key shop.item"],
        ),
        (
            "key of what could be null",
            lambda: keyed(in_key=False, nullable=True),
            lambda: keyed(in_key=True),
            ["change column shop.item.code", "set primary key shop.item"],
        ),
    ],
    "plan: unique constraints": [
        ("unique", PLAIN, with_(arguments=lambda: (UniqueConstraint("code"),)), ["add unique shop.item."]),
        (
            "named unique",
            PLAIN,
            with_(arguments=lambda: (UniqueConstraint("code", "id", name="once"),)),
            ["add unique shop.item.once"],
        ),
        (
            "no unique",
            with_(arguments=lambda: (UniqueConstraint("code", name="once"),)),
            PLAIN,
            ["drop unique shop.item.once"],
        ),
    ],
    "plan: checks": [
        (
            "check",
            PLAIN,
            with_(arguments=lambda: (CheckConstraint("code <> 'it''s \\ 5%'", name="good"),)),
            ["add check shop.item.good"],
        ),
        (
            "another check",
            with_(arguments=lambda: (CheckConstraint("id > 0", name="good"),)),
            with_(arguments=lambda: (CheckConstraint("id > 0 AND id < 100", name="good"),)),
            ["drop check shop.item.good", "add check shop.item.good"],
        ),
        (
            "check of a column",
            PLAIN,
            coded(String(10), CheckConstraint("code <> 'x'", name="good")),
            ["add check shop.item.good"],
        ),
        (
            "no check",
            with_(arguments=lambda: (CheckConstraint("id > 0", name="good"),)),
            PLAIN,
            ["drop check shop.item.good"],
        ),
    ],
    "plan: indexes": [
        (
            "index",
            PLAIN,
            with_(arguments=lambda: (Index("by_code", "code"),)),
            ["add index shop.item.by_code"],
        ),
        (
            "index that holds more columns where there are such",
            PLAIN,
            with_(arguments=lambda: (Index("by_code", "code", postgresql_include=["id"]),)),
            ["add index shop.item.by_code"],
        ),
        (
            "index over more",
            with_(arguments=lambda: (Index("by_code", "code"),)),
            with_(arguments=lambda: (Index("by_code", "code", "id"),)),
            ["replace index shop.item.by_code"],
        ),
        (
            "descending index",
            PLAIN,
            lambda: item(
                code=(code := Column("code", String(10))), arguments=(Index("by_code", code.desc()),)
            ),
            ["add index shop.item.by_code"],
        ),
        (
            "no index",
            with_(arguments=lambda: (Index("by_code", "code"),)),
            PLAIN,
            ["drop index shop.item.by_code"],
        ),
    ],
}


@pytest.mark.parametrize(
    ("capability", "before", "after", "changes"),
    [
        pytest.param(capability, *change[1:], id=change[0], marks=pytest.mark.capability(capability))
        for capability, group in CHANGES.items()
        for change in group
    ],
)
def test_a_change_is_made_with_the_rows_that_are_there_and_once(
    place: Place,
    not_offered: Callable[[], None],
    capability: str,
    before: Callable[[], Model],
    after: Callable[[], Model],
    changes: Sequence[str],
) -> None:
    if capability == "plan: comments" and not place.comments:
        not_offered()
        changes = []
    place.deploy(before())
    place.fill(before(), *ROWS)
    assert not place.deploy(before()).changed
    planned = plan_datakit(kit(after()), place.target)
    # Whoever leaves a name to the database does not know it.
    named = [change.id for change in planned.changes]
    assert [full[: len(part)] for full, part in zip(named, changes, strict=True)] == list(changes)
    assert planned.refusals == ()
    assert place.deploy(after()).changes == tuple(named)
    assert place.rows(after(), *KEY) == [(1, "tea"), (2, "milk")]
    assert not place.deploy(after()).changed
    assert plan_datakit(kit(after()), place.target).empty


@pytest.mark.capability("plan: losses counted and refused")
def test_values_that_a_narrower_type_does_not_hold_are_counted_and_kept(place: Place) -> None:
    place.deploy(PLAIN())
    place.fill(PLAIN(), *ROWS)
    with pytest.raises(RefusedChangesError) as caught:
        place.deploy(coded(String(3))())
    (change,) = caught.value.changes
    assert (change.id, change.loss.split(" that")[0]) == ("change column shop.item.code", "1 value")
    assert place.rows(PLAIN(), *KEY) == [(1, "tea"), (2, "milk")]


@pytest.mark.capability("plan: losses counted and refused")
def test_a_column_with_empty_places_is_not_made_not_null(place: Place) -> None:
    place.deploy(PLAIN())
    place.fill(PLAIN(), {"id": 1, "code": None})
    with pytest.raises(RefusedChangesError) as caught:
        place.deploy(coded(String(10), nullable=False)(), allow=["change column shop.item.code"])
    (change,) = caught.value.changes
    assert change.blocked == "1 row hold no value: fill them first"


PARTS = st.fixed_dictionaries(
    {
        "length": st.sampled_from([10, 300]),
        "default": st.sampled_from([None, "", "a'\\"]),
        "words": st.sampled_from([None, "x", "it's"]),
        "price": st.sampled_from([None, Numeric(8, 2), Numeric(9, 2)]),
        "unique": st.booleans(),
        "check": st.booleans(),
        "index": st.sampled_from([None, ("code",), ("code", "id")]),
        "key": st.booleans(),
    }
)


def put_together(parts: dict[str, Any]) -> Model:
    code = Column(
        "code",
        String(parts["length"]),
        primary_key=parts["key"],
        nullable=False,
        server_default=parts["default"],
        comment=parts["words"],
    )
    more = [] if parts["price"] is None else [Column("price", parts["price"])]
    arguments: list[Any] = [UniqueConstraint("code", "id", name="once")] if parts["unique"] else []
    arguments += [CheckConstraint("id > 0", name="good")] if parts["check"] else []
    arguments += [Index("fast", *parts["index"])] if parts["index"] else []
    return item(*more, code=code, arguments=arguments)


@pytest.mark.capability("plan: any change of many things")
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=PARTS, after=PARTS)
def test_from_any_declaration_to_any_other(
    place: Place, before: dict[str, Any], after: dict[str, Any]
) -> None:
    place.clear()
    place.deploy(put_together(before))
    place.fill(put_together(before), *ROWS)
    planned = plan_datakit(kit(put_together(after)), place.target)
    place.deploy(put_together(after), allow=[change.id for change in planned.changes])
    again = plan_datakit(kit(put_together(after)), place.target)
    assert again.changes == ()
    assert again.undeclared == ()
    assert place.rows(put_together(after), *KEY) == [(1, "tea"), (2, "milk")]
