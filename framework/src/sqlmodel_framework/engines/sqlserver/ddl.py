"""The statements of SQL Server: what stands in the way of a change is taken away first, and made again after it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Dialect, MetaData, Table

from ...history.companion import companion_name
from ...schema.change import Phase, Step
from ...schema.difference import Difference, Kind
from ...schema.names import full_name, split_name
from ...schema.rebuilding import name_or_none
from ...schema.snapshot import ColumnShape, Grant, IndexShape, Snapshot, TableShape
from ..ddl import DdlWriter
from . import batches
from .canonical import BOUNDS
from .queries import literal, widened
from .types import COLLATION, is_text, only_grows

__all__ = ["SqlServerDdl"]

_START, _END = BOUNDS.values()
_PRIVILEGES = frozenset({"DELETE", "INSERT", "REFERENCES", "SELECT", "UPDATE"})
# What the columns of a table's interval hold for rows that were there before it kept its history.
_AT_FIRST = {_START: "sysutcdatetime()", _END: "CONVERT(datetime2(7), '9999-12-31 23:59:59.9999999')"}


class SqlServerDdl(DdlWriter):
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

    @property
    def default_schema(self) -> str:
        """The schema of what is named without one."""
        return str(self.dialect.default_schema_name or "dbo")

    def expect(self, differences: Iterable[Difference]) -> None:
        """Be told which parts of tables come and go by themselves, and which columns are ends of an interval."""
        found = list(differences)
        self.differing = frozenset((each.kind, each.table, each.name) for each in found)
        for each in found:
            if each.kind == "column" and _is_bound(each.want):
                self.bounds[each.table][each.want.generated] = each.name

    def impossible(self, difference: Difference) -> str:
        """See `DdlWriter.impossible`."""
        have, want = difference.have, difference.want
        if difference.kind == "grant" and want is not None and want.privilege not in _PRIVILEGES:
            return (
                f"SQL Server has no right {want.privilege} of a {want.on}: do not declare it for this target"
            )
        if difference.kind == "view" and want is not None and want.materialized:
            return "SQL Server keeps no rows of a view by itself: declare it without materialized"
        if difference.kind != "column":
            return ""
        computed = {each.generated for each in (have, want) if each is not None} - {None, *BOUNDS.values()}
        shape = self.have.tables.get(difference.table)
        versioned = shape is not None and shape.versioned
        if computed and versioned:
            return "a computed column of a table that keeps its history can neither come nor go"
        if have is None or want is None or have.generated != want.generated:
            return ""
        if have.identity != want.identity:
            return (
                "a column that is there can neither start nor stop counting: move the rows into a new table"
            )
        if have.type != want.type and shape is not None:
            if versioned and difference.name in shape.primary_key:
                return "a key of a table that keeps its history cannot change its type"
            quoted = self.quote(difference.name)
            for name, each in shape.columns.items():
                if _mentions(each.generated or "", quoted):
                    return f"the computed column {name} is made of it: take that away first, and declare it later"
        return ""

    def literal(self, value: str) -> str:
        """Text as a literal, of any letters."""
        return literal(value)

    def alter(self, table: str, words: str) -> str:
        """ALTER TABLE with whatever follows."""
        return f"ALTER TABLE {self.full(table)} {words}"

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
            steps += self._comment(name, column, None, each.comment)
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
        return self._comment(difference.table, None, difference.have, difference.want)

    def _comment(
        self, name: str, column: str | None, have: str | None, want: str | None, kind: str = "TABLE"
    ) -> list[Step]:
        if have == want:
            return []
        schema, bare = split_name(name)
        verb = "drop" if want is None else "add" if have is None else "update"
        words = [literal("MS_Description"), *([] if want is None else [literal(want)])]
        words += [literal("SCHEMA"), literal(schema or self.default_schema), literal(kind), literal(bare)]
        words += [] if column is None else [literal("COLUMN"), literal(column)]
        phase = Phase.VIEWS if kind == "VIEW" else Phase.TABLES if column is None else Phase.COLUMNS
        return [Step(f"EXEC sys.sp_{verb}extendedproperty {', '.join(words)}", phase)]

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
            before, after = self._in_the_way(self._dependents(table, name, grows=False))
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
        return [*steps, *self._comment(table, name, None, shape.comment)]

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
        parts = self._dependents(table, name, grows=grows) if described else ()
        before, after = self._in_the_way(parts)
        if have.default is not None and (retyped or have.default != want.default):
            steps.append(Step(batches.dropping_default(self.full(table), name), Phase.COLUMNS))
        if described:
            steps.append(self._described(table, name, want))
        if want.default is not None and (retyped or have.default != want.default):
            words = f"ADD DEFAULT {want.default} FOR {self.quote(name)}"
            steps.append(Step(self.alter(table, words), Phase.COLUMNS))
        return [*before, *steps, *after, *self._comment(table, name, have.comment, want.comment)]

    def _in_the_way(self, parts: Iterable[tuple[Difference, Difference]]) -> tuple[list[Step], list[Step]]:
        """What is taken away before a change, and made again after it; each once, however many changes need it.

        What comes or goes by itself is left to that.
        """
        before: list[Step] = []
        after: list[Step] = []
        for gone, made in parts:
            place = (gone.kind, gone.table, gone.name)
            if place in self.differing or place in self.moved:
                continue
            self.moved.add(place)
            # A foreign key lets go of the key that it refers to before that goes.
            first = 0 if gone.kind == "foreign key" else len(before)
            before[first:first] = self.write(gone)
            after += self.write(made)
        return before, after

    def _dependents(self, table: str, column: str, *, grows: bool) -> Iterator[tuple[Difference, Difference]]:
        """What stands on a column; where that only grows, indexes and checks stay."""
        shape = self.have.tables[table]
        quoted = self.quote(column)
        if not grows:
            for name, index in shape.indexes.items():
                parts = {part.removesuffix(" DESC") for part in index.parts}
                if quoted in parts or column in index.include or _mentions(index.where or "", quoted):
                    yield _twice("index", name, table, index)
            for name, check in shape.checks.items():
                if _mentions(check.expression, quoted):
                    yield _twice("check", name, table, check)
            for name, columns in shape.uniques.items():
                if column in columns:
                    yield _twice("unique", name, table, columns)
        if column in shape.primary_key:
            yield _twice("primary key", "", table, shape.primary_key, nothing=())
        for other, each in self.have.tables.items():
            for name, key in each.foreign_keys.items():
                ours = other == table and column in key.columns
                if ours or (key.to_table == table and column in key.to_columns):
                    yield _twice("foreign key", name, other, key)

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
        steps = [Step(drop, Phase.CLEARING)] if have else []
        steps += [Step(add, Phase.KEYS)] if want else []
        if ("primary key", table, "") not in self.differing or not (have and want):
            return steps
        before, after = self._in_the_way(
            _twice("foreign key", name, other, key)
            for other, each in self.have.tables.items()
            for name, key in each.foreign_keys.items()
            if key.to_table == table and set(key.to_columns) == set(have)
        )
        return [*before, *steps, *after]

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

    # What is no table

    def sequence(self, difference: Difference) -> list[Step]:
        """A sequence."""
        full, have, want = self.full(difference.name), difference.have, difference.want
        if want is None:
            return [Step(f"DROP SEQUENCE {full}", Phase.DROPS)]
        if have is None:
            words = f"AS {want.type} START WITH {want.start} INCREMENT BY {want.increment}"
            return [Step(f"CREATE SEQUENCE {full} {words}", Phase.TYPES)]
        words = f"RESTART WITH {want.start} INCREMENT BY {want.increment}"
        return [Step(f"ALTER SEQUENCE {full} {words}", Phase.TYPES)]

    def routine(self, difference: Difference) -> list[Step]:
        """A function or procedure, replaced in place where it is there."""
        shape = difference.want or difference.have
        kind = shape.definition.split(maxsplit=2)[1]
        if difference.want is None:
            return [Step(f"DROP {kind} {self.full(difference.name)}", Phase.DROPS)]
        return [Step(shape.definition.replace("CREATE ", "CREATE OR ALTER ", 1), Phase.ROUTINES)]

    def view(self, difference: Difference) -> list[Step]:
        """A view that is missing, one too many, or another than declared."""
        found = []
        if difference.have is not None:
            found.append(Step(f"DROP VIEW {self.full(difference.name)}", Phase.CLEARING))
        if difference.want is not None:
            query = widened(difference.want.definition.strip().removesuffix(";"))
            found.append(Step(f"CREATE VIEW {self.full(difference.name)} AS {query}", Phase.VIEWS))
            found += self._comment(difference.name, None, None, difference.want.comment, "VIEW")
        return found

    def grant(self, difference: Difference) -> list[Step]:
        """A right that is missing, or one too many."""
        right: Grant = difference.want or difference.have
        on = f"SCHEMA::{self.quote(right.name)}"
        if right.on != "schema":
            on = f"OBJECT::{self.full(right.name)}"
        to = "public" if right.to == "PUBLIC" else self.quote(right.to)
        if difference.want is not None:
            return [Step(f"GRANT {right.privilege} ON {on} TO {to}", Phase.GRANTS)]
        return [Step(f"REVOKE {right.privilege} ON {on} FROM {to}", Phase.GRANTS)]


def _is_bound(shape: ColumnShape | None) -> bool:
    return shape is not None and shape.generated in BOUNDS.values()


def _bounds(shape: TableShape) -> dict[str, str]:
    return {str(each.generated): name for name, each in shape.columns.items() if _is_bound(each)}


def _collated(type_: str) -> str:
    """A type as it is written in a statement: the server's own collation is another one."""
    written = is_text(type_) and " collate " not in type_
    return f"{type_} COLLATE {COLLATION}" if written else type_.replace(" collate ", " COLLATE ")


def _mentions(expression: str, quoted: str) -> bool:
    return re.search(rf"(?<![\w\[]){re.escape(quoted)}(?![\w\]])", expression) is not None


def _twice(
    kind: Kind, name: str, table: str, shape: object, nothing: object = None
) -> tuple[Difference, Difference]:
    """An object that goes, and comes again."""
    return (
        Difference(kind, name, table, have=shape, want=nothing),
        Difference(kind, name, table, have=nothing, want=shape),
    )
