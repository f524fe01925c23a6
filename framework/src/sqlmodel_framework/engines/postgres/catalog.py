"""What there is, read from the catalog in bulk: the same few queries, however many tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, text

from ...schema.dialects import quoted
from ...schema.names import full_name
from ...schema.snapshot import (
    CheckShape,
    ColumnShape,
    EnumShape,
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

__all__ = ["exclusions", "read_snapshot", "table_bytes"]

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}
_IDENTITY = {"a": "always", "d": "by default"}
# What a foreign key does where nothing is said is not written down.
_ACTIONS = {"a": "", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

_IN_SCOPE = """(n.nspname = ANY(:schemas) OR (n.nspname, c.relname) IN (
    SELECT * FROM unnest(CAST(:table_schemas AS name[]), CAST(:table_names AS name[]))))"""
_RELATIONS = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind::text, d.description,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
       i.inhparent, CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid AND c.relispartition
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_IN_SCOPE}
ORDER BY n.nspname, c.relname
"""
# A column with a sequence of its own counts up if it is in the key. A declaration has no such word for any
# other column; what it can say of that is its default.
_COLUMNS = """
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), t.description,
       s.refobjid IS NOT NULL AND EXISTS (
           SELECT FROM pg_catalog.pg_index AS k
           WHERE k.indrelid = a.attrelid AND k.indisprimary AND a.attnum = ANY(k.indkey::int[]))
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_description AS t
    ON t.objoid = a.attrelid AND t.classoid = 'pg_class'::regclass AND t.objsubid = a.attnum
LEFT JOIN (
    SELECT p.refobjid, p.refobjsubid FROM pg_catalog.pg_depend AS p
    JOIN pg_catalog.pg_class AS q ON q.oid = p.objid AND q.relkind = 'S'
    WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.deptype = 'a'
) AS s ON s.refobjid = a.attrelid AND s.refobjsubid = a.attnum
WHERE a.attrelid = ANY(CAST(:oids AS oid[])) AND a.attnum > 0 AND NOT a.attisdropped
"""
_CONSTRAINTS = """
SELECT k.conrelid, k.conname, k.contype::text, k.conkey::int[], n.nspname, r.relname,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number
             ORDER BY u.place),
       k.confdeltype::text, k.confupdtype::text, k.condeferrable, k.condeferred, k.convalidated,
       pg_get_expr(k.conbin, k.conrelid)
FROM pg_catalog.pg_constraint AS k
LEFT JOIN pg_catalog.pg_class AS r ON r.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
WHERE k.conrelid = ANY(CAST(:oids AS oid[])) AND k.contype IN ('p', 'u', 'c', 'f')
ORDER BY k.conrelid, k.conname
"""
_INDEXES = """
SELECT i.indrelid, c.relname, i.indisunique, i.indisvalid, m.amname, pg_get_expr(i.indpred, i.indrelid),
       i.indnkeyatts, ARRAY(
           SELECT pg_get_indexdef(i.indexrelid, n, true)
               || CASE WHEN n <= i.indnkeyatts AND NOT o.opcdefault THEN ' ' || o.opcname ELSE '' END
               || CASE (i.indoption::int[])[n - 1] & 3
                  WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END
           FROM generate_series(1, i.indnatts) AS n
           LEFT JOIN pg_catalog.pg_opclass AS o ON o.oid = (i.indclass::oid[])[n - 1]
           ORDER BY n)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
WHERE i.indrelid = ANY(CAST(:oids AS oid[]))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                  WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY i.indrelid, c.relname
"""
# All that is told in a few words, in one query: what it is, its schema, its name, and more about it.
_OBJECTS = f"""
SELECT 'schema', n.nspname, '', ARRAY[]::text[]
FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ANY(:named)
UNION ALL
SELECT 'grant', n.nspname, '', ARRAY[
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type]
FROM pg_catalog.pg_namespace AS n, LATERAL aclexplode(n.nspacl) AS a
WHERE n.nspname = ANY(:named) AND a.grantee <> n.nspowner
UNION ALL
SELECT 'right', n.nspname, c.relname, ARRAY[
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type]
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace, LATERAL aclexplode(c.relacl) AS a
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.grantee <> c.relowner
  AND {_IN_SCOPE}
UNION ALL
SELECT 'trigger', n.nspname, c.relname,
       ARRAY[t.tgname::text, pg_get_triggerdef(t.oid), CASE t.tgenabled WHEN 'D' THEN 'off' ELSE 'on' END]
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND {_IN_SCOPE}
UNION ALL
SELECT 'routine', n.nspname,
       format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
       ARRAY[pg_get_functiondef(p.oid)]
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p') AND (n.nspname = ANY(:schemas) OR p.oid IN (
    SELECT t.tgfoid FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND (s.nspname, c.relname) IN (
        SELECT * FROM unnest(CAST(:table_schemas AS name[]), CAST(:table_names AS name[])))
)) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'enum', n.nspname, t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_catalog.pg_enum AS e
JOIN pg_catalog.pg_type AS t ON t.oid = e.enumtypid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE n.nspname = ANY(:schemas) OR n.nspname = :default_schema
GROUP BY n.nspname, t.typname
UNION ALL
SELECT 'sequence', n.nspname, c.relname,
       ARRAY[format_type(s.seqtypid, NULL), s.seqstart::text, s.seqincrement::text]
FROM pg_catalog.pg_sequence AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(:schemas) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i'))
"""

