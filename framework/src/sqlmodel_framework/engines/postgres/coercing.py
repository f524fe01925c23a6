"""Declared conversions of what is staged, before it is held against the contract."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, case, cast, func, null, select

from ...loading.contract import longest
from ...loading.load import Load
from ...loading.rules import Coerce
from .stage import Stage

__all__ = ["coerced", "coerced_counts"]

# What Unicode and C agree on; texts of Windows and of tables bring the others.
_WHITE_SPACE = " \t\n\v\f\r\u00a0\ufeff"


def coerced(load: Load, name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A staged value as the load's rules convert it; as it is where none does."""
    for rule in load.coercions:
        if rule.column == name:
            value = _converted(load, rule, cast(value, Text))
    return value


def coerced_counts(connection: Connection, load: Load, stage: Stage) -> dict[str, int]:
    """How many staged rows each rule converts, by the rule's text."""
    rows = stage.table
    rules = [rule for rule in load.coercions if rule.column in rows.c]
    if not rules:
        return {}
    changed = [
        func.count().filter(
            cast(rows.c[rule.column], Text).is_distinct_from(
                _converted(load, rule, cast(rows.c[rule.column], Text))
            )
        )
        for rule in rules
    ]
    counts = connection.execute(select(*changed).select_from(rows)).one()
    return {rule.text: int(count) for rule, count in zip(rules, counts, strict=True)}


def _converted(load: Load, rule: Coerce, value: ColumnElement[Any]) -> ColumnElement[Any]:
    if rule.trim:
        value = func.btrim(value, _WHITE_SPACE)
    if rule.nulls:
        value = case((value.in_(rule.nulls), null()), else_=value)
    if rule.values:
        value = case(*((value == given, meant) for given, meant in rule.values.items()), else_=value)
    if rule.cut:
        value = func.left(value, longest(load.table, rule.column))
    return cast(value, Text)
