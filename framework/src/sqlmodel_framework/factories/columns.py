"""The domain of a column: what its type, its field and the checks on it leave."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Time,
    Uuid,
)
from sqlmodel import SQLModel

from ..base.tables import plain_type
from .domains import (
    Domain,
    clock_times,
    dates,
    decimals,
    floats,
    listed,
    moments,
    octets,
    spans,
    uuids,
    whole_numbers,
)
from .limits import Limits
from .meta import FieldFacts, pooled
from .refusing import refusal
from .templates import plain_text, texts, texts_of_pattern

__all__ = ["domain_of"]

_USUAL_NUMBERS = 1_000_000
_USUAL_PLACES = 2
_FLOAT_DIGITS = 15
_DECIMAL_DIGITS = 18
_FIRST, _LAST, _LAST_OF_KEYS = (2020, 1, 1), (2029, 12, 31), (2999, 12, 31)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_LONGEST_SPAN = timedelta(days=30)
_OCTETS = 16


def domain_of(
    table: type[SQLModel],
    column: Column[Any],
    facts: FieldFacts,
    limits: Limits,
    *,
    key: bool,
    random: Random,
) -> Domain:
    """The values that a column can have.

    Args:
        table: the class.
        column: the column.
        facts: what its field says.
        limits: the bounds on it.
        key: whether the column is part of a key, which needs as many values as there are.
        random: where what cannot be reckoned is drawn from.

    Raises:
        DeclarationError: there are none, or they cannot be worked out.
    """
    try:
        found = _listed(column, facts, limits) or _by_type(column, facts, limits, key)
    except (TypeError, ValueError, OverflowError) as error:
        raise refusal(table, column.name, f"its bounds cannot be reckoned with: {error}") from error
    if found is None and limits.patterns:
        raise refusal(table, column.name, f"no texts are known that match {' and '.join(limits.patterns)}")
    if found is None and limits.is_ordered:
        raise refusal(table, column.name, f"its bounds are not on numbers or dates, but on {column.type!r}")
    if found is None and facts.annotation is str:
        raise refusal(table, column.name, f"nothing is known of the texts of its type, {column.type!r}")
    if found is None:
        found = pooled(table, column, random)
    if found.size < 1:
        raise refusal(table, column.name, "nothing is within its bounds")
    return found


def _listed(column: Column[Any], facts: FieldFacts, limits: Limits) -> Domain | None:
    type_, annotation = plain_type(column), facts.annotation
    known: list[Any] | None = None
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        known = list(annotation)
        # SQLModel's own enumerations keep the names of the members, which are no values of theirs.
        if isinstance(type_, Enum) and [str(each.value) for each in known] != type_.enums:
            known = list(type_.enums)
    elif get_origin(annotation) is Literal:
        known = list(get_args(annotation))
    elif isinstance(type_, Enum):
        known = list(type_.enums)
    elif isinstance(type_, Boolean):
        known = [False, True]
    elif limits.values:
        known = list(dict.fromkeys(limits.values[0]))
    if known is None:
        return None
    lists = [set(map(_text, values)) for values in limits.values]
    return listed(
        [value for value in known if all(_text(value) in each for each in lists) and limits.allow(value)]
    )


def _text(value: object) -> str:
    return str(value.value if isinstance(value, enum.Enum) else value)


def _by_type(column: Column[Any], facts: FieldFacts, limits: Limits, key: bool) -> Domain | None:
    type_ = plain_type(column)
    # What a type of the database's own words is like.
    type_ = getattr(type_, "like", None) or type_
    if limits.longest is not None and limits.longest < limits.shortest:
        raise ValueError(f"nothing is as long as {limits.shortest} and not longer than {limits.longest}")
    if facts.annotation is timedelta:
        # To SQLAlchemy an interval is a kind of moment.
        low, high = _window(limits.low, limits.high, timedelta(0), _LONGEST_SPAN)
        return spans(low + _SECOND * limits.above_low, high - _SECOND * limits.below_high)
    match type_:
        case Integer():
            return whole_numbers(*_span(limits, 0, *_range_of(type_), _USUAL_NUMBERS, key))
        case Float():
            return _floats(limits, key)
        case Numeric():
            return _decimals(type_, facts, limits, key)
        case DateTime():
            return _moments(limits, key, aware=type_.timezone)
        case Date():
            low, high = _window(
                limits.low, limits.high, date(*_FIRST), date(*_LAST_OF_KEYS if key else _LAST)
            )
            return dates(low + _DAY * limits.above_low, high - _DAY * limits.below_high)
        case _ if limits.is_ordered:
            return None
        case Time():
            return clock_times()
        case Uuid():
            return uuids()
        case _ if facts.annotation is UUID:
            return uuids()
        case LargeBinary():
            longest = min(filter(None, (limits.longest, type_.length)), default=_OCTETS)
            return octets(max(limits.shortest, min(longest, _OCTETS)))
        case String() if facts.annotation is str:
            if limits.patterns:
                return texts_of_pattern(limits.patterns, limits.shortest, limits.longest)
            return texts(plain_text(limits.shortest, limits.longest))
    return None


def _range_of(type_: Integer) -> tuple[int, int]:
    bits = 63 if isinstance(type_, BigInteger) else 15 if isinstance(type_, SmallInteger) else 31
    return -(1 << bits), (1 << bits) - 1


def _span(limits: Limits, places: int, least: int, most: int, usual: int, key: bool) -> tuple[int, int, int]:
    """The lowest and the highest number and the step, in units of the last of `places` digits."""
    step = 1 if limits.step is None else _exactly(limits.step, places)
    low, high = least, most
    if limits.low is not None:
        low = max(low, _first(limits.low, places, step, limits.above_low))
    if limits.high is not None:
        high = min(high, _last(limits.high, places, step, limits.below_high))
    # Where nothing is said, numbers are from 0 or, in keys, from 1 on.
    start = step if key else 0
    if limits.low is None:
        low = start if high >= start else max(low, high - usual)
    if not key and limits.high is None:
        high = min(high, max(low, 0) + usual)
    return -(-low // step) * step, high // step * step, step


def _exactly(number: Any, places: int) -> int:
    scaled = Decimal(str(number)).scaleb(places)
    if scaled != int(scaled) or scaled <= 0:
        raise ValueError(f"a multiple of {number} has more than {places} digits after the point")
    return int(scaled)


def _first(limit: Any, places: int, step: int, above: bool) -> int:
    exact = Decimal(str(limit)).scaleb(places) / step
    found = int(exact.to_integral_value(ROUND_CEILING))
    return (found + 1 if above and found == exact else found) * step


def _last(limit: Any, places: int, step: int, below: bool) -> int:
    exact = Decimal(str(limit)).scaleb(places) / step
    found = int(exact.to_integral_value(ROUND_FLOOR))
    return (found - 1 if below and found == exact else found) * step


def _floats(limits: Limits, key: bool) -> Domain:
    places = _USUAL_PLACES
    if limits.step is not None:
        places = max(0, _places(limits.step))
    elif limits.low is not None and limits.high is not None and limits.high > limits.low:
        # As fine as it takes for a million values, but to that many digits a float is exact.
        width = Decimal(str(limits.high)) - Decimal(str(limits.low))
        largest = max(abs(Decimal(str(limits.low))), abs(Decimal(str(limits.high))))
        places = max(places, min(6 - width.adjusted(), _FLOAT_DIGITS - 1 - largest.adjusted()))
    usual = _USUAL_NUMBERS * 10**places
    bounds = [abs(int(each)) for each in (limits.low, limits.high) if each is not None]
    most = max(10**_FLOAT_DIGITS, usual, 2 * max(bounds, default=0) * 10**places)
    low, high, step = _span(limits, places, -most, most, usual, key)
    return floats(low, high, step, places)


def _places(number: Any) -> int:
    exponent = Decimal(str(number)).normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _decimals(type_: Numeric[Any], facts: FieldFacts, limits: Limits, key: bool) -> Domain:
    given = [each for each in (facts.places, type_.scale) if each is not None]
    allowed = min(given, default=0 if type_.precision is not None else _USUAL_PLACES)
    places = min(allowed, _DECIMAL_DIGITS)
    digits = min(
        (each for each in (facts.digits, type_.precision) if each is not None), default=_DECIMAL_DIGITS
    )
    # What is reckoned with has no more digits than a Decimal keeps; those after the point are the last to go.
    most = 10 ** max(0, min(digits - (allowed - places), _DECIMAL_DIGITS)) - 1
    low, high, step = _span(limits, places, -most, most, _USUAL_NUMBERS * 10**places, key)
    if facts.annotation is int and places == 0:
        return whole_numbers(low, high, step)
    return decimals(low, high, step, places)


def _moments(limits: Limits, key: bool, *, aware: bool) -> Domain:
    low, high = _window(
        None if limits.low is None else _in_utc(limits.low),
        None if limits.high is None else _in_utc(limits.high),
        datetime(*_FIRST),
        datetime(*_LAST_OF_KEYS if key else _LAST),
    )
    if limits.above_low or low.microsecond:
        low = low.replace(microsecond=0) + _SECOND
    if limits.below_high and not high.microsecond:
        high -= _SECOND
    return moments(low, high, aware=aware)


def _in_utc(limit: date) -> datetime:
    if not isinstance(limit, datetime):
        return datetime(limit.year, limit.month, limit.day)
    return limit if limit.tzinfo is None else limit.astimezone(UTC).replace(tzinfo=None)


def _window(low: Any, high: Any, first: Any, last: Any) -> tuple[Any, Any]:
    """The bounds; where one is missing, as far from the other as `last` is from `first`."""
    if low is None and high is None:
        return first, last
    if low is None:
        return high - (last - first), high
    return low, low + (last - first) if high is None else high
