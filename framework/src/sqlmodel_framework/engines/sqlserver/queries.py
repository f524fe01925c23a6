"""The questions to SQL Server's catalog. In each, `{scope}` or `{names}` stands for where to look."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = [
    "BYTES",
    "CHECKS",
    "COLUMNS",
    "FOREIGN_KEYS",
    "INDEXES",
    "MODULES",
    "OBJECTS",
    "OBJECT_GRANTS",
    "SCHEMAS",
    "SCHEMA_GRANTS",
    "SEQUENCES",
    "condition",
    "listed",
    "literal",
    "widened",
]

_PIECE = re.compile(
    r"(?P<kept>\[(?:[^\]]|\]\])*\]|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\b[Nn]'(?:[^']|'')*')"
    r"|(?P<text>'(?:[^']|'')*')",
    re.DOTALL,
)


def literal(value: str) -> str:
    """Text as a literal."""
    return "N'" + value.replace("'", "''") + "'"


def widened(sql: str) -> str:
    """A statement whose texts are of any letters: one without N in front is of the server's code page."""

    def wide(match: re.Match[str]) -> str:
        return match[0] if match["kept"] is not None or match[0].isascii() else f"N{match[0]}"

    return _PIECE.sub(wide, sql)


def listed(names: Sequence[str]) -> str:
    """Names in parentheses, as literals."""
    return f"({', '.join(map(literal, names))})"


def condition(schemas: Sequence[str], singles: Sequence[tuple[str, str]]) -> str | None:
    """What holds of an object `o` of a schema `s` that is looked at; None where nothing is."""
    parts = []
    if schemas:
        parts.append(f"s.name IN {listed(schemas)}")
    by_schema: dict[str, list[str]] = {}
    for schema, name in singles:
        if schema not in schemas:
            by_schema.setdefault(schema, []).append(name)
    parts += [
        f"s.name = {literal(schema)} AND o.name IN {listed(names)}" for schema, names in by_schema.items()
    ]
    return f"({' OR '.join(parts)})" if parts else None


SCHEMAS = "SELECT name FROM sys.schemas WHERE name IN {names}"

# The table of past rows belongs to the one whose history it is, and the server looks after it.
OBJECTS = """
SELECT s.name, o.name, RTRIM(o.type), CASE WHEN t.temporal_type = 2 THEN 1 ELSE 0 END,
    CAST(e.value AS nvarchar(4000))
FROM sys.objects AS o
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN sys.tables AS t ON t.object_id = o.object_id
LEFT JOIN sys.extended_properties AS e
    ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = N'MS_Description'
WHERE o.type IN ('U', 'V', 'SO') AND o.is_ms_shipped = 0 AND COALESCE(t.temporal_type, 0) <> 1 AND {scope}
"""

COLUMNS = """
SELECT s.name, o.name, c.name, y.name, CASE WHEN y.is_user_defined = 1 THEN SCHEMA_NAME(y.schema_id) END,
    c.max_length, c.[precision], c.scale, c.collation_name, c.is_nullable, d.[definition], g.[definition],
    g.is_persisted, c.is_identity, c.generated_always_type, CAST(e.value AS nvarchar(4000))
FROM sys.columns AS c
INNER JOIN sys.objects AS o ON o.object_id = c.object_id
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
INNER JOIN sys.types AS y ON y.user_type_id = c.user_type_id
LEFT JOIN sys.default_constraints AS d
    ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
LEFT JOIN sys.computed_columns AS g ON g.object_id = c.object_id AND g.column_id = c.column_id
LEFT JOIN sys.extended_properties AS e
    ON e.class = 1 AND e.major_id = c.object_id AND e.minor_id = c.column_id AND e.name = N'MS_Description'
WHERE o.type IN ('U', 'V') AND {scope}
ORDER BY c.object_id, c.column_id
"""

