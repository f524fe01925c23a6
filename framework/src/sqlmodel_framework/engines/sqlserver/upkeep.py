"""What keeps times and history true in SQL Server: system versioning, and a trigger for `updated_at`.

A change is dated to the beginning of its transaction; a state that did not outlive its transaction
holds at no moment, and no question finds it. An older transaction that changes a row which a newer one
has changed already is refused by the server (error 13535), and can be tried again.
"""

from __future__ import annotations

from sqlalchemy import Table

from ...history.companion import column_for, companion_name, data_columns
from ...schema.snapshot import TriggerShape
from ...schema.upkeep import Upkeep
from .. import versioning

__all__ = ["upkeep"]


def upkeep(table: Table) -> Upkeep:
    """What a table is given.

    Raises:
        DeclarationError: its marked columns do not fit together.
    """
    return Upkeep(triggers=_of_updated_at(table), versioned=versioning.is_versioned(table))


def _quoted(name: str) -> str:
    return "[" + name.replace("]", "]]") + "]"


def _of_updated_at(table: Table) -> dict[str, TriggerShape]:
    column = column_for(table, "updated_at")
    key = [_quoted(each.name) for each in table.primary_key.columns]
    if column is None or not key:
        return {}
    name = companion_name(table, "updated_at")
    schema = "" if table.schema is None else f"{_quoted(table.schema)}."
    updated_at = _quoted(column.name)

    def same(one: str, other: str) -> str:
        return " AND ".join(f"{one}.{each} = {other}.{each}" for each in key)

    def values(row: str) -> str:
        return ", ".join(f"{row}.{_quoted(each.name)}" for each in data_columns(table))

    return {
        name: TriggerShape(
            f"CREATE TRIGGER {schema}{_quoted(name)} ON {schema}{_quoted(table.name)} AFTER UPDATE AS\n"
            "BEGIN\n"
            "  SET NOCOUNT ON;\n"
            # Its own update would call it again where the database allows recursion.
            "  IF TRIGGER_NESTLEVEL(@@PROCID) > 1 RETURN;\n"
            f"  UPDATE t SET {updated_at} = CASE\n"
            f"    WHEN EXISTS (SELECT {values('i')} INTERSECT SELECT {values('d')})\n"
            f"    THEN d.{updated_at} ELSE SYSUTCDATETIME() END\n"
            f"  FROM {schema}{_quoted(table.name)} AS t\n"
            f"  INNER JOIN inserted AS i ON {same('t', 'i')}\n"
            f"  LEFT JOIN deleted AS d ON {same('d', 'i')};\n"
            "END"
        )
    }
