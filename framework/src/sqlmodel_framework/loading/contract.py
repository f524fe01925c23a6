"""The contract that a typed table's declaration makes, whatever the database.

Types, nullability, keys and foreign keys come from the table; bounds, patterns and closed lists of
values from the fields of its class.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic.fields import FieldInfo
from sqlalchemy import Column, Enum, ForeignKeyConstraint, String
from sqlmodel import SQLModel

from ..base.tables import field_of, plain_type, table_of, unique_keys

__all__ = ["Bound", "Contract", "Parent", "contract_of", "longest"]

BoundKind = Literal["ge", "gt", "le", "lt", "multiple_of", "max_length", "min_length", "pattern", "values"]

_WORDS: dict[str, str] = {
    "ge": "is not >= {}",
    "gt": "is not > {}",
    "le": "is not <= {}",
    "lt": "is not < {}",
    "multiple_of": "is not a multiple of {}",
    "max_length": "is longer than {} characters",
    "min_length": "is shorter than {} characters",
    "pattern": "does not match {}",
    "values": "is not one of {}",
}


@dataclass(frozen=True)
class Bound:
    """What a column's values must keep to."""

    column: str
    kind: BoundKind
    limit: Any

    @property
    def reason(self) -> str:
        """Why a value that breaks it is rejected."""
        limit = ", ".join(self.limit) if self.kind == "values" else self.limit
        return f"{self.column} {_WORDS[self.kind].format(limit)}"


@dataclass(frozen=True)
class Parent:
    """A declared foreign key: these columns refer to those."""

    columns: tuple[str, ...]
    to: tuple[Column[Any], ...]

    @property
    def reason(self) -> str:
        """Why a row that refers to nothing is rejected."""
        own = ", ".join(self.columns)
        return f"{own} is not in {self.to[0].table}.{', '.join(column.name for column in self.to)}"


@dataclass(frozen=True)
class Contract:
    """What rows must keep to, as far as the columns that a source offers can break it.

    Attributes:
        columns: the offered columns, in the table's order.
        keys: keys, the primary one first, all of whose columns are offered.
        parents: foreign keys, all of whose columns are offered.
        bounds: bounds on offered columns.
    """

    columns: tuple[Column[Any], ...]
    keys: tuple[tuple[str, ...], ...]
    parents: tuple[Parent, ...]
    bounds: tuple[Bound, ...]


def contract_of(cls: type[SQLModel], offered: Collection[str]) -> Contract:
    """The contract of a table class for a source that offers these columns."""
    table = table_of(cls)
    columns = tuple(column for column in table.columns if column.name in offered)
    keys = [tuple(column.name for column in key) for key in unique_keys(table)]
    foreign = sorted(
        (c for c in table.constraints if isinstance(c, ForeignKeyConstraint)),
        key=lambda c: list(c.column_keys),
    )
    parents = [
        Parent(tuple(c.name for c in constraint.columns), tuple(e.column for e in constraint.elements))
        for constraint in foreign
    ]
    return Contract(
        columns=columns,
        keys=tuple(key for key in keys if set(key) <= set(offered)),
        parents=tuple(parent for parent in parents if set(parent.columns) <= set(offered)),
        bounds=tuple(bound for column in columns for bound in _bounds(cls, column)),
    )


def longest(cls: type[SQLModel], column: str) -> int | None:
    """How many characters a column's texts may have; None where there is no end."""
    limits = [b.limit for b in contract_of(cls, [column]).bounds if b.kind == "max_length"]
    return min(limits, default=None)


def _bounds(cls: type[SQLModel], column: Column[Any]) -> Iterator[Bound]:
    field = field_of(cls, column)
    found = list(_field_bounds(column.name, field)) if field is not None else []
    type_ = plain_type(column)
    # An Enum is a kind of String, whose length is that of its longest name.
    length = type_.length if isinstance(type_, String) and not isinstance(type_, Enum) else None
    if length is not None and not any(bound.kind == "max_length" for bound in found):
        found.append(Bound(column.name, "max_length", length))
    if field is not None and not isinstance(type_, Enum):
        values = _closed_list(field.annotation)
        if values:
            found.append(Bound(column.name, "values", values))
    yield from found


def _field_bounds(name: str, field: FieldInfo) -> Iterator[Bound]:
    for item in _single(field.metadata):
        match item:
            case at.Ge(ge=limit):
                yield Bound(name, "ge", limit)
            case at.Gt(gt=limit):
                yield Bound(name, "gt", limit)
            case at.Le(le=limit):
                yield Bound(name, "le", limit)
            case at.Lt(lt=limit):
                yield Bound(name, "lt", limit)
            case at.MultipleOf(multiple_of=limit):
                yield Bound(name, "multiple_of", limit)
            case at.MaxLen(max_length=limit):
                yield Bound(name, "max_length", limit)
            case at.MinLen(min_length=limit):
                yield Bound(name, "min_length", limit)
            case _:
                pattern = getattr(item, "pattern", None)
                if isinstance(pattern, str):
                    yield Bound(name, "pattern", pattern)
    # SQLModel takes regex=..., but hands it to no validator of its own.
    regex = getattr(field, "_attributes_set", {}).get("regex")
    if isinstance(regex, str):
        yield Bound(name, "pattern", regex)


def _single(metadata: Iterable[Any]) -> Iterator[Any]:
    """Each constraint on its own; StringConstraints and Interval hold several."""
    for item in metadata:
        if isinstance(item, at.GroupedMetadata):
            yield from _single(item)
        else:
            yield item


def _closed_list(annotation: Any) -> tuple[str, ...]:
    """The values of a Literal or an Enum as text, also inside Optional and Annotated."""
    origin = get_origin(annotation)
    if origin is Literal:
        return tuple(str(value) for value in get_args(annotation))
    if origin is Annotated:
        return _closed_list(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(value for part in get_args(annotation) for value in _closed_list(part))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(str(member.value) for member in annotation)
    return ()
