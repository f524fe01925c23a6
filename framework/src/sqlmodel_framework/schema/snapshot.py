"""What a database holds, in its own words: plain values that can be compared, written down and read back.

A *shape* describes one object. Texts in it (types, defaults, expressions, definitions) are what the
database itself prints, so that two shapes are equal exactly when the objects are. Names of tables,
views, routines and types are full names, `schema.name`, or `name` alone in the default schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

__all__ = [
    "CheckShape",
    "ColumnShape",
    "EnumShape",
    "ForeignKeyShape",
    "Grant",
    "IndexShape",
    "RoutineShape",
    "Scope",
    "SequenceShape",
    "Snapshot",
    "TableShape",
    "TriggerShape",
    "ViewShape",
]


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column.

    Attributes:
        type: the type's name.
        nullable: whether it may be null.
        default: the expression that the database fills in, or None.
        generated: the expression that the column always is, or None.
        identity: "always" or "by default" for a column that counts up by itself, or "".
        comment: or None.
    """

    type: str
    nullable: bool = True
    default: str | None = None
    generated: str | None = None
    identity: str = ""
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKeyShape:
    """A foreign key. `validated` is false while rows from before it was made are not checked."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    on_delete: str = ""
    on_update: str = ""
    deferrable: str = ""
    validated: bool = True


@dataclass(frozen=True, slots=True)
class CheckShape:
    """A check constraint. `validated` is false while rows from before it was made are not checked."""

    expression: str
    validated: bool = True


@dataclass(frozen=True, slots=True)
class IndexShape:
    """An index that stands for itself, not for a constraint.

    Attributes:
        parts: columns or expressions, each with its order and operator class where not the usual one.
        unique: whether it refuses duplicates.
        where: the condition of a partial index, or None.
        method: such as "gin"; "" for the usual one.
        include: columns that are only kept.
        valid: false for one whose making was interrupted.
    """

    parts: tuple[str, ...]
    unique: bool = False
    where: str | None = None
    method: str = ""
    include: tuple[str, ...] = ()
    valid: bool = True


@dataclass(frozen=True, slots=True)
class TriggerShape:
    """A trigger: the statement that makes it, and whether it fires."""

    definition: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table with all that belongs to it; constraints, indexes and triggers by name.

    Attributes:
        kind: "table", or what stands in its place, such as "view".
        partition_by: such as "RANGE (day)", or None.
        partitions: the bounds of each partition, by full name.
        versioned: whether the database itself keeps the history of its rows.
    """

    columns: Mapping[str, ColumnShape]
    primary_key: tuple[str, ...] = ()
    kind: str = "table"
    uniques: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    foreign_keys: Mapping[str, ForeignKeyShape] = field(default_factory=dict)
    checks: Mapping[str, CheckShape] = field(default_factory=dict)
    indexes: Mapping[str, IndexShape] = field(default_factory=dict)
    triggers: Mapping[str, TriggerShape] = field(default_factory=dict)
    comment: str | None = None
    partition_by: str | None = None
    partitions: Mapping[str, str] = field(default_factory=dict)
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class ViewShape:
    """A view: its query, and whether its rows are kept."""

    definition: str
    materialized: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class RoutineShape:
    """A function or procedure: the whole statement that makes it, body included."""

    definition: str


@dataclass(frozen=True, slots=True)
class EnumShape:
    """A type of named values, in order."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SequenceShape:
    """A sequence that no column owns."""

    type: str
    start: int = 1
    increment: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A right that somebody has.

    Attributes:
        on: "table" or "schema".
        name: the full name of what the right is about.
        to: the role, or "PUBLIC".
        privilege: in capitals, such as "SELECT".
    """

    on: str
    name: str
    to: str
    privilege: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at: whole schemas, and single tables of schemas that hold other things as well.

    Attributes:
        schemas: names of schemas, each looked at as a whole.
        tables: (schema, name) of each single table; the schema is None for the default one.
    """

    schemas: frozenset[str] = frozenset()
    tables: frozenset[tuple[str | None, str]] = frozenset()

    def __or__(self, other: Scope) -> Scope:
        return Scope(self.schemas | other.schemas, self.tables | other.tables)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is within a scope, each kind of object by full name."""

    schemas: frozenset[str] = frozenset()
    tables: Mapping[str, TableShape] = field(default_factory=dict)
    views: Mapping[str, ViewShape] = field(default_factory=dict)
    routines: Mapping[str, RoutineShape] = field(default_factory=dict)
    enums: Mapping[str, EnumShape] = field(default_factory=dict)
    sequences: Mapping[str, SequenceShape] = field(default_factory=dict)
    grants: frozenset[Grant] = frozenset()

    def only_tables(self, names: Iterable[str]) -> Snapshot:
        """The same with these tables only."""
        wanted = set(names)
        return replace(self, tables={n: shape for n, shape in self.tables.items() if n in wanted})
