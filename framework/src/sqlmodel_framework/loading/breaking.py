"""Whether a value breaks a bound, as a condition of SQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Float, LargeBinary, Numeric, Text, Unicode, cast, func, not_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from .contract import Bound

__all__ = ["as_text", "breaks"]

# SQL Server's text can neither be compared nor hold every letter.
_TEXT = Text().with_variant(Unicode(), "mssql")
# Of a number with a floating point most databases know no remainder, and without digits some keep none.
_EXACT = Numeric(28, 10).with_variant(Numeric(), "postgresql")


def breaks(bound: Bound, value: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a value breaks a bound; a null breaks none."""
    broken: ColumnElement[bool]
    match bound.kind:
        case "ge":
            broken = value < bound.limit
        case "gt":
            broken = value <= bound.limit
        case "le":
            broken = value > bound.limit
        case "lt":
            broken = value >= bound.limit
        case "multiple_of":
            broken = _remainder(value, bound.limit) != 0
        case "max_length":
            broken = _length(value) > bound.limit
        case "min_length":
            broken = _length(value) < bound.limit
        case "pattern":
            broken = not_(value.regexp_match(bound.limit))
        case "values":
            broken = as_text(value).not_in(bound.limit)
    return broken


def as_text(value: ColumnElement[Any]) -> ColumnElement[str]:
    """A value as text that can be compared."""
    return cast(value, _TEXT)


def _length(value: ColumnElement[Any]) -> ColumnElement[int]:
    count = func.length if isinstance(value.type, LargeBinary) else func.char_length
    found: ColumnElement[int] = count(value)
    return found


def _remainder(value: ColumnElement[Any], limit: Any) -> ColumnElement[Any]:
    if isinstance(limit, float):
        limit = Decimal(str(limit))
    if isinstance(value.type, Float):
        value = cast(value, _EXACT)
    return _Remainder(value % limit)


class _Remainder(FunctionElement[Any]):
    """What is left of a division; given as the operation that most databases have for it."""

    inherit_cache = True


@compiles(_Remainder)
def _remainder_sql(element: _Remainder, compiler: Any, **kw: Any) -> str:
    (operation,) = element.clauses
    return f"({compiler.process(operation, **kw)})"


@compiles(_Remainder, "sqlite")
def _sqlite_remainder(element: _Remainder, compiler: Any, **kw: Any) -> str:
    # Its operator drops what comes after the point, and what has one is inexact there.
    (operation,) = element.clauses
    value, limit = (compiler.process(side, **kw) for side in (operation.left, operation.right))
    return f"round({value} - {limit} * round({value} / ({limit} * 1.0)), 9)"
