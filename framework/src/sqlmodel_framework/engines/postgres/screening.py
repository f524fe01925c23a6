"""Screening: every staged row is converted and held against the contract, in one statement.

The result is a temporary table with the converted values, the reasons for which a row is rejected,
and a mark for each reference rule that keeps the row all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    FromClause,
    Select,
    TableClause,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from ...loading.breaking import breaks
from ...loading.contract import Contract, Parent
from ...loading.load import Load
from ...loading.rules import Reference, Rule, Unique
from .candidates import POSITION, REASONS, accepted
from .coercing import coerced, coerced_counts
from .stage import CreateTemporaryAs, Stage, temporary
from .writing import mode_reasons

__all__ = ["input_check", "kept_counts", "lacks", "reason_counts", "screen"]

SCREENED = "datakit_screened"
_MARK = "datakit_kept_"
_VALID = "datakit_valid_"

# PostgreSQL 16 brought pg_input_is_valid. Before, the same question is asked by trying: a function for each
# type, whose plan is made once. Each call still costs a subtransaction.
_TRY_INPUT = """
CREATE OR REPLACE FUNCTION pg_temp.{name}(value text) RETURNS boolean LANGUAGE plpgsql STRICT AS $$
BEGIN
    RETURN num_nulls(CAST(value AS {type})) = 0;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
    RETURN false;
END $$
"""

TypeName = Callable[[Column[Any]], str]


def screen(
    connection: Connection,
    load: Load,
    contract: Contract,
    stage: Stage,
    type_name: TypeName,
    *,
    has_input_check: bool,
) -> TableClause:
    """Hold the staged rows against a contract and the load's rules.

    Args:
        connection: in a transaction.
        load: whose rows they are.
        contract: of the load's table, for the staged columns.
        stage: the staged rows.
        type_name: what the database calls the type of a column.
        has_input_check: whether the server has `pg_input_is_valid` (PostgreSQL 16 and later).
    """
    check = input_check(connection, there=has_input_check)
    names = [column.name for column in contract.columns]
    wanted = {column.name: type_name(column) for column in contract.columns}
    converted = _converted(load, contract, stage, wanted, check)

    reasons: list[ColumnElement[Any]] = [converted.c[REASONS + name] for name in names]
    reasons += [_reason(breaks(bound, converted.c[bound.column]), bound.reason) for bound in contract.bounds]
    reasons += [_reason(_repeats(converted, key), _repeated(key)) for key in contract.keys]
    reasons += [
        _reason(
            lacks(converted, parent, load, lambda: _converted(load, contract, stage, wanted, check)),
            parent.reason,
        )
        for parent in contract.parents
    ]
    reasons += [_reason(*each) for each in mode_reasons(load, contract.keys, converted)]
    marks: list[ColumnElement[Any]] = []
    for rule in load.rules:
        if not _columns(rule) <= set(names):
            continue
        match rule:
            case Reference(on_missing="quarantine"):
                reasons.append(_reason(_misses(converted, rule), rule.text))
            case Reference():
                marks.append(_misses(converted, rule).label(f"{_MARK}{len(marks)}"))
            case Unique(on_duplicate="quarantine"):
                reasons.append(_reason(_repeats(converted, rule.columns), rule.text))
    query = select(
        converted.c[POSITION],
        *(converted.c[name] for name in names),
        func.array_remove(cast(array(reasons), ARRAY(Text)), null()).label(REASONS),
        *marks,
    )
    connection.execute(CreateTemporaryAs(SCREENED, query))
    return temporary(SCREENED, *names, REASONS, *(mark.name for mark in marks))


def input_check(connection: Connection, *, there: bool) -> Callable[..., ColumnElement[bool]]:
    """The function that says whether a staged text is a value of a type; null where there is no text.

    Args:
        connection: in a transaction.
        there: whether the server has its own.
    """
    if there:
        return func.pg_input_is_valid
    functions: dict[str, str] = {}

    def tried(value: ColumnElement[Any], type_: str) -> ColumnElement[bool]:
        # Most columns hold nothing else, which one statement tells in a fraction of the time.
        if _all_are(connection, value, type_):
            return case((value.is_not(None), true()))
        if type_ not in functions:
            functions[type_] = f"datakit_is_valid_{len(functions)}"
            made = _TRY_INPUT.format(name=functions[type_], type=type_.replace(":", r"\:"))
            connection.execute(text(made))
        valid: ColumnElement[bool] = getattr(func.pg_temp, functions[type_])(value)
        return valid

    return tried


def _all_are(connection: Connection, value: ColumnElement[Any], type_: str) -> bool:
    """Whether every staged text is a value of a type."""
    try:
        with connection.begin_nested():
            connection.execute(select(func.count(cast(value, Text).op("::")(literal_column(type_)))))
    except (DataError, IntegrityError):
        return False
    return True


def kept_counts(connection: Connection, load: Load, stage: Stage, screened: TableClause) -> dict[str, int]:
    """How many accepted rows met each rule that keeps them, or that converts, by the rule's text."""
    counts = coerced_counts(connection, load, stage)
    references = [rule for rule in load.references if rule.on_missing == "keep" and rule.column in screened.c]
    for number, rule in enumerate(references):
        mark = screened.c[f"{_MARK}{number}"]
        query = select(func.count()).select_from(screened).where(accepted(screened), cast(mark, Boolean))
        counts[rule.text] = connection.execute(query).scalar_one()
    for unique in load.uniques:
        if unique.on_duplicate == "keep" and set(unique.columns) <= set(screened.c.keys()):
            columns = [screened.c[name] for name in unique.columns]
            groups = (
                select((func.count() - 1).label("extra"))
                .where(accepted(screened), *(c.is_not(None) for c in columns))
                .group_by(*columns)
                .subquery()
            )
            query = select(func.coalesce(cast(func.sum(groups.c.extra), literal(0).type), 0))
            counts[unique.text] = connection.execute(query).scalar_one()
    return counts


