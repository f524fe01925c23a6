"""What stands on a column or a key: it is taken away before a change, and made again after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...schema.difference import Difference, Kind
from ...schema.snapshot import Snapshot
from .words import mentions

__all__ = ["on_column", "on_key"]

Twice = tuple[Difference, Difference]
"""An object that goes, and comes again."""


def on_column(
    have: Snapshot, table: str, column: str, quote: Callable[[str], str], *, grows: bool
) -> Iterator[Twice]:
    """What stands on a column; where that only grows, indexes and checks stay.

    Args:
        have: what there is.
        table: the table's full name.
        column: the column's name as it is.
        quote: how a name is written, with brackets where it must have them.
        grows: whether the column only gets more room.
    """
    shape = have.tables[table]
    quoted = quote(column)
    if not grows:
        for name, index in shape.indexes.items():
            parts = {part.removesuffix(" DESC") for part in index.parts}
            if quoted in parts or column in index.include or mentions(index.where, quoted):
                yield _twice("index", name, table, index)
        for name, check in shape.checks.items():
            if mentions(check.expression, quoted):
                yield _twice("check", name, table, check)
        for name, columns in shape.uniques.items():
            if column in columns:
                yield _twice("unique", name, table, columns)
    if column in shape.primary_key:
        yield _twice("primary key", "", table, shape.primary_key, nothing=())
    for other, each in have.tables.items():
        for name, key in each.foreign_keys.items():
            ours = other == table and column in key.columns
            if ours or (key.to_table == table and column in key.to_columns):
                yield _twice("foreign key", name, other, key)


def on_key(have: Snapshot, table: str, columns: tuple[str, ...]) -> Iterator[Twice]:
    """The foreign keys that refer to a key of a table."""
    for other, each in have.tables.items():
        for name, key in each.foreign_keys.items():
            if key.to_table == table and set(key.to_columns) == set(columns):
                yield _twice("foreign key", name, other, key)


def _twice(kind: Kind, name: str, table: str, shape: object, nothing: object = None) -> Twice:
    return (
        Difference(kind, name, table, have=shape, want=nothing),
        Difference(kind, name, table, have=nothing, want=shape),
    )
