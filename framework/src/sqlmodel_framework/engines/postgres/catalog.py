"""What is there, read from the catalog in bulk: two queries, however many tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Table, text

from ...schema.snapshot import ColumnShape, Snapshot, TableShape

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}

_SCHEMAS = text("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY(CAST(:names AS text[]))")

_COLUMNS = text("""
SELECT n.nspname AS schema_name, c.relname AS table_name, c.relkind AS kind, a.attname AS column_name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name, a.attnotnull AS not_null,
       array_position(CAST(i.indkey AS int2[]), a.attnum) AS key_position
FROM unnest(CAST(:schemas AS text[]), CAST(:tables AS text[])) AS w (schema_name, table_name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table_name
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY n.nspname, c.relname, a.attnum
""")


def read_snapshot(connection: Connection, tables: Iterable[Table]) -> Snapshot:
    """Which schemas of these tables exist, and the columns and keys of those that exist."""
    default = connection.dialect.default_schema_name or "public"
    places = {(table.schema or default, table.name): table.fullname for table in tables}
    names = sorted({schema for schema, _ in places})
    schemas: Sequence[str] = connection.execute(_SCHEMAS, {"names": names}).scalars().all()
    rows = connection.execute(
        _COLUMNS, {"schemas": [schema for schema, _ in places], "tables": [table for _, table in places]}
    )
    columns: dict[str, dict[str, ColumnShape]] = {}
    keys: dict[str, dict[int, str]] = {}
    kinds: dict[str, str] = {}
    for row in rows:
        name = places[row.schema_name, row.table_name]
        kinds[name] = _KINDS[row.kind]
        columns.setdefault(name, {})
        keys.setdefault(name, {})
        if row.column_name is not None:
            columns[name][row.column_name] = ColumnShape(row.type_name, not row.not_null)
        if row.key_position is not None:
            keys[name][row.key_position] = row.column_name
    return Snapshot(
        frozenset(schemas),
        {
            name: TableShape(columns[name], tuple(keys[name][n] for n in sorted(keys[name])), kinds[name])
            for name in kinds
        },
    )