def reason_counts(connection: Connection, screened: TableClause) -> dict[str, int]:
    """How many rows were rejected for each reason; the most frequent first."""
    each = select(func.unnest(screened.c[REASONS]).label("reason")).subquery()
    query = select(each.c.reason, func.count()).group_by(each.c.reason)
    rows = connection.execute(query.order_by(func.count().desc(), each.c.reason)).all()
    return {row[0]: row[1] for row in rows}


def _converted(
    load: Load, contract: Contract, stage: Stage, wanted: Mapping[str, str], check: Callable[..., Any]
) -> FromClause:
    """The staged rows with values of the table's types, and a reason for each value that has none.

    What the server calculates once must stay behind OFFSET 0: without it the planner would copy each
    expression to every place that uses it.
    """
    rows = stage.table
    types = dict(stage.types) | dict.fromkeys((rule.column for rule in load.coercions), "text")
    offered = {name: coerced(load, name, rows.c[name]) for name in wanted}
    asked: list[ColumnElement[Any]] = []
    for name, type_ in wanted.items():
        if types[name] != type_ and not _is_text(type_):
            asked.append(check(cast(offered[name], Text), type_).label(_VALID + name))
    checked = select(rows.c[POSITION], *(value.label(name) for name, value in offered.items()), *asked)
    inner = checked.offset(literal_column("0")).subquery()
    values: list[ColumnElement[Any]] = []
    reasons: list[ColumnElement[Any]] = []
    for column in contract.columns:
        name, type_ = column.name, wanted[column.name]
        value: ColumnElement[Any] = inner.c[name]
        wrong: list[tuple[ColumnElement[bool], str]] = []
        if not column.nullable:
            wrong.append((inner.c[name].is_(None), f"{name} is missing"))
        if _VALID + name in inner.c:
            valid = inner.c[_VALID + name]
            value = case((valid, cast(cast(value, Text), column.type)), else_=null())
            wrong.append((not_(valid), f"{name} is not a valid {type_}"))
        elif types[name] != type_:
            value = cast(value, Text)
        values.append(value.label(name))
        reasons.append(
            case(
                *((condition, literal(words)) for condition, words in wrong), else_=cast(null(), Text)
            ).label(REASONS + name)
            if wrong
            else cast(null(), Text).label(REASONS + name)
        )
    query: Select[Any] = select(inner.c[POSITION], *values, *reasons)
    return query.offset(literal_column("0")).subquery()


def _is_text(type_: str) -> bool:
    return type_ == "text" or type_.startswith("character")


def _columns(rule: Rule) -> set[str]:
    return set(rule.columns) if isinstance(rule, Unique) else {rule.column}


def _reason(condition: ColumnElement[bool], words: str) -> ColumnElement[Any]:
    return case((condition, literal(words)), else_=cast(null(), Text))


def _repeated(key: Iterable[str]) -> str:
    return f"key ({', '.join(key)}) comes more than once"


def _repeats(rows: FromClause, key: Iterable[str]) -> ColumnElement[bool]:
    columns = [rows.c[name] for name in key]
    times = func.count().over(partition_by=columns)
    return and_(*(c.is_not(None) for c in columns), times > 1)


def lacks(
    rows: FromClause, parent: Parent, load: Load, again: Callable[[], FromClause]
) -> ColumnElement[bool]:
    """Whether a row refers to a parent that is not there, and that does not come with it.

    Args:
        rows: the rows, with their values converted.
        parent: the foreign key.
        load: the load.
        again: the same rows once more, to look for a parent among them.
    """
    own = [rows.c[name] for name in parent.columns]
    there = parent.to[0].table.alias()
    pairs = [there.c[to.name] == value for to, value in zip(parent.to, own, strict=True)]
    found: ColumnElement[bool] = select(literal(1)).select_from(there).where(*pairs).exists()
    if parent.to[0].table is load.sql_table:
        # A row may refer to another one that comes with it.
        beside = again()
        if all(to.name in beside.c for to in parent.to):
            pairs = [beside.c[to.name] == value for to, value in zip(parent.to, own, strict=True)]
            found = or_(found, select(literal(1)).select_from(beside).where(*pairs).exists())
    return and_(true(), *(c.is_not(None) for c in own), not_(found))


def _misses(rows: FromClause, rule: Reference) -> ColumnElement[bool]:
    there = rule.to_column.table.alias()
    value = rows.c[rule.column]
    found = select(literal(1)).select_from(there).where(there.c[rule.to_column.name] == value).exists()
    return and_(value.is_not(None), not_(found))
