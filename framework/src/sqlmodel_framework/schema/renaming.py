"""Declared renames: what has its old name is taken for what it will be called, and renamed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..base.declarations import Rename, RenameTable
from ..base.tables import table_of
from .change import Change, Phase, Step
from .names import full_name, name_of, split_name
from .record import Recorded
from .snapshot import Snapshot, TableShape

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["renamed"]


def renamed(
    engine: BaseEngine, renames: Sequence[Rename], live: Snapshot, recorded: Recorded
) -> tuple[list[Change], Snapshot, Recorded]:
    """The renames that are still to be made, and what there will be and be recorded after them.

    A rename is done when the new name is there; then its declaration may stay or go.
    """
    changes: list[Change] = []
    for rename in renames:
        if isinstance(rename, RenameTable):
            old, new = full_name(*_split(rename.old)), name_of(table_of(rename.to))
            if old in live.tables and new not in live.tables:
                changes.append(_table_change(engine, old, new))
                live = replace(live, tables=_with_table(live.tables, old, new))
                recorded = _with_record(recorded, old, new)
            continue
        table = name_of(table_of(rename.table))
        shape = live.tables.get(table)
        if shape is not None and rename.old in shape.columns and rename.new not in shape.columns:
            changes.append(_column_change(engine, table, shape, rename.old, rename.new))
            change = _Column(engine, rename.old, rename.new)
            live = replace(live, tables={**live.tables, table: change.of(shape)})
            key = ("table", table)
            if key in recorded.shapes:
                shapes = {**recorded.shapes, key: change.of(recorded.shapes[key])}
                recorded = replace(recorded, shapes=shapes)
    return changes, live, recorded


def _split(name: str) -> tuple[str | None, str]:
    schema, _, bare = name.rpartition(".")
    return schema or None, bare


def _table_change(engine: BaseEngine, old: str, new: str) -> Change:
    (old_schema, _), (new_schema, bare) = split_name(old), split_name(new)
    steps = [Step(engine.rename_table_sql(old, new), Phase.RENAMES)]
    if old_schema != new_schema and not engine.renames_across_schemas:
        moved = full_name(old_schema, bare)
        steps.append(Step(engine.move_table_sql(moved, new_schema), Phase.RENAMES))
    return Change(action="rename table", name=new, steps=tuple(steps), detail=f"was {old}")


def _column_change(engine: BaseEngine, table: str, shape: TableShape, old: str, new: str) -> Change:
    steps = tuple(Step(sql, Phase.RENAMES) for sql in engine.rename_column_sql(table, shape, old, new))
    return Change(action="rename column", name=f"{table}.{new}", steps=steps, detail=f"was {old}")


def _with_table(tables: Mapping[str, TableShape], old: str, new: str) -> dict[str, TableShape]:
    return {
        new if name == old else name: replace(
            shape,
            foreign_keys={
                key: replace(foreign, to_table=new if foreign.to_table == old else foreign.to_table)
                for key, foreign in shape.foreign_keys.items()
            },
        )
        for name, shape in tables.items()
    }


def _with_record(recorded: Recorded, old: str, new: str) -> Recorded:
    def moved(objects: Mapping[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
        return {("table", new) if key == ("table", old) else key: value for key, value in objects.items()}

    return replace(recorded, fingerprints=moved(recorded.fingerprints), shapes=moved(recorded.shapes))


class _Column:
    """A column's new name, everywhere in a table; in expressions wherever its old name stands as a word."""

    def __init__(self, engine: BaseEngine, old: str, new: str) -> None:
        self.old = old
        self.new = new
        before, after = engine.quoted(old), engine.quoted(new)
        self.word = re.compile(rf"(?<![\w\"]){re.escape(before)}(?![\w\"])")
        self.after = after

    def of(self, shape: TableShape) -> TableShape:
        return replace(
            shape,
            columns={
                self.name(name): replace(
                    column, generated=None if column.generated is None else self.text(column.generated)
                )
                for name, column in shape.columns.items()
            },
            primary_key=self.names(shape.primary_key),
            uniques={key: self.names(columns) for key, columns in shape.uniques.items()},
            foreign_keys={
                key: replace(foreign, columns=self.names(foreign.columns))
                for key, foreign in shape.foreign_keys.items()
            },
            checks={
                key: replace(check, expression=self.text(check.expression))
                for key, check in shape.checks.items()
            },
            indexes={
                key: replace(
                    index,
                    parts=tuple(self.text(part) for part in index.parts),
                    include=self.names(index.include),
                    where=None if index.where is None else self.text(index.where),
                )
                for key, index in shape.indexes.items()
            },
        )

    def name(self, name: str) -> str:
        return self.new if name == self.old else name

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.name(name) for name in names)

    def text(self, text: str) -> str:
        return self.word.sub(lambda _: self.after, text)
