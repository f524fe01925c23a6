"""The statements of SQLite; what it cannot alter, it makes anew with the rows of the old table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Dialect, ForeignKeyConstraint, MetaData, Table
from sqlalchemy.schema import CreateTable

from ...schema.change import Phase, Step
from ...schema.difference import Difference
from ...schema.names import full_name, split_name
from ...schema.rebuilding import name_or_none, table_from
from ...schema.snapshot import ColumnShape, Snapshot, TableShape
from ..ddl import DdlWriter
from .catalog import Contents
from .text import is_literal, mentions, tokens

__all__ = ["SqliteDdl"]

# What is a part of the statement that made the table, and its place in a shape.
_IN_STATEMENT = {
    "column": "columns",
    "unique": "uniques",
    "check": "checks",
    "foreign key": "foreign_keys",
    "primary key": "primary_key",
}


class SqliteDdl(DdlWriter):
    """Writes statements for SQLite.

    Args:
        dialect: see `DdlWriter`.
        have: see `DdlWriter`.
        tables: see `DdlWriter`.
        contents: the whole file, with all that nobody declared: a table that is made anew keeps it.
    """

    foreign_keys_inline = True

    def __init__(
        self, dialect: Dialect, have: Snapshot, tables: Mapping[str, Table], contents: Contents
    ) -> None:
        super().__init__(dialect, have, tables)
        self.contents = contents
        self.expected: Mapping[str, list[Difference]] = {}
        self.gone: set[str] = set()
        self.anew: set[str] = set()
        self.written: set[str] = set()
        self.checked: set[str] = set()

    def expect(self, differences: Iterable[Difference]) -> None:
        """Find the tables that must be made anew, once each, whatever the number of differences."""
        expected: dict[str, list[Difference]] = defaultdict(list)
        for difference in differences:
            if difference.table:
                expected[difference.table].append(difference)
            elif difference.kind == "table" and difference.want is None:
                self.gone.add(difference.name)
        self.expected = expected
        self.anew = {name for name, found in expected.items() if any(map(self.needs_new_table, found))}

    def needs_new_table(self, difference: Difference) -> bool:
        """Whether there is no statement that changes the table in place."""
        if difference.kind not in _IN_STATEMENT:
            return False
        if difference.kind != "column":
            return True
        if difference.want is None:
            return not self.can_be_dropped(difference.table, difference.name)
        return difference.have is not None or not _can_be_added(difference.want)

    def can_be_dropped(self, table: str, name: str) -> bool:
        """Whether a column is named by nothing else."""
        shape = self.contents.snapshot.tables[table]
        in_lists = {
            *shape.primary_key,
            *(column for columns in shape.uniques.values() for column in columns),
            *(column for key in shape.foreign_keys.values() for column in key.columns),
            *(
                column
                for other in self.contents.snapshot.tables.values()
                for key in other.foreign_keys.values()
                if key.to_table == table
                for column in key.to_columns
            ),
        }
        return name not in in_lists and not any(mentions(text, name) for text in self._texts(table, shape))

    def _texts(self, table: str, shape: TableShape) -> Iterator[str]:
        yield from (check.expression for check in shape.checks.values())
        yield from (column.generated for column in shape.columns.values() if column.generated)
        yield from (view.definition for view in self.contents.snapshot.views.values())
        for owner, attached in self.contents.attached.items():
            yield from (sql for kind, _, sql in attached if kind == "trigger" or owner == table)

    def write(self, difference: Difference) -> list[Step]:
        """The statements that make a difference go away; with the first of a table's, all of them go."""
        if difference.table not in self.anew or difference.kind not in _IN_STATEMENT:
            return super().write(difference)
        if difference.table in self.written:
            return []
        self.written.add(difference.table)
        return self.make_anew(difference.table)

    def make_anew(self, name: str) -> list[Step]:
        """Make a table as it should be, move the rows, and put it in the place of the old one."""
        differences = self.expected[name]
        old = self.contents.snapshot.tables[name]
        new = self._in_order(name, _changed(old, differences))
        schema, bare = split_name(name)
        made = full_name(schema, f"{bare}__new")
        table = self._with_keys(table_from(made, replace(new, indexes={}), self.dialect.name), new)
        declared = self.tables.get(name)
        if declared is not None:
            options = {k: v for k, v in declared.dialect_kwargs.items() if k.startswith("sqlite_")}
            table.dialect_kwargs.update(options)
        steps = [
            self.compiled(CreateTable(table)),
            self._move(name, made, old, new),
            f"DROP TABLE {self.full(name)}",
            f"ALTER TABLE {self.full(made)} RENAME TO {self.full(name)}",
        ]
        gone = {(each.kind, each.name) for each in differences if each.have is not None}
        for kind, called, sql in self.contents.attached.get(name, ()):
            own, bare_index = split_name(called)
            known_as = bare_index if kind == "index" and own == schema else called
            if (kind, known_as) not in gone:
                steps.append(sql)
        return [*(Step(sql, Phase.COLUMNS) for sql in steps), *self._checks(name)]

    def _in_order(self, name: str, shape: TableShape) -> TableShape:
        """The same with its columns as they are declared; others come last."""
        declared = self.tables.get(name)
        if declared is None:
            return shape
        order = [*(c.name for c in declared.columns if c.name in shape.columns), *shape.columns]
        return replace(shape, columns={column: shape.columns[column] for column in dict.fromkeys(order)})

    def _move(self, name: str, made: str, old: TableShape, new: TableShape) -> str:
        values = {
            self.quote(column): self.quote(column)
            for column, shape in new.columns.items()
            if column in old.columns and shape.generated is None
        }
        if not values:
            # Every row stays a row, even when all of its columns are new.
            column = next(column for column, shape in new.columns.items() if shape.generated is None)
            values = {self.quote(column): new.columns[column].default or "NULL"}
        return (
            f"INSERT INTO {self.full(made)} ({', '.join(values)}) "
            f"SELECT {', '.join(values.values())} FROM {self.full(name)}"
        )

    def _checks(self, name: str) -> list[Step]:
        """Foreign keys do not act while tables are changed, so they are looked at afterwards."""
        tables = [name] if name not in self.gone and self._refers(name) else []
        tables += [
            other
            for other, shape in self.contents.snapshot.tables.items()
            if other not in (name, *self.gone)
            and any(key.to_table == name for key in shape.foreign_keys.values())
        ]
        new = [table for table in tables if table not in self.checked]
        self.checked.update(new)
        return [Step(f"PRAGMA foreign_key_check({self.full(table)})", Phase.AFTERWARDS) for table in new]

    def _refers(self, name: str) -> bool:
        shape = self.contents.snapshot.tables[name]
        return bool(_changed(shape, self.expected[name]).foreign_keys)

    def table(self, difference: Difference) -> list[Step]:
        """A table that is missing, or one too many."""
        found = super().table(difference)
        return [*found, *self._checks(difference.name)] if difference.want is None else found

    def made_from(self, name: str, shape: TableShape) -> Table:
        """A table as SQLAlchemy knows it, with its foreign keys."""
        return self._with_keys(super().made_from(name, shape), shape)

    def _with_keys(self, table: Table, shape: TableShape) -> Table:
        for key, each in shape.foreign_keys.items():
            schema, bare = split_name(each.to_table)
            target = Table(bare, MetaData(), *map(Column, each.to_columns), schema=schema)
            table.append_constraint(
                ForeignKeyConstraint(
                    list(each.columns),
                    [target.columns[column] for column in each.to_columns],
                    name=name_or_none(key),
                    ondelete=each.on_delete or None,
                    onupdate=each.on_update or None,
                    deferrable=bool(each.deferrable) or None,
                    initially=each.deferrable.removeprefix("INITIALLY ") or None,
                )
            )
        return table

    def column(self, difference: Difference) -> list[Step]:
        """A column that can be added or dropped in place."""
        if difference.want is not None:
            return self.add_column(difference.table, difference.name, difference.want)
        words = f"DROP COLUMN {self.quote(difference.name)}"
        return [Step(f"ALTER TABLE {self.full(difference.table)} {words}", Phase.COLUMNS)]

    def add_column(self, table: str, name: str, shape: ColumnShape) -> list[Step]:
        """A new column of a table that is there."""
        owner = table_from(table, TableShape(columns={name: shape}), self.dialect.name)
        compiler: Any = self.dialect.ddl_compiler(self.dialect, CreateTable(owner))
        words: str = compiler.get_column_specification(owner.columns[name])
        return [Step(f"ALTER TABLE {self.full(table)} ADD COLUMN {words}", Phase.COLUMNS)]

    def drop_trigger(self, name: str, table: str) -> str:
        """Take a trigger away; its name is one of the whole file."""
        return f"DROP TRIGGER {self.quote(name)}"


def _can_be_added(shape: ColumnShape) -> bool:
    if shape.generated is not None or shape.identity:
        return False
    if shape.default is None:
        return shape.nullable
    pieces = tokens(shape.default)
    constant = is_literal(pieces) and not pieces[-1].text.upper().startswith("CURRENT_")
    return constant and (shape.nullable or shape.default.upper() != "NULL")


def _changed(shape: TableShape, differences: Iterable[Difference]) -> TableShape:
    """A table with these differences gone."""
    for difference in differences:
        place = _IN_STATEMENT.get(difference.kind)
        if place is None:
            continue
        if place == "primary_key":
            shape = replace(shape, primary_key=difference.want or ())
            continue
        parts: Any = {key: part for key, part in getattr(shape, place).items() if key != difference.name}
        if difference.want is not None:
            parts[difference.name] = difference.want
        shape = replace(shape, **{place: parts})
    return shape
