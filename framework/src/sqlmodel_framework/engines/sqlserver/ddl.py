"""The statements of SQL Server for tables: what stands on a column goes before it changes, and comes back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Dialect, MetaData, Table

from ...history.companion import companion_name
from ...schema.change import Phase, Step
from ...schema.difference import Difference
from ...schema.names import full_name, split_name
from ...schema.rebuilding import name_or_none
from ...schema.snapshot import ColumnShape, IndexShape, Snapshot, TableShape
from . import batches
from .canonical import BOUNDS
from .objects import SqlServerObjects
from .refusals import why_impossible
from .standing import on_column, on_key
from .types import COLLATION, is_text, only_grows

__all__ = ["SqlServerDdl"]

_START, _END = BOUNDS.values()
# When the foreign keys that referred to them have let go.
_KEYS_GO = Phase.TABLES
# What the columns of a table's interval hold for rows that were there before it kept its history.
_AT_FIRST = {_START: "sysutcdatetime()", _END: "CONVERT(datetime2(7), '9999-12-31 23:59:59.9999999')"}


class SqlServerDdl(SqlServerObjects):
    """Writes statements for SQL Server."""

    def __init__(
        self,
        dialect: Dialect,
        have: Snapshot,
        tables: Mapping[str, Table] | None = None,
        large: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(dialect, have, tables, large)
        self.differing: frozenset[tuple[str, str, str]] = frozenset()
        self.bounds: dict[str, dict[str, str]] = defaultdict(dict)
        self.moved: set[tuple[str, str, str]] = set()

    def expect(self, differences: Iterable[Difference]) -> None:
        """Be told which parts of tables come and go by themselves, and which are ends of an interval."""
        found = list(differences)
        self.differing = frozenset((each.kind, each.table, each.name) for each in found)
        for each in found:
            if each.kind == "column" and _is_bound(each.want):
                self.bounds[each.table][each.want.generated] = each.name

    def impossible(self, difference: Difference) -> str:
        """See `sqlmodel_framework.engines.sqlserver.refusals`."""
        return why_impossible(difference, self.have.tables.get(difference.table), self.quote)

    def columns(self, names: Iterable[str]) -> str:
        """Columns in parentheses."""
        return f"({', '.join(map(self.quote, names))})"

    # Tables

    def table(self, difference: Difference) -> list[Step]:
        """A table that is missing, or one too many with its history."""
        if difference.want is not None:
            return self.create_table(difference.name, difference.want)
        shape, full = difference.have, self.full(difference.name)
        # Then no order of tables is wrong, not even in a circle.
        steps = [
            Step(self.alter(difference.name, f"DROP CONSTRAINT {self.quote(key)}"), Phase.CLEARING)
            for key in shape.foreign_keys
        ]
        drop = batches.dropping_table(full) if shape.versioned else f"DROP TABLE {full}"
        return [*steps, Step(drop, Phase.DROPS)]

    def create_table(self, name: str, shape: TableShape) -> list[Step]:
        """A new table with all that belongs to it."""
        items = [self.column_words(column, each) for column, each in shape.columns.items()]
        if shape.primary_key:
            items.append(f"PRIMARY KEY {self.columns(shape.primary_key)}")
        items += [f"{self._named(key)}UNIQUE {self.columns(each)}" for key, each in shape.uniques.items()]
        items += [f"{self._named(key)}CHECK ({each.expression})" for key, each in shape.checks.items()]
        words = ""
        if shape.versioned:
            items.append(self._period(_bounds(shape)))
            words = f" WITH ({self._versioning_on(name)})"
        inner = ",\n  ".join(items)
        steps = [Step(f"CREATE TABLE {self.full(name)} (\n  {inner}\n){words}", Phase.TABLES)]
        for index, made in sorted(shape.indexes.items()):
            steps += self.create_index(Difference("index", index, name, want=made))
        if shape.comment:
            steps += self.comment(Difference("comment", "", name, want=shape.comment))
        for column, each in shape.columns.items():
            steps += self.commented(name, column, None, each.comment)
        for key, foreign in shape.foreign_keys.items():
            steps += self.add_foreign_key(name, key, foreign)
        for trigger, trigger_shape in shape.triggers.items():
            steps += self.trigger(Difference("trigger", trigger, name, want=trigger_shape))
        return steps

    def _named(self, key: str) -> str:
        return f"CONSTRAINT {self.quote(key)} " if name_or_none(key) else ""

    def _period(self, bounds: dict[str, str]) -> str:
        return f"PERIOD FOR SYSTEM_TIME {self.columns((bounds[_START], bounds[_END]))}"

    def _versioning_on(self, name: str) -> str:
        schema, bare = split_name(name)
        past = companion_name(Table(bare, MetaData()), "history")
        # The server wants to be told the schema.
        full = self.full(full_name(schema or self.default_schema, past))
        return f"SYSTEM_VERSIONING = ON (HISTORY_TABLE = {full})"

    def comment(self, difference: Difference) -> list[Step]:
        """Another comment on a table."""
        return self.commented(difference.table, None, difference.have, difference.want)

    # Columns

    def column_words(self, name: str, shape: ColumnShape) -> str:
        """A column as it is described in a statement."""
        quoted = self.quote(name)
        if shape.generated in BOUNDS.values():
            return f"{quoted} {shape.type} GENERATED ALWAYS AS {shape.generated} NOT NULL"
        if shape.generated is not None:
            return f"{quoted} AS {shape.generated}"
        words = [quoted, _collated(shape.type)]
        if shape.identity:
            words.append("IDENTITY(1,1)")
        words.append("NULL" if shape.nullable else "NOT NULL")
        if shape.default is not None:
            words.append(f"DEFAULT {shape.default}")
        return " ".join(words)

    def column(self, difference: Difference) -> list[Step]:
        """A column that is missing, one too many, or another than declared."""
        name, table = difference.name, difference.table
        have, want = difference.have, difference.want
        had, has = _is_bound(have), _is_bound(want)
        if has:
            # It comes with the versioning, and what had its name goes first.
            return [] if have is None or had else self.drop_column(table, name, have, Phase.CLEARING)
        if have is None:
            return self.add_column(table, name, want)
        if want is None:
            # A key lets go of its columns first.
            late = name in self.have.tables[table].primary_key
            return self.drop_column(table, name, have, Phase.DROPS if late else Phase.COLUMNS)
        if have.generated != want.generated:
            before, after = self._in_the_way(on_column(self.have, table, name, self.quote, grows=False))
            dropped = self.drop_column(table, name, have, Phase.COLUMNS)
            return [*before, *dropped, *self.add_column(table, name, want), *after]
        return self.alter_column(table, name, have, want)

    def drop_column(self, table: str, name: str, have: ColumnShape, phase: Phase) -> list[Step]:
        """Take a column away with its default, which is a constraint of its own."""
        # Those of an interval got one when their table began to keep its history.
        has_default = have.default is not None or _is_bound(have)
        steps = [Step(batches.dropping_default(self.full(table), name), phase)] if has_default else []
        return [*steps, Step(self.alter(table, f"DROP COLUMN {self.quote(name)}"), phase)]

    def add_column(self, table: str, name: str, shape: ColumnShape) -> list[Step]:
        """A new column of a table that is there; its default holds for the rows that are there too."""
        filled = shape.nullable and shape.default is not None and shape.generated is None
        first = ColumnShape(shape.type, False, shape.default) if filled else shape
        steps = [Step(self.alter(table, f"ADD {self.column_words(name, first)}"), Phase.COLUMNS)]
        if filled:
            steps.append(self._described(table, name, shape))
        return [*steps, *self.commented(table, name, None, shape.comment)]

    def _described(self, table: str, name: str, shape: ColumnShape) -> Step:
        null = "NULL" if shape.nullable else "NOT NULL"
        words = f"ALTER COLUMN {self.quote(name)} {_collated(shape.type)} {null}"
        return Step(self.alter(table, words), Phase.COLUMNS)

    def alter_column(self, table: str, name: str, have: ColumnShape, want: ColumnShape) -> list[Step]:
        """A column that is there, made what it should be."""
        steps: list[Step] = []
        retyped = have.type != want.type
        described = retyped or have.nullable != want.nullable
        grows = have.nullable == want.nullable and only_grows(have.type, want.type)
        parts = on_column(self.have, table, name, self.quote, grows=grows) if described else ()
        before, after = self._in_the_way(parts)
        if have.default is not None and (retyped or have.default != want.default):
            steps.append(Step(batches.dropping_default(self.full(table), name), Phase.COLUMNS))
        if described:
            steps.append(self._described(table, name, want))
        if want.default is not None and (retyped or have.default != want.default):
            words = f"ADD DEFAULT {want.default} FOR {self.quote(name)}"
            steps.append(Step(self.alter(table, words), Phase.COLUMNS))
        return [*before, *steps, *after, *self.commented(table, name, have.comment, want.comment)]

    def _in_the_way(self, parts: Iterable[tuple[Difference, Difference]]) -> tuple[list[Step], list[Step]]:
        """What is taken away before a change, and made again after it: once, however many changes need it.

        What comes or goes by itself is left to that.
        """
        before: list[Step] = []
        after: list[Step] = []
        for gone, made in parts:
            place = (gone.kind, gone.table, gone.name)
            if place not in self.differing and place not in self.moved:
                self.moved.add(place)
                before += self.write(gone)
                after += self.write(made)
        return before, after

    def versioning(self, difference: Difference) -> list[Step]:
        """A table that starts, or ceases, to keep the history of its rows."""
        table, full = difference.table, self.full(difference.table)
        if not difference.want:
            # Before columns of the same names come.
            return [Step(batches.ending_history(full), Phase.CLEARING)]
        bounds = self.bounds[table]
        words = [
            f"{self.quote(bounds[end])} datetime2(7) GENERATED ALWAYS AS {end} NOT NULL DEFAULT {first}"
            for end, first in _AT_FIRST.items()
        ]
        return [
            Step(self.alter(table, f"ADD {', '.join([*words, self._period(bounds)])}"), Phase.COLUMNS),
            # A key that is missing comes first.
            Step(self.alter(table, f"SET ({self._versioning_on(table)})"), Phase.INDEXES),
        ]

    # Keys, checks and indexes

    def primary_key(self, difference: Difference) -> list[Step]:
        """Another primary key than declared."""
        table, have, want = difference.table, difference.have, difference.want
        shape = self.have.tables[table]
        drop = self.alter(table, f"DROP CONSTRAINT {self.quote(shape.key_name)}")
        add = self.alter(table, f"ADD PRIMARY KEY {self.columns(want)}") if want else ""
        stays = ("versioning", table, "") not in self.differing
        if shape.versioned and stays and have and want:
            # A table that keeps its history has a key all the time.
            return [Step(batches.without_history(self.full(table), [drop, add]), Phase.KEYS)]
        steps = [Step(drop, _KEYS_GO)] if have else []
        steps += [Step(add, Phase.KEYS)] if want else []
        if ("primary key", table, "") not in self.differing or not (have and want):
            return steps
        before, after = self._in_the_way(on_key(self.have, table, have))
        return [*before, *steps, *after]

    def unique(self, difference: Difference) -> list[Step]:
        """A unique constraint that is missing, or one too many."""
        if difference.want is not None:
            return super().unique(difference)
        words = f"DROP CONSTRAINT {self.quote(difference.name)}"
        return [Step(self.alter(difference.table, words), _KEYS_GO)]

    def check(self, difference: Difference) -> list[Step]:
        """A check that is missing, one too many, or not trusted."""
        return self._trusted(difference) or super().check(difference)

    def foreign_key(self, difference: Difference) -> list[Step]:
        """A foreign key that is missing, one too many, or not trusted."""
        return self._trusted(difference) or super().foreign_key(difference)

    def _trusted(self, difference: Difference) -> list[Step]:
        if difference.have is None or difference.want is None:
            return []
        words = f"WITH CHECK CHECK CONSTRAINT {self.quote(difference.name)}"
        return [Step(self.alter(difference.table, words), Phase.FOREIGN_KEYS)]

    def create_index(self, difference: Difference, **_options: object) -> list[Step]:
        """A new index of a table that is there."""
        want: IndexShape = difference.want
        unique = "UNIQUE " if want.unique else ""
        name, table = self.quote(difference.name), self.full(difference.table)
        words = f"CREATE {unique}INDEX {name} ON {table} ({', '.join(want.parts)})"
        if want.include:
            words += f" INCLUDE {self.columns(want.include)}"
        if want.where is not None:
            words += f" WHERE {want.where}"
        return [Step(words, Phase.INDEXES)]

    def drop_index(self, difference: Difference) -> list[Step]:
        """Take an index away."""
        words = f"DROP INDEX {self.quote(difference.name)} ON {self.full(difference.table)}"
        return [Step(words, Phase.CLEARING)]

    def trigger(self, difference: Difference) -> list[Step]:
        """A trigger that is missing, one too many, or another than declared."""
        steps = super().trigger(difference)
        want = difference.want
        if want is not None and not want.enabled:
            name = self.full(full_name(split_name(difference.table)[0], difference.name))
            steps.append(Step(f"DISABLE TRIGGER {name} ON {self.full(difference.table)}", Phase.TRIGGERS))
        return steps


def _is_bound(shape: ColumnShape | None) -> bool:
    return shape is not None and shape.generated in BOUNDS.values()


def _bounds(shape: TableShape) -> dict[str, str]:
    return {str(each.generated): name for name, each in shape.columns.items() if _is_bound(each)}


def _collated(type_: str) -> str:
    """A type as it is written in a statement: the server's own collation is another one."""
    written = is_text(type_) and " collate " not in type_
    return f"{type_} COLLATE {COLLATION}" if written else type_.replace(" collate ", " COLLATE ")
