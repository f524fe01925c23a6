"""Statements whose words the server has to put together itself: constraints and tables that it has named.

Each is one batch, so that what is declared in it is known until its end.
"""

from __future__ import annotations

from .queries import literal

__all__ = ["dropping_default", "dropping_table", "ending_history", "without_history"]

_HISTORY = (
    "DECLARE @history nvarchar(max) = (\n"
    "  SELECT QUOTENAME(SCHEMA_NAME(h.schema_id)) + N'.' + QUOTENAME(h.name) FROM sys.tables AS t\n"
    "  INNER JOIN sys.tables AS h ON h.object_id = t.history_table_id\n"
    "  WHERE t.object_id = OBJECT_ID({table})\n"
    ");\n"
)
_SWITCH_OFF = "ALTER TABLE {full} SET (SYSTEM_VERSIONING = OFF);\n"
_DROP_HISTORY = "DECLARE @words nvarchar(max) = N'DROP TABLE ' + @history;\nEXEC sys.sp_executesql @words"


def dropping_default(full: str, column: str) -> str:
    """Take a column's default away, whatever the server calls it; without one, nothing is done.

    Args:
        full: the table's full name, with brackets where it must have them.
        column: the column's name as it is.
    """
    alter = literal(f"ALTER TABLE {full} DROP CONSTRAINT ")
    return (
        "DECLARE @words nvarchar(max) = (\n"
        f"  SELECT {alter} + QUOTENAME(d.name) FROM sys.default_constraints AS d\n"
        "  INNER JOIN sys.columns AS c\n"
        "    ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id\n"
        f"  WHERE d.parent_object_id = OBJECT_ID({literal(full)}) AND c.name = {literal(column)}\n"
        ");\n"
        "EXEC sys.sp_executesql @words"
    )


def dropping_table(full: str) -> str:
    """Drop a table that keeps its history, and the history with it."""
    return (
        f"{_HISTORY.format(table=literal(full))}{_SWITCH_OFF.format(full=full)}"
        f"DROP TABLE {full};\n{_DROP_HISTORY}"
    )


def ending_history(full: str) -> str:
    """Let a table cease to keep its history, which is dropped."""
    return (
        f"{_HISTORY.format(table=literal(full))}{_SWITCH_OFF.format(full=full)}"
        f"ALTER TABLE {full} DROP PERIOD FOR SYSTEM_TIME;\n{_DROP_HISTORY}"
    )


def without_history(full: str, statements: list[str]) -> str:
    """Do what a table cannot have done to it while it keeps its history; the history stays."""
    again = literal(f"ALTER TABLE {full} SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = ")
    return (
        f"{_HISTORY.format(table=literal(full))}{_SWITCH_OFF.format(full=full)}"
        + "".join(f"{statement};\n" for statement in statements)
        + f"DECLARE @words nvarchar(max) = {again} + @history + N'))';\n"
        "EXEC sys.sp_executesql @words"
    )
