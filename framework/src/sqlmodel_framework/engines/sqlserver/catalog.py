"""What there is, read from the catalog in bulk: the same few queries, however many tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...schema.names import full_name, split_name
from ...schema.snapshot import (
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    Grant,
    IndexShape,
    RoutineShape,
    Scope,
    SequenceShape,
    Snapshot,
    TableShape,
    TriggerShape,
    ViewShape,
)
from . import queries
from .canonical import BOUNDS, COMPUTED, generated_words, query_of
from .expressions import normal_form
from .types import reported_type

__all__ = ["read_snapshot", "table_bytes"]

Fetch = Callable[[str], Sequence[Any]]
"""What runs a query and gives its rows, each a sequence of values."""

_BOUND_OF = {1: BOUNDS["valid_from"], 2: BOUNDS["valid_to"]}
_ROUTINES = frozenset({"FN", "IF", "P", "TF"})


def read_snapshot(fetch: Fetch, quote: Callable[[str], str], scope: Scope, default: str) -> Snapshot:
    """Everything in the schemas of a scope, and its single tables with all that belongs to them.

    Args:
        fetch: what runs a query.
        quote: how a name is written, with brackets where it must have them.
        scope: where to look.
        default: the schema of what is named without one.
    """
    return _Reading(fetch, quote, scope, default).snapshot()


def table_bytes(fetch: Fetch, names: Iterable[str], default: str) -> dict[str, int]:
    """How many bytes each table holds, indexes left out; a table that is not there is left out."""
    places = frozenset(split_name(name) for name in names)
    reading = _Reading(fetch, str, Scope(tables=places), default)
    return {reading.name(row[0], row[1]): int(row[2]) for row in reading.ask(queries.BYTES)}


class _Reading:
    def __init__(self, fetch: Fetch, quote: Callable[[str], str], scope: Scope, default: str) -> None:
        self.fetch = fetch
        self.quote = quote
        self.default = default
        self.schemas = scope.schemas
        # A table may be asked for with its schema's name and without.
        self.singles = {(schema or default, name): schema for schema, name in scope.tables}
        self.named = {*scope.schemas, *(schema for schema, _ in self.singles)}

    def ask(self, query: str) -> list[Any]:
        """The rows about objects of the scope; the first two columns say which."""
        condition = queries.condition(sorted(self.schemas), sorted(self.singles))
        rows = [] if condition is None else self.fetch(query.replace("{scope}", condition))
        # Names that differ by case alone are one name to most servers.
        return [row for row in rows if row[0] in self.schemas or (row[0], row[1]) in self.singles]

    def of_schemas(self, query: str, names: Iterable[str]) -> list[Any]:
        """The rows about whole schemas; the first column says which."""
        wanted = sorted(names)
        if not wanted:
            return []
        return [
            row for row in self.fetch(query.replace("{names}", queries.listed(wanted))) if row[0] in wanted
        ]

    def name(self, schema: str, name: str) -> str:
        """The full name: without the schema where the declaration names none."""
        return full_name(self.singles.get((schema, name), schema), name)

    def referred(self, schema: str, name: str) -> str:
        if schema == self.default and schema not in self.schemas and (schema, name) not in self.singles:
            return full_name(None, name)
        return self.name(schema, name)

    def snapshot(self) -> Snapshot:
        objects = self.ask(queries.OBJECTS)
        modules = self.ask(queries.MODULES) if objects or self.schemas else []
        views = [row for row in objects if row[2] == "V"]
        definitions = {(row[0], row[1]): row[3] for row in modules if row[2] == "V"}
        return Snapshot(
            schemas=frozenset(name for (name,) in self.of_schemas(queries.SCHEMAS, self.named)),
            tables=self.tables([row for row in objects if row[2] != "SO"], modules),
            views={
                self.name(schema, name): ViewShape(
                    query_of(definitions.get((schema, name)) or ""), False, words
                )
                for schema, name, _kind, _versioned, words in views
            },
            routines={
                full_name(row[0], row[1]): RoutineShape(str(row[3]).strip())
                for row in modules
                if row[2] in _ROUTINES and row[0] in self.schemas
            },
            sequences={
                self.name(row[0], row[1]): SequenceShape(row[2], int(row[3]), int(row[4]))
                for row in (self.ask(queries.SEQUENCES) if any(each[2] == "SO" for each in objects) else [])
            },
            grants=self.grants(),
        )

    def tables(self, rows: list[Any], modules: list[Any]) -> dict[str, TableShape]:
        if not rows:
            return {}
        columns = self.columns()
        keys, uniques, indexes = self.indexes()
        checks: dict[Any, dict[str, CheckShape]] = defaultdict(dict)
        for schema, table, name, definition, untrusted in self.ask(queries.CHECKS):
            checks[schema, table][name] = CheckShape(normal_form(definition, self.quote), not untrusted)
        foreign_keys = self.foreign_keys()
        triggers: dict[Any, dict[str, TriggerShape]] = defaultdict(dict)
        for schema, name, kind, definition, table, disabled in modules:
            if kind == "TR":
                triggers[schema, table][name] = TriggerShape(str(definition).strip(), not disabled)
        found = {}
        for schema, name, kind, versioned, comment in rows:
            place = (schema, name)
            key_name, key = keys.get(place, ("", ()))
            found[self.name(schema, name)] = TableShape(
                columns=columns[place],
                primary_key=key,
                kind="view" if kind == "V" else "table",
                uniques=uniques[place],
                foreign_keys=foreign_keys[place],
                checks=checks[place],
                indexes=indexes[place],
                triggers=triggers[place],
                comment=None if kind == "V" else comment,
                versioned=bool(versioned),
                key_name=key_name,
            )
        return found

    def columns(self) -> dict[Any, dict[str, ColumnShape]]:
        found: dict[Any, dict[str, ColumnShape]] = defaultdict(dict)
        for row in self.ask(queries.COLUMNS):
            schema, table, name, type_, own, length, precision, scale, collation, nullable, *rest = row
            default, computed, persisted, counts, bound, comment = rest
            kind = reported_type(
                type_,
                max_length=int(length),
                precision=int(precision),
                scale=int(scale),
                collation=collation,
                schema=own,
            )
            if bound in _BOUND_OF:
                shape = ColumnShape(kind, False, generated=_BOUND_OF[bound], comment=comment)
            elif computed is not None:
                words = generated_words(computed, bool(persisted), self.quote)
                shape = ColumnShape(COMPUTED, generated=words, comment=comment)
            else:
                shape = ColumnShape(
                    kind,
                    bool(nullable),
                    None if default is None else normal_form(default, self.quote),
                    identity="always" if counts else "",
                    comment=comment,
                )
            found[schema, table][name] = shape
        return found

    def indexes(self) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, dict[str, IndexShape]]]:
        keys: dict[Any, tuple[str, tuple[str, ...]]] = {}
        uniques: dict[Any, dict[str, tuple[str, ...]]] = defaultdict(dict)
        indexes: dict[Any, dict[str, IndexShape]] = defaultdict(dict)
        parts: dict[Any, list[Any]] = defaultdict(list)
        for row in self.ask(queries.INDEXES):
            parts[tuple(row[:9])].append(row[9:])
        for (schema, table, name, kind, unique, primary, constraint, where, off), columns in parts.items():
            inner = [(column, descending) for column, descending, included in columns if not included]
            names = tuple(column for column, _ in inner)
            if primary:
                keys[schema, table] = (name, names)
            elif constraint:
                uniques[schema, table][name] = names
            else:
                indexes[schema, table][name] = IndexShape(
                    parts=tuple(self.quote(c) + (" DESC" if down else "") for c, down in inner),
                    unique=bool(unique),
                    where=None if where is None else normal_form(where, self.quote),
                    method="" if kind in ("CLUSTERED", "NONCLUSTERED") else str(kind).lower(),
                    include=tuple(column for column, _, included in columns if included),
                    valid=not off,
                )
        return keys, uniques, indexes

    def foreign_keys(self) -> dict[Any, dict[str, ForeignKeyShape]]:
        parts: dict[Any, list[Any]] = defaultdict(list)
        for row in self.ask(queries.FOREIGN_KEYS):
            parts[tuple(row[:3])].append(row[3:])
        found: dict[Any, dict[str, ForeignKeyShape]] = defaultdict(dict)
        for (schema, table, name), rows in parts.items():
            _, to_schema, to_table, _, on_delete, on_update, untrusted = rows[0]
            found[schema, table][name] = ForeignKeyShape(
                columns=tuple(row[0] for row in rows),
                to_table=self.referred(to_schema, to_table),
                to_columns=tuple(row[3] for row in rows),
                on_delete=_action(on_delete),
                on_update=_action(on_update),
                validated=not untrusted,
            )
        return found

    def grants(self) -> frozenset[Grant]:
        found = {
            Grant("schema", schema, _to(to), privilege)
            for schema, to, privilege in self.of_schemas(queries.SCHEMA_GRANTS, self.named)
        }
        for schema, table, to, privilege in self.ask(queries.OBJECT_GRANTS):
            found.add(Grant("table", self.name(schema, table), _to(to), privilege))
        return frozenset(found)


def _to(role: str) -> str:
    return "PUBLIC" if role == "public" else role


def _action(words: str) -> str:
    return "" if words == "NO_ACTION" else words.replace("_", " ")