INDEXES = """
SELECT s.name, o.name, i.name, i.type_desc, i.is_unique, i.is_primary_key, i.is_unique_constraint,
    i.filter_definition, i.is_disabled, c.name, p.is_descending_key, p.is_included_column
FROM sys.indexes AS i
INNER JOIN sys.objects AS o ON o.object_id = i.object_id
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
INNER JOIN sys.index_columns AS p ON p.object_id = i.object_id AND p.index_id = i.index_id
INNER JOIN sys.columns AS c ON c.object_id = p.object_id AND c.column_id = p.column_id
WHERE i.is_hypothetical = 0 AND o.type = 'U' AND {scope}
ORDER BY i.object_id, i.index_id, p.is_included_column, p.key_ordinal, p.index_column_id
"""

CHECKS = """
SELECT s.name, o.name, k.name, k.[definition], k.is_not_trusted
FROM sys.check_constraints AS k
INNER JOIN sys.objects AS o ON o.object_id = k.parent_object_id
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE {scope}
ORDER BY k.name
"""

FOREIGN_KEYS = """
SELECT s.name, o.name, k.name, c.name, SCHEMA_NAME(r.schema_id), r.name, rc.name,
    k.delete_referential_action_desc, k.update_referential_action_desc, k.is_not_trusted
FROM sys.foreign_keys AS k
INNER JOIN sys.objects AS o ON o.object_id = k.parent_object_id
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
INNER JOIN sys.foreign_key_columns AS p ON p.constraint_object_id = k.object_id
INNER JOIN sys.columns AS c ON c.object_id = p.parent_object_id AND c.column_id = p.parent_column_id
INNER JOIN sys.objects AS r ON r.object_id = p.referenced_object_id
INNER JOIN sys.columns AS rc
    ON rc.object_id = p.referenced_object_id AND rc.column_id = p.referenced_column_id
WHERE {scope}
ORDER BY k.name, p.constraint_column_id
"""

# Of a trigger, the schema is its table's.
MODULES = """
SELECT s.name, m.name, RTRIM(m.type), d.[definition], o.name, COALESCE(t.is_disabled, 0)
FROM sys.sql_modules AS d
INNER JOIN sys.objects AS m ON m.object_id = d.object_id
INNER JOIN sys.objects AS o
    ON o.object_id = CASE WHEN m.type = 'TR' THEN m.parent_object_id ELSE m.object_id END
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN sys.triggers AS t ON t.object_id = m.object_id
WHERE m.type IN ('FN', 'IF', 'P', 'TF', 'TR', 'V') AND m.is_ms_shipped = 0 AND {scope}
ORDER BY m.name
"""

SEQUENCES = """
SELECT s.name, o.name, TYPE_NAME(q.user_type_id), CAST(q.start_value AS bigint), CAST(q.increment AS bigint)
FROM sys.sequences AS q
INNER JOIN sys.objects AS o ON o.object_id = q.object_id
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE {scope}
"""

# G and W are rights that were given, the latter to be given on; there are refusals besides.
OBJECT_GRANTS = """
SELECT s.name, o.name, u.name, p.permission_name
FROM sys.database_permissions AS p
INNER JOIN sys.objects AS o ON o.object_id = p.major_id
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
INNER JOIN sys.database_principals AS u ON u.principal_id = p.grantee_principal_id
WHERE p.class = 1 AND p.minor_id = 0 AND p.state IN ('G', 'W') AND o.is_ms_shipped = 0
    AND o.type IN ('U', 'V') AND {scope}
"""

SCHEMA_GRANTS = """
SELECT s.name, u.name, p.permission_name
FROM sys.database_permissions AS p
INNER JOIN sys.schemas AS s ON s.schema_id = p.major_id
INNER JOIN sys.database_principals AS u ON u.principal_id = p.grantee_principal_id
WHERE p.class = 3 AND p.state IN ('G', 'W') AND s.name IN {names}
"""

BYTES = """
SELECT s.name, o.name, SUM(a.total_pages) * 8192
FROM sys.objects AS o
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
INNER JOIN sys.partitions AS p ON p.object_id = o.object_id AND p.index_id IN (0, 1)
INNER JOIN sys.allocation_units AS a ON a.container_id = p.partition_id
WHERE {scope}
GROUP BY s.name, o.name
"""
