"""How the rows that came are joined with those that are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Table, TableClause, text

__all__ = ["merging_in_order"]

# From which correlation on an index leads through a table from its beginning to its end.
_IN_ORDER = 0.95
# Of the sample that tells the order, in the unit of the setting: 300 rows for each.
_TARGET = 10

_ORDERED = text("""
SELECT count(*) = 2
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_stats AS s ON (s.schemaname, s.tablename) = (n.nspname, c.relname)
WHERE c.oid IN (CAST(:staged AS regclass), CAST(:there AS regclass))
    AND s.attname = :first AND s.correlation > :enough
""")


@contextmanager
def merging_in_order(
    connection: Connection, staged: TableClause, there: Table, key: tuple[str, ...]
) -> Iterator[None]:
    """Have two tables joined by their indexes in the block, where both lie in the order of their key.

    They are then read once from beginning to end, side by side. A table of hashes, which the planner takes to
    be cheaper, needs twice the time for a million rows.

    Args:
        connection: in a transaction.
        staged: a temporary table with a unique index on the key.
        there: the table that its rows go into.
        key: the key of both.
    """
    write = connection.dialect.identifier_preparer
    name, first = f"pg_temp.{write.quote(staged.name)}", write.quote(key[0])
    connection.execute(text(f"ALTER TABLE {name} ALTER {first} SET STATISTICS {_TARGET}"))
    connection.execute(text(f"ANALYZE {name} ({first})"))
    asked = {"staged": name, "there": write.format_table(there), "first": key[0], "enough": _IN_ORDER}
    in_order: bool = connection.execute(_ORDERED, asked).scalar_one()
    if not in_order:
        yield
        return
    before: str = connection.execute(text("SHOW enable_hashjoin")).scalar_one()
    connection.execute(text("SET LOCAL enable_hashjoin = off"))
    yield
    connection.execute(text(f"SET LOCAL enable_hashjoin = {before}"))
