"""What keeps times and history true in MariaDB: system versioning, and triggers for what it leaves open.

A change is dated to its statement. Left to itself MariaDB would

- lose a state, and let two of one key hold at once, where a statement reaches a row that another one,
  which began later, has changed in the meantime: that is refused, and can be tried again;
- let a session write past states itself (`system_versioning_insert_history`): that is refused.

A definition is written as `CREATE TRIGGER`, name, time and event, `ON`, table, `FOR EACH ROW` and what
`information_schema.triggers` calls the action, without the definer, who is whoever deployed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Date, DateTime, Dialect, Interval, Numeric, Table, Time
from sqlalchemy.schema import CreateTable

from ...base.tables import plain_type
from ...history.companion import column_for, companion_name, data_columns, interval, needed_interval
from ...schema.snapshot import TriggerShape
from ...schema.upkeep import Upkeep
from .. import versioning

__all__ = ["change_to_versioned", "upkeep"]

_COMPARED_BY_VALUE = (Date, DateTime, Interval, Numeric, Time)


def upkeep(table: Table) -> Upkeep:
    """What a table is given.

    Raises:
        DeclarationError: its marked columns do not fit together.
    """
    bounds = interval(table)
    on_update = [] if bounds is None else [_refuse_late(table, bounds[0])]
    on_update += _touch(table)
    triggers = []
    if on_update:
        triggers.append(_trigger(table, "before_update", "UPDATE", on_update))
    if bounds is not None:
        triggers.append(_trigger(table, "before_delete", "DELETE", [_refuse_late(table, bounds[0])]))
        triggers.append(_trigger(table, "before_insert", "INSERT", [_refuse_forged(table)]))
    return Upkeep(triggers=dict(triggers), versioned=bounds is not None)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _trigger(table: Table, suffix: str, event: str, statements: list[str]) -> tuple[str, TriggerShape]:
    name = companion_name(table, suffix)
    schema = "" if table.schema is None else f"{_quoted(table.schema)}."
    body = "\n".join(f"  {statement}" for statement in statements)
    return name, TriggerShape(
        f"CREATE TRIGGER {schema}{_quoted(name)} BEFORE {event} ON {schema}{_quoted(table.name)} "
        f"FOR EACH ROW BEGIN\n{body}\nEND"
    )


def _refuse_late(table: Table, start: Column[Any]) -> str:
    # 1213 is what a deadlock has, after which a program tries again.
    words = f"{table.fullname}: a statement that began later has changed this row; try again"
    return (
        f"IF OLD.{_quoted(start.name)} > NOW(6) THEN SIGNAL SQLSTATE '40001' "
        f"SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = {_literal(_cut(words))}; END IF;"
    )


def _refuse_forged(table: Table) -> str:
    words = f"{table.fullname}: past states are written by the database alone"
    return (
        "IF @@session.system_versioning_insert_history THEN SIGNAL SQLSTATE '45000' "
        f"SET MESSAGE_TEXT = {_literal(_cut(words))}; END IF;"
    )


def _cut(words: str) -> str:
    # A longer message is an error of its own.
    return words if len(words) <= 128 else f"{words[:125]}..."


def _touch(table: Table) -> list[str]:
    column = column_for(table, "updated_at")
    if column is None:
        return []
    name = _quoted(column.name)
    same = " AND ".join(_same(each) for each in data_columns(table))
    return [f"SET NEW.{name} = IF({same}, OLD.{name}, UTC_TIMESTAMP(6));"]


def _same(column: Column[Any]) -> str:
    new, old = (f"{row}.{_quoted(column.name)}" for row in ("NEW", "OLD"))
    if isinstance(plain_type(column), _COMPARED_BY_VALUE):
        return f"{new} <=> {old}"
    # A collation may call different texts equal.
    return f"BINARY {new} <=> BINARY {old}"


def change_to_versioned(table: Table, dialect: Dialect) -> str:
    """The statement that makes a table keep its history which is there without: its rows stay.

    Args:
        table: as declared.
        dialect: SQLAlchemy's dialect for MariaDB.
    """
    compiler: Any = dialect.ddl_compiler(dialect, CreateTable(table))
    columns = [f"MODIFY {versioning.bound_specification(each, compiler)}" for each in needed_interval(table)]
    changes = [*columns, f"ADD {versioning.period(table, compiler)}", "ADD SYSTEM VERSIONING"]
    return f"ALTER TABLE {compiler.preparer.format_table(table)} {', '.join(changes)}"
