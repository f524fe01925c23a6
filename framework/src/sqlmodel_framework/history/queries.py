"""Questions to the history: statements that every engine answers by what its database does best."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    and_,
    bindparam,
    exists,
    inspect,
    literal,
    not_,
    type_coerce,
    union_all,
)
from sqlalchemy import case as sql_case
from sqlalchemy import select as sql_select
from sqlmodel import SQLModel, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from ..base.instants import Instant, utc
from ..base.tables import full_name, table_of
from ..errors import TerminalError
from .companion import needed_interval
from .past import Past
from .states import States

__all__ = ["as_of", "changes_between", "history_of"]

Model = TypeVar("Model", bound=SQLModel)


def as_of(model: type[Model], instant: datetime) -> SelectOfScalar[Model]:
    """The rows as they were at an instant.

    Args:
        model: a table class with `TemporalTableMixin`.
        instant: with a time zone.

    Returns:
        A statement that gives objects of the class, which belong to no session. To ask on, make it a
        subquery: `past = as_of(model, instant).subquery()`, with columns `past.c`.

    Raises:
        DeclarationError: the class keeps no history.
        TerminalError: the instant has no time zone.
    """
    at = bindparam(None, utc(instant, "the instant"), type_=Instant(), unique=True)
    return _states(model, States.of(table_of(model), at))


def history_of(model: type[Model], key: object) -> SelectOfScalar[Model]:
    """Every state that the row of a key was in, the oldest first; the present one is the last.

    Args:
        model: a table class with `TemporalTableMixin`.
        key: the value of the primary key; for a key of several columns a tuple in their order, or a
            mapping by the names of the fields.

    Raises:
        DeclarationError: the class keeps no history.
        TerminalError: the key has other parts than the table's.
    """
    states = States.of(table_of(model))
    parts = [
        states.c[column.key] == bindparam(None, value, type_=column.type, unique=True)
        for column, value in _key(model, key).items()
    ]
    start, end = _interval(model, states)
    # Some databases keep states that never held; they are in no other answer.
    return _states(model, states).where(*parts, start < end).order_by(start)


def changes_between(model: type[Model], start: datetime, end: datetime) -> Select[Model, str, datetime]:
    """What changed from an instant on and before another, in the order of time.

    Args:
        model: a table class with `TemporalTableMixin`.
        start: with a time zone; a change at this very instant is in the answer.
        end: with a time zone; a change at this very instant is not.

    Returns:
        A statement that gives a row for each change: `state`, the one that came to be, or for a
        deletion the one that ended; `change`, which is "inserted", "updated" or "deleted"; and `at`,
        the instant.

    Raises:
        DeclarationError: the class keeps no history.
        TerminalError: an instant has no time zone, or the end comes before the start.
    """
    first, last = utc(start, "the start"), utc(end, "the end")
    if last < first:
        raise TerminalError(
            f"the end {last.isoformat()} comes before the start {first.isoformat()}",
            hint="swap them",
        )
    table = table_of(model)
    low = bindparam(None, first, type_=Instant(), unique=True)
    high = bindparam(None, last, type_=Instant(), unique=True)

    came, before = States.of(table), States.of(table)
    came_at, came_until = _interval(model, came)
    before_at, before_until = _interval(model, before)
    preceded = exists().where(
        _same_key(model, came, before), before_until == came_at, before_at < before_until
    )
    begun = sql_select(
        *came.c,
        sql_case((preceded, "updated"), else_="inserted").label("datakit_change"),
        type_coerce(came_at, Instant()).label("datakit_at"),
        # The last condition follows from the others, and is the one that an index serves.
    ).where(came_at >= low, came_at < high, came_at < came_until, came_until > low)

    went, after = States.of(table), States.of(table)
    went_at, went_until = _interval(model, went)
    after_at, after_until = _interval(model, after)
    followed = exists().where(_same_key(model, went, after), after_at == went_until, after_at < after_until)
    ended = sql_select(
        *went.c,
        literal("deleted").label("datakit_change"),
        type_coerce(went_until, Instant()).label("datakit_at"),
    ).where(went_until >= low, went_until < high, went_at < went_until, not_(followed))

    changes = union_all(begun, ended).subquery("changes")
    change, at = changes.c.datakit_change, changes.c.datakit_at
    key = [changes.c[column.key] for column in table.primary_key.columns]
    statement: Any = select(Past(model, changes), change.label("change"), at.label("at"))
    found: Select[Model, str, datetime] = statement.order_by(at, *key)
    return found


def _states(model: type[Model], states: States) -> SelectOfScalar[Model]:
    past: Any = Past(model, states)
    statement: SelectOfScalar[Model] = select(past)
    return statement


def _interval(
    model: type[SQLModel], states: States
) -> tuple[ColumnElement[datetime], ColumnElement[datetime]]:
    start, end = needed_interval(table_of(model))
    return states.c[start.key], states.c[end.key]


def _same_key(model: type[SQLModel], one: States, other: States) -> ColumnElement[bool]:
    return and_(*(one.c[column.key] == other.c[column.key] for column in table_of(model).primary_key.columns))


def _key(model: type[SQLModel], key: object) -> dict[Column[Any], object]:
    mapper = inspect(model)
    columns = list(table_of(model).primary_key.columns)
    names = [mapper.get_property_by_column(column).key for column in columns]
    if isinstance(key, Mapping):
        wrong = set(key) ^ set(names)
        values = [key.get(name) for name in names]
    else:
        values = list(key) if isinstance(key, tuple) else [key]
        wrong = set() if len(values) == len(names) else set(names)
    if wrong:
        raise TerminalError(
            f"the key of {full_name(model)} is ({', '.join(names)}), not {key!r}",
            hint="give a value, a tuple in this order, or a mapping by these names",
        )
    return dict(zip(columns, values, strict=True))