_EXCLUSIONS = text("""
SELECT n.nspname, c.relname, k.conname
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'x' AND (n.nspname, c.relname) IN (
    SELECT * FROM unnest(CAST(:schemas AS name[]), CAST(:names AS name[])))
ORDER BY n.nspname, c.relname, k.conname
""")
_BYTES = text(
    "SELECT name, pg_table_size(to_regclass(name)) FROM unnest(CAST(:names AS text[])) AS names (name)"
)


def read_snapshot(connection: Connection, scope: Scope) -> Snapshot:
    """Everything in the schemas of a scope, and its single tables with all that belongs to them."""
    return _Reading(connection, scope).snapshot()


def table_bytes(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """How many bytes each table holds, indexes left out; a table that is not there is left out."""
    places = {quoted(connection.dialect, name): name for name in names}
    rows: Sequence[Any] = connection.execute(_BYTES, {"names": list(places)}).all()
    return {places[place]: size for place, size in rows if size is not None}


def exclusions(
    connection: Connection, places: Collection[tuple[str | None, str]]
) -> list[tuple[str, str, str]]:
    """The exclusion constraints of tables: their kind, their table's full name, and their own."""
    default = connection.dialect.default_schema_name or "public"
    known = {(schema or default, name): full_name(schema, name) for schema, name in places}
    where = {"schemas": [schema for schema, _ in known], "names": [name for _, name in known]}
    rows: Sequence[Any] = connection.execute(_EXCLUSIONS, where).all()
    return [("exclusion", known[schema, table], name) for schema, table, name in rows]


class _Reading:
    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.connection = connection
        self.default = connection.dialect.default_schema_name or "public"
        self.singles = {(schema or self.default, name): (schema, name) for schema, name in scope.tables}
        self.schemas = sorted(scope.schemas)
        # Of a schema that is not looked at as a whole, it still matters whether it is there.
        self.named = sorted({*scope.schemas, *(schema for schema, _ in scope.tables if schema is not None)})

    def ask(self, query: str, **values: Any) -> Sequence[Any]:
        return self.connection.execute(text(query), values).all()

    def name(self, schema: str, name: str) -> str:
        """The full name: without the schema where the declaration names none."""
        declared = self.singles.get((schema, name), (schema, name))[0]
        return full_name(declared, name)

    def referred(self, schema: str, name: str) -> str:
        if schema == self.default and (schema, name) not in self.singles:
            return full_name(None, name)
        return self.name(schema, name)

    def snapshot(self) -> Snapshot:
        where = {
            "schemas": self.schemas,
            "table_schemas": [schema for schema, _ in self.singles],
            "table_names": [name for _, name in self.singles],
        }
        objects = self.ask(_OBJECTS, named=self.named, default_schema=self.default, **where)
        relations = self.ask(_RELATIONS, **where)
        names = {row[0]: self.name(row[1], row[2]) for row in relations}
        grants = {Grant("schema", schema, *more) for kind, schema, _, more in objects if kind == "grant"}
        grants |= {
            Grant("table", self.name(schema, name), *more)
            for kind, schema, name, more in objects
            if kind == "right"
        }
        triggers: dict[Any, dict[str, TriggerShape]] = defaultdict(dict)
        for kind, schema, name, more in sorted(map(tuple, objects)):
            if kind == "trigger":
                trigger, definition, enabled = more
                triggers[schema, name][trigger] = TriggerShape(definition, enabled == "on")
        return Snapshot(
            schemas=frozenset(schema for kind, schema, _, _ in objects if kind == "schema"),
            tables=self.tables(relations, names, triggers),
            views={
                names[row[0]]: ViewShape(row[6], row[3] == "m", row[4]) for row in relations if row[3] in "vm"
            },
            routines={
                signature: RoutineShape(definition[0].strip())
                for kind, _, signature, definition in objects
                if kind == "routine"
            },
            enums={
                self.type_name(schema, name): EnumShape(tuple(values))
                for kind, schema, name, values in objects
                if kind == "enum"
            },
            sequences={
                full_name(schema, name): SequenceShape(more[0], int(more[1]), int(more[2]))
                for kind, schema, name, more in objects
                if kind == "sequence"
            },
            grants=frozenset(grants),
        )

    def type_name(self, schema: str, name: str) -> str:
        return full_name(None if schema == self.default and schema not in self.schemas else schema, name)

    def tables(
        self,
        relations: Sequence[Any],
        names: dict[int, str],
        triggers: Mapping[Any, Mapping[str, TriggerShape]],
    ) -> dict[str, TableShape]:
        # A partition is told by its table, as a part of it.
        partitions: dict[int, dict[str, str]] = defaultdict(dict)
        for oid, _schema, _name, _kind, _comment, _key, _view, parent, bound in relations:
            if parent is not None:
                partitions[parent][names[oid]] = bound
        own = [row for row in relations if row[7] is None]
        if not own:
            return {}
        oids = [row[0] for row in own]
        columns, numbers = self.columns(oids)
        keys, key_names, uniques, checks, foreign_keys = self.constraints(oids, numbers)
        indexes = self.indexes(oids)
        return {
            names[oid]: TableShape(
                columns=columns.get(oid, {}),
                primary_key=keys.get(oid, ()),
                kind=_KINDS[kind],
                uniques=uniques.get(oid, {}),
                foreign_keys=foreign_keys.get(oid, {}),
                checks=checks.get(oid, {}),
                indexes=indexes.get(oid, {}),
                triggers=triggers.get((schema, name), {}),
                comment=comment,
                partition_by=partition_by,
                partitions=partitions.get(oid, {}),
                key_name=key_names.get(oid, ""),
            )
            for oid, schema, name, kind, comment, partition_by, _view, _parent, _bound in own
        }

    def columns(self, oids: list[int]) -> tuple[dict[int, dict[str, ColumnShape]], dict[int, dict[int, str]]]:
        shapes: dict[int, dict[str, ColumnShape]] = {}
        numbers: dict[int, dict[int, str]] = {}
        # Most columns are like others; a shape once made serves them all.
        known: dict[tuple[Any, ...], ColumnShape] = {}
        # The server would sort the wide rows on disk.
        rows = sorted(self.ask(_COLUMNS, oids=oids), key=itemgetter(0, 1))
        for oid, number, name, kind, not_null, identity, generated, default, comment, owns in rows:
            counts = owns and (default or "").startswith("nextval(")
            counting = _IDENTITY.get(identity, "serial" if counts else "")
            key = (
                kind,
                not not_null,
                None if generated or counting else default,
                default if generated else None,
                counting,
                comment,
            )
            shape = known.get(key)
            if shape is None:
                shape = known[key] = ColumnShape(*key)
            shapes.setdefault(oid, {})[name] = shape
            numbers.setdefault(oid, {})[number] = name
        return shapes, numbers

    def constraints(
        self, oids: list[int], numbers: dict[int, dict[int, str]]
    ) -> tuple[Any, Any, Any, Any, Any]:
        keys: dict[int, tuple[str, ...]] = {}
        key_names: dict[int, str] = {}
        uniques: dict[int, dict[str, tuple[str, ...]]] = defaultdict(dict)
        checks: dict[int, dict[str, CheckShape]] = defaultdict(dict)
        foreign_keys: dict[int, dict[str, ForeignKeyShape]] = defaultdict(dict)
        for row in self.ask(_CONSTRAINTS, oids=oids):
            oid, name, kind = row[0], row[1], row[2]
            columns = tuple(numbers[oid][number] for number in row[3] or ())
            if kind == "p":
                keys[oid], key_names[oid] = columns, name
            elif kind == "u":
                uniques[oid][name] = columns
            elif kind == "c":
                checks[oid][name] = CheckShape(row[12], row[11])
            else:
                deferrable = ("INITIALLY DEFERRED" if row[10] else "INITIALLY IMMEDIATE") if row[9] else ""
                foreign_keys[oid][name] = ForeignKeyShape(
                    columns,
                    self.referred(row[4], row[5]),
                    tuple(row[6]),
                    _ACTIONS[row[7]],
                    _ACTIONS[row[8]],
                    deferrable,
                    row[11],
                )
        return keys, key_names, uniques, checks, foreign_keys

    def indexes(self, oids: Iterable[int]) -> dict[int, dict[str, IndexShape]]:
        found: dict[int, dict[str, IndexShape]] = defaultdict(dict)
        for oid, name, unique, valid, method, where, keys, parts in self.ask(_INDEXES, oids=list(oids)):
            found[oid][name] = IndexShape(
                parts=tuple(parts[:keys]),
                unique=unique,
                where=where,
                method="" if method == "btree" else method,
                include=tuple(parts[keys:]),
                valid=valid,
            )
        return found
