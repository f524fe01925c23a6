"""The statements of MariaDB. Each commits by itself, so each leaves a table that can be gone on with.

What can be done without keeping others waiting is said so in the statement for a table that holds much: the
server then refuses rather than do it another way.
"""

from __future__ import annotations

import zlib
from typing import Any

from sqlalchemy import CheckConstraint, Index, MetaData, Table
from sqlalchemy.schema import CreateIndex, CreateTable

from ...schema.change import Phase, Step
from ...schema.difference import Difference
from ...schema.names import full_name, split_name
from ...schema.rebuilding import name_or_none
from ...schema.snapshot import ColumnShape, ForeignKeyShape, Grant, IndexShape, TableShape
from ..ddl import DdlWriter
from . import cost

__all__ = ["COLLATION", "MariadbDdl", "bounds_of", "collation_of", "index_kind", "prepared"]

# Letters of either case differ, and so do blanks at the end.
COLLATION = "utf8mb4_nopad_bin"
_OPTIONS = {"charset": "utf8mb4", "collate": COLLATION, "engine": "InnoDB"}
_BOUNDS = {"valid_from": "ROW START", "valid_to": "ROW END"}
_LONGEST_NAME = 64
# Of a check that has no name of its own, but belongs to a column.
_OF_COLUMN = "(check of "


def prepared(table: Table, name: str | None = None) -> Table:
    """A copy of a declared table for any text and with transactions, unless it is declared otherwise.

    Text is compared character by character, as in PostgreSQL. A check that belongs to one column becomes
    one of the table: only those may have a name.
    """
    copy = table.to_metadata(MetaData(), name=name)
    for option, value in _OPTIONS.items():
        copy.dialect_options["mariadb"].setdefault(option, value)
    for column in copy.columns:
        for check in [each for each in column.constraints if isinstance(each, CheckConstraint)]:
            column.constraints.discard(check)
            copy.append_constraint(CheckConstraint(check.sqltext, name=check.name))
    return copy


def collation_of(table: Table) -> str:
    """The collation of a table that was prepared."""
    return str(table.dialect_options["mariadb"]["collate"])


def bounds_of(table: Table) -> dict[str, str]:
    """The columns that the server fills with the ends of a row's time, and with which one."""
    return {
        column.name: _BOUNDS[column.info["datakit"]]
        for column in table.columns
        if column.info.get("datakit") in _BOUNDS
    }


def index_kind(index: Index) -> str:
    """FULLTEXT or SPATIAL, or "" for a usual index."""
    return str(index.dialect_options["mariadb"].get("prefix") or "").upper()


