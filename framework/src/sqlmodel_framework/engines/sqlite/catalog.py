"""What there is, read in two queries, however many tables; checks and keys from the statements themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Dialect

from ...schema.names import full_name, split_name
from ...schema.snapshot import (
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    IndexShape,
    Scope,
    Snapshot,
    TableShape,
    TriggerShape,
    ViewShape,
)
from .dialect import flat_name
from .statements import TableText, read_index, read_table, read_view
from .text import Token, expression, with_column_renamed, with_table_renamed

__all__ = ["Contents", "read_contents"]

_OBJECTS = """
SELECT type, name, tbl_name, sql FROM sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid
"""
_COLUMNS = """
SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS c
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.rowid, c.cid
"""
_INTEGER = "INTEGER"


@dataclass(frozen=True)
class Contents:
    """A whole file.

    Attributes:
        snapshot: every table and view.
        attached: for each table by full name, its indexes and triggers: kind, name and statement.
    """

    snapshot: Snapshot = field(default_factory=Snapshot)
    attached: Mapping[str, Sequence[tuple[str, str, str]]] = field(default_factory=dict)

    def within(self, scope: Scope) -> Snapshot:
        """What of it lies in a scope; every schema is there, because there are none."""
        schemas = scope.schemas | {schema for schema, _ in scope.tables if schema is not None}

        def is_meant(name: str) -> bool:
            place = split_name(name)
            return place[0] in scope.schemas or place in scope.tables

        return Snapshot(
            schemas=schemas,
            tables={name: shape for name, shape in self.snapshot.tables.items() if is_meant(name)},
            views={name: shape for name, shape in self.snapshot.views.items() if is_meant(name)},
        )

    def with_table_renamed(self, old: str, new: str) -> Contents:
        """What there will be when a table has another full name."""
        flat_old, flat_new = (flat_name(*split_name(each)) for each in (old, new))

        def name(each: str) -> str:
            return new if each == old else each

        def text(sql: str) -> str:
            return with_table_renamed(sql, flat_old, flat_new)

        tables = {
            name(each): replace(
                shape,
                foreign_keys={
                    key: replace(foreign, to_table=name(foreign.to_table))
                    for key, foreign in shape.foreign_keys.items()
                },
            )
            for each, shape in self.snapshot.tables.items()
        }
        views = {each: ViewShape(text(view.definition)) for each, view in self.snapshot.views.items()}
        attached = {
            name(each): [(kind, called, text(sql)) for kind, called, sql in found]
            for each, found in self.attached.items()
        }
        return Contents(Snapshot(tables=tables, views=views), attached)

    def with_column_renamed(self, table: str, shape: TableShape, old: str, new: str) -> Contents:
        """What there will be when a column of a table has another name, and the table is of this shape."""
        attached = dict(self.attached)
        attached[table] = [
            (kind, called, with_column_renamed(sql, old, new))
            for kind, called, sql in self.attached.get(table, ())
        ]
        tables = {**self.snapshot.tables, table: shape}
        return Contents(Snapshot(tables=tables, views=self.snapshot.views), attached)


def read_contents(connection: Connection, scope: Scope) -> Contents:
    """Everything in a file.

    Args:
        connection: in a transaction.
        scope: tells a name that only looks like one with a schema from one that has it.
    """
    return _Reading(connection, scope).contents()


class _Reading:
    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.connection = connection
        self.dialect: Dialect = connection.dialect
        self.plain = {name for schema, name in scope.tables if schema is None}
        self.names: dict[str, str] = {}

    def ask(self, query: str) -> Sequence[Any]:
        return self.connection.exec_driver_sql(query).all()

    def full(self, name: str) -> str:
        """The full name of what has this name in the file."""
        if name and name not in self.plain:
            schema, bare = split_name(name)
            if schema is not None and flat_name(schema, bare) == name:
                return name
        return full_name(None, name)

    def contents(self) -> Contents:
        columns: dict[str, list[Any]] = defaultdict(list)
        for row in self.ask(_COLUMNS):
            columns[row[0]].append(row[1:])
        objects = self.ask(_OBJECTS)
        # Names are told apart by more than the case of their letters.
        self.names = {row[1].lower(): row[1] for row in objects if row[0] in ("table", "view")}
        tables: dict[str, TableShape] = {}
        views: dict[str, ViewShape] = {}
        attached: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for kind, name, table, sql in objects:
            if kind in ("index", "trigger"):
                attached[self.full(self.names[table.lower()])].append((kind, name, sql))
        keys = {table: _key(rows) for table, rows in columns.items()}
        for kind, name, _table, sql in objects:
            full = self.full(name)
            if kind == "view":
                views[full] = ViewShape(read_view(sql))
                tables[full] = TableShape(columns={}, kind="view")
            elif kind == "table" and name not in columns:
                tables[full] = TableShape(columns={}, kind="virtual table")
            elif kind == "table":
                tables[full] = self.table(full, columns[name], sql, keys, attached[full])
        return Contents(Snapshot(tables=tables, views=views), attached)

    def table(
        self,
        full: str,
        rows: Sequence[Any],
        sql: str,
        keys: Mapping[str, tuple[str, ...]],
        attached: Sequence[tuple[str, str, str]],
    ) -> TableShape:
        written = read_table(sql)
        key = _key(rows)
        own = {row[0].lower(): row[0] for row in rows}

        def named(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(own.get(name.lower(), name) for name in names)

        foreign_keys = {}
        for name, each in written.foreign_keys.items():
            target = self.names.get(each.to_table.lower(), each.to_table)
            foreign_keys[name] = ForeignKeyShape(
                columns=named(each.columns),
                to_table=self.full(target),
                to_columns=each.to_columns or keys.get(target, ()),
                on_delete=each.on_delete,
                on_update=each.on_update,
                deferrable=each.deferrable,
            )
        schema = split_name(full)[0]
        return TableShape(
            columns={row[0]: _column(row, key, written) for row in rows},
            primary_key=key,
            uniques={name: named(columns) for name, columns in written.uniques.items()},
            foreign_keys=foreign_keys,
            checks={name: CheckShape(words) for name, words in written.checks.items()},
            indexes={
                _own_name(schema, name): self.index(text) for kind, name, text in attached if kind == "index"
            },
            triggers={name: TriggerShape(text) for kind, name, text in attached if kind == "trigger"},
        )

    def index(self, sql: str) -> IndexShape:
        parts, where = read_index(sql)
        return IndexShape(
            parts=tuple(self.part(part) for part in parts),
            unique=sql[:30].upper().startswith("CREATE UNIQUE"),
            where=where,
        )

    def part(self, pieces: Sequence[Token]) -> str:
        if len(pieces) == 1 and pieces[0].kind in ("name", "word"):
            return str(self.dialect.identifier_preparer.quote(pieces[0].value))
        return expression(pieces)


def _key(rows: Sequence[Any]) -> tuple[str, ...]:
    return tuple(row[0] for row in sorted(rows, key=lambda row: row[4]) if row[4])


def _own_name(schema: str | None, name: str) -> str:
    """An index's name without its table's schema; one that was not made here may have none."""
    own, bare = split_name(name)
    return bare if schema is not None and own == schema else name


def _column(row: Any, key: tuple[str, ...], written: TableText) -> ColumnShape:
    name, kind, not_null, default, _place, _hidden = row
    collation = written.collations.get(name)
    counts = key == (name,) and kind.upper() == _INTEGER and written.counts
    return ColumnShape(
        type=f'{kind} COLLATE "{collation}"' if collation else kind,
        nullable=not not_null and name not in key,
        default=default,
        generated=written.generated.get(name),
        identity="auto" if counts else "",
    )
