"""What a target is: its schemas, and the columns of the tables that matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnShape:
    """A column: its type in the database's own words, and whether it may be null."""

    type: str
    nullable: bool


@dataclass(frozen=True)
class TableShape:
    """A table: its columns in order, and the columns of its primary key in order."""

    columns: Mapping[str, ColumnShape]
    primary_key: tuple[str, ...]
    kind: str = "table"


@dataclass(frozen=True)
class Snapshot:
    """Schemas that exist, and the tables among the ones asked for that exist, by `schema.name`."""

    schemas: frozenset[str] = frozenset()
    tables: Mapping[str, TableShape] = field(default_factory=dict)
