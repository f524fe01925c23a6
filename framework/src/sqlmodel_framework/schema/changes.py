"""Differences, turned into changes: what is done, what it costs, and what would be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Table

from .change import Change, Step
from .dialects import quoted
from .difference import Difference
from .snapshot import ColumnShape, Snapshot

if TYPE_CHECKING:
    from ..engines.base import BaseEngine
    from ..engines.ddl import DdlWriter

__all__ = ["changes_for"]


def changes_for(
    engine: BaseEngine,
    differences: Iterable[Difference],
    have: Snapshot,
    tables: Mapping[str, Table],
) -> list[Change]:
    """The changes that make differences go away, each with its statements, its loss and its effect.

    Args:
        engine: connected, in a transaction: losses are counted.
        differences: what differs.
        have: what there is.
        tables: what is declared, by full name.
    """
    found = list(differences)
    touched = {each.table for each in found if each.table}
    sizes = engine.table_bytes(touched) if touched else {}
    large = frozenset(name for name, size in sizes.items() if size >= engine.large_table)
    writer = engine.ddl(have, tables, large) if found and engine.can_plan else None
    if writer is not None:
        writer.expect(found)
    changing = _Changing(engine, writer, large)
    return [changing.change(difference) for difference in found]


class _Changing:
    def __init__(self, engine: BaseEngine, writer: DdlWriter | None, large: frozenset[str]) -> None:
        self.engine = engine
        self.writer = writer
        self.large = large

    def change(self, difference: Difference) -> Change:
        steps = tuple(self.steps(difference))
        return Change(
            action=_action(difference),
            name=difference.place,
            steps=steps,
            detail=_detail(difference),
            loss=self.loss(difference),
            blocked=self.blocked(difference),
            effect=self.effect(difference, steps),
        )

    def steps(self, difference: Difference) -> list[Step]:
        made_by_engine = difference.kind == "table" and self.engine.makes_tables_itself
        if self.writer is None or (made_by_engine and difference.want is not None):
            return []
        if self.impossible(difference):
            return []
        return self.writer.write(difference)

    def impossible(self, difference: Difference) -> str:
        """Why there is no statement that does it; or ""."""
        if difference.kind == "table" and difference.have is not None and difference.want is not None:
            return f"it is a {difference.have.kind}, not a table: move it away first"
        if difference.kind == "partitioning":
            return "how a table is partitioned cannot be changed in place: move the rows into a new table"
        if not self.engine.can_plan and not (
            difference.kind in ("schema", "table") and difference.have is None
        ):
            return f"the engine for {self.engine.target.dialect} can create, but not change"
        return "" if self.writer is None else self.writer.impossible(difference)

    def blocked(self, difference: Difference) -> str:
        impossible = self.impossible(difference)
        if impossible or difference.kind != "column" or difference.want is None:
            return impossible
        have, want = difference.have, difference.want
        if have is None:
            if want.nullable or want.default is not None or want.generated is not None or want.identity:
                return ""
            rows = self.count(difference.table)
            return (
                f"{_many(rows, 'row')} would have no value: declare a default, or make it nullable"
                if rows
                else ""
            )
        if have.nullable and not want.nullable:
            nulls = self.count(difference.table, f"{self.engine.quoted(difference.name)} IS NULL")
            return f"{_many(nulls, 'row')} hold no value: fill them first" if nulls else ""
        return ""

    def loss(self, difference: Difference) -> str:
        if self.impossible(difference):
            return ""
        have, want = difference.have, difference.want
        match difference.kind:
            case "table" if want is None:
                return _many(self.count(difference.name), "row")
            case "column" if have is not None and (want is None or have.generated != want.generated):
                if have.generated is not None:
                    return "" if want is not None else "a generated column"
                values = self.count(difference.table, f"{self.engine.quoted(difference.name)} IS NOT NULL")
                return _many(values, "value")
            case "column" if have is not None and have.type != want.type:
                values = self.engine.values_that_change(difference)
                return f"{_many(values, 'value')} that {want.type} does not hold" if values else ""
            case "enum" if have is not None:
                gone = [value for value in have.values if want is None or value not in want.values]
                return f"the values {', '.join(gone)}" if gone else ""
            case "sequence" if want is None:
                return "where it stands"
            case "view" if want is None:
                return "the view" if not have.materialized else "the view and its rows"
            case "versioning" if have:
                return "the history of the table's rows"
        return ""

    def effect(self, difference: Difference, steps: tuple[Step, ...]) -> str:
        if not difference.table or not steps:
            return ""
        if difference.table in self.large and any(step.alone for step in steps):
            return "beside the work of others"
        return self.engine.effect_of(difference)

    def count(self, table: str, condition: str = "") -> int:
        where = f" WHERE {condition}" if condition else ""
        sql = f"SELECT count(*) FROM {quoted(self.engine.connection.dialect, table)}{where}"
        options = {"no_parameters": True}
        found = self.engine.connection.exec_driver_sql(sql, execution_options=options)
        return int(found.scalar_one())


def _action(difference: Difference) -> str:
    kind, have, want = difference.kind, difference.have, difference.want
    if kind == "grant":
        return "grant" if want is not None else "revoke"
    if kind == "partition" and want is None:
        return "detach partition"
    if kind in ("unique", "check", "foreign key") and have is not None and want is not None:
        return f"validate {kind}"
    if kind in ("comment", "primary key", "partitioning", "versioning"):
        return f"{'set' if want else 'drop'} {kind}"
    if want is None:
        return f"drop {kind}"
    if have is None:
        return f"{'add' if difference.table else 'create'} {kind}"
    return f"{'change' if kind in ('column', 'enum', 'sequence') else 'replace'} {kind}"


def _detail(difference: Difference) -> str:
    kind, have, want = difference.kind, difference.have, difference.want
    if kind == "column" and have is None:
        assert isinstance(want, ColumnShape)
        words = [want.type, *([] if want.nullable else ["not null"])]
        if want.default is not None:
            words.append(f"default {want.default}")
        if want.generated is not None:
            words.append(f"always {want.generated}")
        return " ".join(words)
    if kind == "table" and have is None:
        return _many(len(want.columns), "column")
    if kind in ("column", "primary key", "comment", "partitioning") and want is not None:
        return str(difference).removeprefix(f"{kind} ").removeprefix(f"{difference.place} ")
    if kind == "check" and want is not None:
        return str(want.expression)
    if kind in ("unique", "index") and want is not None:
        return f"({', '.join(want if kind == 'unique' else want.parts)})"
    if kind == "foreign key" and want is not None:
        return f"({', '.join(want.columns)}) to {want.to_table} ({', '.join(want.to_columns)})"
    return ""


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
