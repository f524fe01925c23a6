"""Checks of a table, as bounds on single columns where they are nothing more."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import BindParameter, CheckConstraint, Column, Table
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, Grouping, TextClause

from ..loading.contract import Bound, BoundKind

__all__ = ["bounds_of_checks", "columns_of_check"]

_COMPARED: dict[Any, BoundKind] = {
    operator.ge: "ge",
    operator.gt: "gt",
    operator.le: "le",
    operator.lt: "lt",
}
_WRITTEN: dict[str, BoundKind] = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}
_NUMBER = r"-?\d+(?:\.\d+)?"
_COMPARISON = re.compile(rf'"?(\w+)"?\s*(>=|>|<=|<)\s*({_NUMBER})')
_BETWEEN = re.compile(rf'"?(\w+)"?\s+between\s+({_NUMBER})\s+and\s+({_NUMBER})', re.IGNORECASE)


def bounds_of_checks(table: Table) -> tuple[list[Bound], list[CheckConstraint]]:
    """The bounds that the checks of a table amount to, and the checks that amount to none."""
    bounds: list[Bound] = []
    unsolved = []
    checks = [
        part
        for part in table.constraints
        # Those that SQLAlchemy makes for a type say no more than the type.
        if isinstance(part, CheckConstraint) and not getattr(part, "_type_bound", False)
    ]
    for check in sorted(checks, key=lambda check: (str(check.name), str(check.sqltext))):
        try:
            bounds += _bounds(check.sqltext, table)
        except LookupError:
            unsolved.append(check)
    return bounds, unsolved


def columns_of_check(check: CheckConstraint, table: Table) -> list[str]:
    """The columns that a check speaks of, in the table's order."""
    words = set(re.findall(r"\w+", str(check.sqltext)))
    return [column.name for column in table.columns if column.name in words]


def _bounds(condition: Any, table: Table) -> Iterator[Bound]:
    """The bounds that hold if and only if a condition holds.

    Raises:
        LookupError: it is more than bounds.
    """
    match condition:
        case TextClause():
            yield from _bounds_of_text(condition.text, table)
        case Grouping():
            yield from _bounds(condition.element, table)
        case BooleanClauseList(operator=operators.and_):
            for part in condition.clauses:
                yield from _bounds(part, table)
        case BinaryExpression(left=Column() as column, right=right) if column.name in table.columns:
            yield from _bounds_of_pair(column.name, condition.operator, right)
        case _:
            raise LookupError("it is no comparison")


def _bounds_of_pair(column: str, compared: Any, right: Any) -> Iterator[Bound]:
    if compared is operators.between_op:
        low, high = right.clauses
        yield Bound(column, "ge", _constant(low))
        yield Bound(column, "le", _constant(high))
    elif compared is operators.in_op:
        yield Bound(column, "values", tuple(_constant(right)))
    elif compared is operator.eq:
        yield Bound(column, "values", (_constant(right),))
    else:
        yield Bound(column, _COMPARED[compared], _constant(right))


def _constant(clause: Any) -> Any:
    if not isinstance(clause, BindParameter) or clause.value is None:
        raise LookupError("it is no constant")
    return clause.value


def _bounds_of_text(text: str, table: Table) -> Iterator[Bound]:
    between = _BETWEEN.fullmatch(text.strip())
    if between is not None and between[1] in table.columns:
        yield Bound(between[1], "ge", _number(between[2]))
        yield Bound(between[1], "le", _number(between[3]))
        return
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE):
        found = _COMPARISON.fullmatch(part)
        if found is None or found[1] not in table.columns:
            raise LookupError("it is no comparison with a number")
        yield Bound(found[1], _WRITTEN[found[2]], _number(found[3]))


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
