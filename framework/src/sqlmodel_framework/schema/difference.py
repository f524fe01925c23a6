"""How two snapshots differ, object by object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from .snapshot import ColumnShape, ForeignKeyShape, Grant, Snapshot, TableShape

__all__ = ["Difference", "Kind", "differences", "table_differences"]

Kind = Literal[
    "schema",
    "enum",
    "sequence",
    "table",
    "column",
    "primary key",
    "unique",
    "check",
    "foreign key",
    "index",
    "trigger",
    "comment",
    "partition",
    "partitioning",
    "versioning",
    "routine",
    "view",
    "grant",
]


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not what it should be.

    Attributes:
        kind: what kind of object it is.
        name: its own name, such as a column's; for a table, view, routine, type or schema its full name.
        table: the full name of the table that it belongs to, or "".
        have: what there is, or None.
        want: what there should be, or None.
    """

    kind: Kind
    name: str
    table: str = ""
    have: Any = None
    want: Any = None

    @property
    def place(self) -> str:
        """The object's name with its table's."""
        return f"{self.table}.{self.name}" if self.table and self.name else self.table or self.name

    def in_words(self, should: str = "declared") -> str:
        """One line for people.

        Args:
            should: how what there should be came about, such as "declared" or "deployed".
        """
        return _in_words(self, should)

    def __str__(self) -> str:
        """One line for people."""
        return self.in_words()


def differences(have: Snapshot, want: Snapshot) -> list[Difference]:
    """Everything that differs, in a settled order.

    Args:
        have: what there is.
        want: what there should be.
    """
    found = [Difference("schema", name, want=name) for name in sorted(want.schemas - have.schemas)]
    found += _mappings("enum", have.enums, want.enums)
    found += _mappings("sequence", have.sequences, want.sequences)
    for name in [*want.tables, *(name for name in have.tables if name not in want.tables)]:
        there, wanted = have.tables.get(name), want.tables.get(name)
        if there is None or wanted is None or there.kind != wanted.kind:
            found.append(Difference("table", name, have=there, want=wanted))
        elif there != wanted:
            found += table_differences(name, there, wanted)
    found += _mappings("routine", have.routines, want.routines)
    found += _mappings("view", have.views, want.views)
    found += [_grant(grant, want=True) for grant in sorted(want.grants - have.grants)]
    found += [_grant(grant, want=False) for grant in sorted(have.grants - want.grants)]
    return found


def table_differences(table: str, have: TableShape, want: TableShape) -> Iterator[Difference]:
    """What differs between two tables; the order of their columns does not matter."""
    yield from _mappings("column", have.columns, want.columns, table)
    if have.primary_key != want.primary_key:
        yield Difference("primary key", "", table, have.primary_key, want.primary_key)
    yield from _by_content("unique", have.uniques, want.uniques, table, lambda shape: shape)
    yield from _by_content("check", have.checks, want.checks, table, lambda shape: shape.expression)
    yield from _by_content("foreign key", have.foreign_keys, want.foreign_keys, table, _meaning_of_key)
    yield from _mappings("index", have.indexes, want.indexes, table)
    yield from _mappings("trigger", have.triggers, want.triggers, table)
    if have.partition_by != want.partition_by:
        yield Difference("partitioning", "", table, have.partition_by, want.partition_by)
    yield from _mappings("partition", have.partitions, want.partitions, table)
    if have.versioned != want.versioned:
        yield Difference("versioning", "", table, have.versioned, want.versioned)
    if have.comment != want.comment:
        yield Difference("comment", "", table, have.comment, want.comment)


def _mappings(
    kind: Kind, have: Mapping[str, Any], want: Mapping[str, Any], table: str = ""
) -> Iterator[Difference]:
    for name, shape in want.items():
        if have.get(name) != shape:
            yield Difference(kind, name, table, have.get(name), shape)
    for name, shape in have.items():
        if name not in want:
            yield Difference(kind, name, table, have=shape)


def _by_content(
    kind: Kind,
    have: Mapping[str, Any],
    want: Mapping[str, Any],
    table: str,
    meaning: Callable[[Any], Any],
) -> Iterator[Difference]:
    """Constraints are what they say: a name that the database made up is as good as any other."""
    if have == want:
        return
    there = {meaning(shape): (name, shape) for name, shape in have.items()}
    wanted = {meaning(shape): (name, shape) for name, shape in want.items()}
    for content, (name, shape) in there.items():
        if content not in wanted:
            yield Difference(kind, name, table, have=shape)
    for content, (name, shape) in wanted.items():
        found = there.get(content)
        if found is None:
            yield Difference(kind, name, table, want=shape)
        elif found[1] != shape:
            yield Difference(kind, found[0], table, found[1], shape)


def _meaning_of_key(shape: ForeignKeyShape) -> ForeignKeyShape:
    return replace(shape, validated=True)


def _grant(grant: Grant, *, want: bool) -> Difference:
    name = f"{grant.privilege} on {grant.on} {grant.name} to {grant.to}"
    return Difference("grant", name, want=grant) if want else Difference("grant", name, have=grant)


def _in_words(difference: Difference, should: str) -> str:
    kind, have, want = difference.kind, difference.have, difference.want
    what = f"{kind} {difference.place}"
    if have is None:
        return f"{what} is missing"
    if want is None:
        return f"{what} is not {should}"
    if kind == "column":
        return f"{difference.place} {'; '.join(_column_in_words(have, want, should))}"
    if kind == "table":
        return f"{difference.name} is a {have.kind}, not a table"
    if kind in ("primary key", "comment", "partitioning", "partition", "versioning"):
        return f"{what} is {_short(have)}, {should} {_short(want)}"
    return f"{what} differs from what was {should}"


def _column_in_words(have: ColumnShape, want: ColumnShape, should: str) -> list[str]:
    lines = []
    if have.type != want.type:
        lines.append(f"is {have.type}, {should} {want.type}")
    if have.nullable != want.nullable:
        is_, wanted = ("nullable", "NOT NULL") if have.nullable else ("NOT NULL", "nullable")
        lines.append(f"is {is_}, {should} {wanted}")
    for what in ("default", "generated", "identity", "comment"):
        there, wanted = getattr(have, what), getattr(want, what)
        if there != wanted:
            lines.append(f"has the {what} {_short(there)}, {should} {_short(wanted)}")
    return lines


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(value)})" if value else "none"
    if value is None or value == "":
        return "none"
    return repr(value) if isinstance(value, str) else str(value)