class MariadbDdl(DdlWriter):
    """Writes statements for MariaDB."""

    def literal(self, value: str) -> str:
        """Text as a literal, in which a backslash stands for itself."""
        return super().literal(value.replace("\\", "\\\\"))

    def alter(self, table: str, *words: str, gently: str = "") -> str:
        """ALTER TABLE with whatever follows, at once.

        Args:
            table: the full name.
            *words: what is altered.
            gently: how, if the table holds much, such as "ALGORITHM=INSTANT".
        """
        if gently and table in self.large:
            words = (*words, gently)
        return f"ALTER TABLE {self.full(table)} {', '.join(words)}"

    def columns(self, names: tuple[str, ...]) -> str:
        """Columns in parentheses."""
        return f"({', '.join(map(self.quote, names))})"

    def schema(self, difference: Difference) -> list[Step]:
        """A database that is missing."""
        name = self.quote(difference.name)
        options = f"CHARACTER SET {_OPTIONS['charset']} COLLATE {COLLATION}"
        return [Step(f"CREATE DATABASE IF NOT EXISTS {name} {options}", Phase.SCHEMAS)]

    # Tables

    def create_table(self, name: str, shape: TableShape) -> list[Step]:
        """A new table with all that belongs to it."""
        declared = self.tables.get(name)
        if declared is None:
            steps = self._create_from_shape(name, shape)
        else:
            copy = prepared(declared)
            create = CreateTable(copy, include_foreign_key_constraints=[])
            steps = [Step(self.compiled(create), Phase.TABLES)]
            steps += [
                Step(self.compiled(CreateIndex(index)), Phase.INDEXES)
                for index in sorted(copy.indexes, key=lambda each: str(each.name))
            ]
        for key, foreign in shape.foreign_keys.items():
            steps += self.add_foreign_key(name, key, foreign)
        for trigger, made in shape.triggers.items():
            steps += self.trigger(Difference("trigger", trigger, name, want=made))
        return steps

    def _create_from_shape(self, name: str, shape: TableShape) -> list[Step]:
        items = [self.column_words(column, each) for column, each in shape.columns.items()]
        if shape.primary_key:
            items.append(f"PRIMARY KEY {self.columns(shape.primary_key)}")
        items += [self.unique_words(key, columns) for key, columns in shape.uniques.items()]
        items += [self.check_words(key, check.expression) for key, check in shape.checks.items()]
        bounds = {each.generated: column for column, each in shape.columns.items()}
        if "ROW START" in bounds:
            items.append(f"PERIOD FOR SYSTEM_TIME {self.columns((bounds['ROW START'], bounds['ROW END']))}")
        words = [f"CREATE TABLE {self.full(name)} ({', '.join(items)})"]
        words += [f"{option.upper()}={value}" for option, value in _OPTIONS.items()]
        if shape.comment:
            words.append(f"COMMENT={self.literal(shape.comment)}")
        if shape.versioned:
            words.append("WITH SYSTEM VERSIONING")
        if shape.partition_by:
            parts = ", ".join(
                f"PARTITION {self.quote(part)} {bound}" for part, bound in shape.partitions.items()
            )
            words.append(f"PARTITION BY {shape.partition_by}" + (f" ({parts})" if parts else ""))
        steps = [Step(" ".join(words), Phase.TABLES)]
        for index, made in shape.indexes.items():
            steps += self.create_index(Difference("index", index, name, want=made))
        return steps

    def comment(self, difference: Difference) -> list[Step]:
        """Another comment on a table."""
        words = f"COMMENT = {self.literal(difference.want or '')}"
        return [Step(self.alter(difference.table, words), Phase.TABLES)]

    # Columns

    def column_words(self, name: str, shape: ColumnShape) -> str:
        """A column as it is described in a statement."""
        words = [self.quote(name), shape.type]
        if shape.generated is not None:
            words.append(f"GENERATED ALWAYS AS {shape.generated}")
        else:
            words.append("NULL" if shape.nullable else "NOT NULL")
            if shape.default is not None:
                words.append(f"DEFAULT {shape.default}")
            if shape.identity:
                words.append("AUTO_INCREMENT")
        if shape.comment:
            words.append(f"COMMENT {self.literal(shape.comment)}")
        return " ".join(words)

    def column(self, difference: Difference) -> list[Step]:
        """A column that is missing, one too many, or another than declared."""
        have, want, table = difference.have, difference.want, difference.table
        if _is_bound(have) or _is_bound(want):
            return self._bound(difference)
        if want is None:
            # A key lets go of its columns first.
            in_key = difference.name in self.have.tables[table].primary_key
            words = f"DROP COLUMN {self.quote(difference.name)}"
            phase = Phase.DROPS if in_key else Phase.COLUMNS
            return [Step(self.alter(table, words), phase)]
        if have is not None and have.generated != want.generated:
            # Its place in an index or a check is kept.
            dropped, added = (
                f"DROP COLUMN {self.quote(difference.name)}",
                f"ADD COLUMN {self.column_words(difference.name, want)}",
            )
            return [Step(self.alter(table, dropped, added), Phase.COLUMNS)]
        return super().column(difference)

    def _bound(self, difference: Difference) -> list[Step]:
        """An end of a row's time comes and goes with the table's versioning."""
        have, want = difference.have, difference.want
        if have is not None and want is not None and not _is_bound(want):
            return self.add_column(difference.table, difference.name, want)
        return []

    def add_column(self, table: str, name: str, shape: ColumnShape) -> list[Step]:
        """A new column of a table that is there."""
        words = [f"ADD COLUMN {self.column_words(name, shape)}"]
        if shape.identity:
            # What counts up must be a key from the first moment on.
            words.append(f"ADD UNIQUE KEY {self.quote(_counting_key(name))} ({self.quote(name)})")
        gently = "" if cost.fills_every_row(shape) else "ALGORITHM=INSTANT"
        return [Step(self.alter(table, *words, gently=gently), Phase.COLUMNS)]

    def alter_column(self, table: str, name: str, have: ColumnShape, want: ColumnShape) -> list[Step]:
        """A column that is there, made what it should be."""
        words = f"MODIFY COLUMN {self.column_words(name, want)}"
        gently = "" if cost.rewrites(have, want) else "ALGORITHM=INSTANT"
        return [Step(self.alter(table, words, gently=gently), Phase.COLUMNS)]

    def versioning(self, difference: Difference) -> list[Step]:
        """A table that starts, or ceases, to keep the history of its rows."""
        table, shape = difference.table, self.have.tables[difference.table]
        declared = self.tables.get(table)
        if difference.want:
            bounds = {} if declared is None else bounds_of(declared)
            words = [
                f"{'MODIFY' if column in shape.columns else 'ADD'} COLUMN "
                + self.column_words(column, ColumnShape("timestamp(6)", generated=words))
                for column, words in bounds.items()
            ]
            if bounds:
                ends = {words: column for column, words in bounds.items()}
                words.append(
                    f"ADD PERIOD FOR SYSTEM_TIME {self.columns((ends['ROW START'], ends['ROW END']))}"
                )
            return [Step(self.alter(table, *words, "ADD SYSTEM VERSIONING"), Phase.COLUMNS)]
        gone = [column for column, each in shape.columns.items() if _is_bound(each)]
        words = [f"DROP COLUMN {self.quote(column)}" for column in gone]
        if gone:
            words.insert(0, "DROP PERIOD FOR SYSTEM_TIME")
        # Before columns of the same names come.
        return [Step(self.alter(table, "DROP SYSTEM VERSIONING", *words), Phase.CLEARING)]

    # Keys, checks and indexes

    def primary_key(self, difference: Difference) -> list[Step]:
        """Another primary key than declared: what counts up must be a key all the time."""
        have, want, table = difference.have, difference.want, difference.table
        words = ["DROP PRIMARY KEY"] if have else []
        if want:
            words.append(f"ADD PRIMARY KEY {self.columns(want)}")
            words += [
                f"DROP INDEX IF EXISTS {self.quote(_counting_key(column))}"
                for column in want
                if column not in have
            ]
        return [Step(self.alter(table, *words), Phase.KEYS)]

    def unique_words(self, name: str, columns: tuple[str, ...]) -> str:
        """A unique constraint as it is described in a statement."""
        named = f" {self.quote(name)}" if name_or_none(name) else ""
        return f"UNIQUE KEY{named} {self.columns(columns)}"

    def unique(self, difference: Difference) -> list[Step]:
        """A unique constraint that is missing, or one too many."""
        table, want = difference.table, difference.want
        if want is None:
            return self.drop_index(difference)
        words = f"ADD {self.unique_words(difference.name, want)}"
        return [Step(self.alter(table, words, gently=_BESIDE), Phase.KEYS)]

    def check_words(self, name: str, expression: str) -> str:
        """A check as it is described in a statement."""
        named = f"CONSTRAINT {self.quote(name)} " if name_or_none(name) else ""
        return f"{named}CHECK ({expression})"

    def check(self, difference: Difference) -> list[Step]:
        """A check that is missing, or one too many."""
        name, table, want = difference.name, difference.table, difference.want
        if want is not None:
            return [Step(self.alter(table, f"ADD {self.check_words(name, want.expression)}"), Phase.KEYS)]
        if name.startswith(_OF_COLUMN):
            column = name.removeprefix(_OF_COLUMN)[:-1]
            words = f"MODIFY COLUMN {self.column_words(column, self.have.tables[table].columns[column])}"
        else:
            words = f"DROP CONSTRAINT {self.quote(name)}"
        return [Step(self.alter(table, words), Phase.CLEARING)]

    def add_foreign_key(self, name: str, key: str, shape: ForeignKeyShape, **options: Any) -> list[Step]:
        """A new foreign key, always by a name that tells its index from others."""
        if name_or_none(key) is None:
            key = _cut("_".join([split_name(name)[1], *shape.columns, "fkey"]))
        return super().add_foreign_key(name, key, shape, **options)

    def foreign_key(self, difference: Difference) -> list[Step]:
        """A foreign key that is missing, or one too many with the index that the server made for it."""
        if difference.want is not None:
            return super().foreign_key(difference)
        shape = self.have.tables[difference.table]
        others = [each for key, each in shape.foreign_keys.items() if key != difference.name]
        words = [f"DROP FOREIGN KEY {self.quote(difference.name)}"]
        own = difference.name not in shape.indexes and difference.name not in shape.uniques
        if own and all(each.columns != difference.have.columns for each in others):
            words.append(f"DROP INDEX IF EXISTS {self.quote(difference.name)}")
        return [Step(self.alter(difference.table, *words), Phase.CLEARING)]

    def drop_index(self, difference: Difference) -> list[Step]:
        """Take an index away; a foreign key that used it gets one of its own at once."""
        words = [f"DROP INDEX {self.quote(difference.name)}"]
        shape = self.have.tables[difference.table]
        for key, foreign in shape.foreign_keys.items():
            if self._serves(shape, difference.name, foreign) and not any(
                self._serves(shape, other, foreign)
                for other in [*shape.indexes, *shape.uniques, ""]
                if other != difference.name
            ):
                words.append(f"ADD INDEX {self.quote(key)} {self.columns(foreign.columns)}")
        return [Step(self.alter(difference.table, *words), Phase.CLEARING)]

    def _serves(self, shape: TableShape, name: str, foreign: ForeignKeyShape) -> bool:
        """Whether an index, or the primary key for "", begins with a foreign key's columns."""
        if name == "":
            parts = tuple(map(self.quote, shape.primary_key))
        elif name in shape.uniques:
            parts = tuple(map(self.quote, shape.uniques[name]))
        else:
            parts = shape.indexes[name].parts
        return parts[: len(foreign.columns)] == tuple(map(self.quote, foreign.columns))

    def create_index(self, difference: Difference, **options: Any) -> list[Step]:
        """A new index of a table that is there."""
        want: IndexShape = difference.want
        kind = "UNIQUE INDEX" if want.unique else f"{want.method.upper()} INDEX".strip()
        words = f"ADD {kind} {self.quote(difference.name)} ({', '.join(want.parts)})"
        gently = "" if want.method else _BESIDE
        return [Step(self.alter(difference.table, words, gently=gently), Phase.INDEXES)]

    # What is no table

    def partition(self, difference: Difference) -> list[Step]:
        """A partition: made; or kept as a table of its own when it is one too many."""
        name, table, want = self.quote(difference.name), difference.table, difference.want
        if want is None:
            schema, bare = split_name(table)
            kept = self.full(full_name(schema, _cut(f"{bare}_{difference.name}")))
            return [Step(self.alter(table, f"CONVERT PARTITION {name} TO TABLE {kept}"), Phase.CLEARING)]
        described = f"(PARTITION {name} {want})"
        words = f"ADD PARTITION {described}"
        if difference.have is not None:
            words = f"REORGANIZE PARTITION {name} INTO {described}"
        return [Step(f"ALTER TABLE {self.full(table)} {words}", Phase.TABLES)]

    def sequence(self, difference: Difference) -> list[Step]:
        """A sequence."""
        full, want = self.full(difference.name), difference.want
        if want is None:
            return [Step(f"DROP SEQUENCE {full}", Phase.DROPS)]
        verb = "CREATE" if difference.have is None else "ALTER"
        words = f"START WITH {want.start} INCREMENT BY {want.increment}"
        return [Step(f"{verb} SEQUENCE {full} {words}", Phase.TYPES)]

    def routine(self, difference: Difference) -> list[Step]:
        """A function or procedure, replaced in place where it is there."""
        shape = difference.want or difference.have
        kind = shape.definition.split(maxsplit=2)[1]
        if difference.want is None:
            return [Step(f"DROP {kind} {self.full(difference.name)}", Phase.DROPS)]
        return [Step(shape.definition.replace("CREATE ", "CREATE OR REPLACE ", 1), Phase.ROUTINES)]

    def grant(self, difference: Difference) -> list[Step]:
        """A right that is missing, or one too many; whose it is, is written as the server prints it."""
        right: Grant = difference.want or difference.have
        pattern = right.name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        on = f"`{pattern.replace('`', '``')}`.*" if right.on == "schema" else self.full(right.name)
        if difference.want is not None:
            return [Step(f"GRANT {right.privilege} ON {on} TO {right.to}", Phase.GRANTS)]
        return [Step(f"REVOKE {right.privilege} ON {on} FROM {right.to}", Phase.GRANTS)]


_BESIDE = "ALGORITHM=INPLACE, LOCK=NONE"


def _is_bound(shape: ColumnShape | None) -> bool:
    return shape is not None and shape.generated in _BOUNDS.values()


def _counting_key(column: str) -> str:
    return _cut(f"datakit {column} counts")


def _cut(name: str) -> str:
    """A name that was put together, short enough and still one of its kind."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}_{zlib.crc32(name.encode()):08x}"
