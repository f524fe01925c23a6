"""The views that stand in the way of a change: PostgreSQL changes nothing that a view reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, text

from ...schema.dialects import quoted
from ...schema.names import full_name

__all__ = ["views_on"]

_VIEWS = text("""
WITH RECURSIVE
reading AS (
    SELECT r.ev_class AS view, d.refobjid AS read, d.refobjsubid AS number
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
      AND r.ev_class <> d.refobjid
),
found AS (
    SELECT reading.view, 1 AS depth
    FROM unnest(CAST(:places AS text[]), CAST(:columns AS text[])) AS wanted (place, name)
    LEFT JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = to_regclass(wanted.place) AND a.attname = wanted.name
    JOIN reading ON reading.read = to_regclass(wanted.place)
        AND (wanted.name IS NULL OR reading.number = a.attnum)
    UNION
    SELECT reading.view, found.depth + 1 FROM found JOIN reading ON reading.read = found.view
)
SELECT n.nspname, c.relname, ARRAY(
    SELECT DISTINCT ARRAY[m.nspname::text, o.relname::text] FROM reading
    JOIN pg_catalog.pg_class AS o ON o.oid = reading.read
    JOIN pg_catalog.pg_namespace AS m ON m.oid = o.relnamespace
    WHERE reading.view = c.oid)
FROM found
JOIN pg_catalog.pg_class AS c ON c.oid = found.view
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
GROUP BY n.nspname, c.relname, c.oid
ORDER BY max(found.depth) DESC, n.nspname, c.relname
""")


def views_on(
    connection: Connection, columns: Iterable[tuple[str, str]], views: Iterable[str]
) -> dict[str, frozenset[str]]:
    """The views that read these columns or views, also by way of others: what each reads, by full names.

    The first can be dropped first, and made last.

    Args:
        connection: in a transaction.
        columns: each by its table's full name and its own.
        views: by full name.
    """
    wanted: list[tuple[str, str | None]] = [*columns, *((view, None) for view in views)]
    values = {
        "places": [quoted(connection.dialect, place) for place, _ in wanted],
        "columns": [column for _, column in wanted],
    }
    found: Sequence[Any] = connection.execute(_VIEWS, values).all()
    default = connection.dialect.default_schema_name

    def name(schema: str, bare: str) -> str:
        return full_name(None if schema == default else schema, bare)

    return {name(schema, bare): frozenset(name(*each) for each in reads) for schema, bare, reads in found}
