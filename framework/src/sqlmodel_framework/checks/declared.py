"""The checks that a typed table's declaration amounts to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    Enum,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)
from sqlmodel import SQLModel

from ..base.datakit import Check
from ..base.models import BronzeTableMixin
from ..base.tables import own_columns, plain_type, table_of
from ..loading.breaking import as_text, breaks
from ..loading.contract import Bound, BoundKind, contract_of
from .breaking_rows import orphans, place_of, repeated, rows_where
from .columns import not_null

__all__ = ["table_checks"]

_WORDS: dict[BoundKind, str] = {
    "ge": ">= {}",
    "gt": "> {}",
    "le": "<= {}",
    "lt": "< {}",
    "multiple_of": "is a multiple of {}",
    "max_length": "has at most {} characters",
    "min_length": "has at least {} characters",
    "pattern": "matches {}",
    "values": "is one of {}",
}


def table_checks(cls: type[SQLModel]) -> tuple[Check, ...]:
    """What a table class declares, as checks of the rows that are there, whoever wrote them.

    Loads reject what breaks the declaration; these find what came another way: written by hand, before the
    declaration was what it is, or past keys that were switched off. They are, in this order:

    - columns that may not be null;
    - keys: the primary one, unique constraints and unique indexes that hold for every row;
    - foreign keys;
    - bounds, lengths, patterns, multiples and closed lists of values of the fields.

    Of a bronze table only columns that may not be null, and the columns that the framework writes: what a
    source brought is kept as it came. A pattern is for databases with regular expressions, which SQL Server
    lacks; there such a check cannot be run.

    Args:
        cls: a table class.

    Raises:
        DeclarationError: the class is no table.
    """
    because = f"{cls.__name__} declares it"
    table = table_of(cls)
    bronze = issubclass(cls, BronzeTableMixin)
    left_alone = {column.name for column in own_columns(cls)} if bronze else set()
    contract = contract_of(cls, table.columns.keys())
    checks = [not_null(cls, c.name, because=because) for c in table.columns if not c.nullable]
    if not bronze:
        conditional = _conditional(table)
        checks += [
            Check(
                name=f"{table.fullname} ({', '.join(key)}) comes once",
                statement=repeated([table.columns[name] for name in key]),
                because=because,
            )
            for key in contract.keys
            if key not in conditional
        ]
        checks += [
            Check(
                name=f"{table.fullname} ({', '.join(parent.columns)}) is in "
                f"{parent.to[0].table.fullname} ({', '.join(column.name for column in parent.to)})",
                statement=orphans([table.columns[name] for name in parent.columns], parent.to),
                because=because,
            )
            for parent in contract.parents
        ]
    for column in table.columns:
        if column.name not in left_alone:
            checks += _of_bounds(column, [b for b in contract.bounds if b.column == column.name], because)
    return tuple(checks)


def _conditional(table: Table) -> set[tuple[str, ...]]:
    """The keys that only indexes over some of the rows make."""
    partial = {
        index
        for index in table.indexes
        if any(options.get("where") is not None for options in index.dialect_options.values())
    }
    whole = [item for item in (*table.constraints, *table.indexes) if item not in partial]
    return {_names(index) for index in partial} - {_names(item) for item in whole if _is_key(item)}


def _names(part: Any) -> tuple[str, ...]:
    return tuple(column.name for column in part.columns)


def _is_key(part: object) -> bool:
    if isinstance(part, Index):
        return bool(part.unique)
    return isinstance(part, (PrimaryKeyConstraint, UniqueConstraint))


def _of_bounds(column: Column[Any], bounds: list[Bound], because: str) -> Iterator[Check]:
    type_ = plain_type(column)
    for bound in bounds:
        # Of a list, databases tell the length each in its own way.
        if bound.kind in ("max_length", "min_length") and not isinstance(type_, (String, LargeBinary)):
            continue
        limit = ", ".join(bound.limit) if bound.kind == "values" else bound.limit
        yield Check(
            name=f"{place_of(column)} {_WORDS[bound.kind].format(limit)}",
            statement=rows_where(column.table, breaks(bound, column)),
            because=because,
        )
    if isinstance(type_, Enum):
        yield Check(
            name=f"{place_of(column)} is one of {', '.join(type_.enums)}",
            statement=rows_where(column.table, as_text(column).not_in(type_.enums)),
            because=because,
        )
