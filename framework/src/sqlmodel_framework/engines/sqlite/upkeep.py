"""What keeps times and history true in SQLite: triggers, written out for each table.

SQLite has no time of a transaction, so a change is dated to its statement, and every state is kept.
Its clock ticks in milliseconds: a state that is replaced within one gets the next microsecond. Only
one connection writes at a time, so nobody else's change comes between.

A trigger cannot alter the row that is written, so rows are dated after that by an update of the
trigger's own; what else would write the interval is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table

from ...base.instants import FOREVER
from ...base.tables import unique_keys
from ...history.companion import (
    column_for,
    companion_name,
    data_columns,
    history_table,
    interval,
    stored_columns,
)
from ...schema.snapshot import TriggerShape
from ...schema.upkeep import Upkeep
from .dialect import flat_name

__all__ = ["upkeep"]

_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
_FOREVER = f"'{FOREVER:%Y-%m-%d %H:%M:%S}.000000'"


def upkeep(table: Table) -> Upkeep:
    """What a table is given.

    Raises:
        DeclarationError: its marked columns do not fit together.
    """
    written = _Triggers(table)
    if interval(table) is None:
        return Upkeep(triggers=written.of_updated_at())
    return Upkeep(tables=(history_table(table),), triggers=written.of_updated_at() | written.of_history())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def following(moment: str) -> str:
    """SQL for the microsecond after a moment, which is text of 26 characters."""
    return (
        f"CASE substr({moment}, 24) WHEN '999' "
        f"THEN strftime('%Y-%m-%d %H:%M:%f000', substr({moment}, 1, 23), '+0.001 seconds') "
        f"ELSE substr({moment}, 1, 23) || printf('%03d', substr({moment}, 24) + 1) END"
    )


class _Triggers:
    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = _quoted(flat_name(table.schema, table.name))
        self.key = [_quoted(column.name) for column in table.primary_key.columns]
        self.data = [_quoted(column.name) for column in data_columns(table)]

    def trigger(self, suffix: str, event: str, condition: str, *statements: str) -> tuple[str, TriggerShape]:
        # Names of triggers are those of the whole database.
        name = flat_name(self.table.schema, companion_name(self.table, suffix))
        when = f"\nWHEN {condition}" if condition else ""
        body = "\n".join(f"  {statement};" for statement in statements)
        return name, TriggerShape(
            f"CREATE TRIGGER {_quoted(name)} {event} ON {self.name} FOR EACH ROW{when}\nBEGIN\n{body}\nEND"
        )

    def changed(self) -> str:
        # A collation may call different texts equal.
        return " OR ".join(f"OLD.{column} COLLATE BINARY IS NOT NEW.{column}" for column in self.data)

    def same(self, columns: Iterable[str], row: str, of: str = "") -> str:
        return " AND ".join(f"{of}{column} = {row}.{column}" for column in columns)

    def set(self, value: str) -> str:
        # By the key: rowid may be the name of a column, and some tables have none.
        return f"UPDATE {self.name} SET {value} WHERE {self.same(self.key, 'NEW')}"

    def of_updated_at(self) -> dict[str, TriggerShape]:
        """What dates a row that was changed, or in which somebody wrote the date alone."""
        column = column_for(self.table, "updated_at")
        if column is None:
            return {}
        name = _quoted(column.name)
        condition = f"NEW.{name} IS NOT {_NOW} AND (OLD.{name} IS NOT NEW.{name} OR {self.changed()})"
        return dict([self.trigger("updated_at", "AFTER UPDATE", condition, self.set(f"{name} = {_NOW}"))])

    def of_history(self) -> dict[str, TriggerShape]:
        """What dates rows, keeps past states, and refuses what would falsify them."""
        bounds = interval(self.table)
        assert bounds is not None
        start, end = (_quoted(column.name) for column in bounds)
        history = history_table(self.table)
        into = _quoted(flat_name(history.schema, history.name))
        past = f"{into} AS h"
        copied = [_quoted(column.name) for column in stored_columns(self.table) if column is not bounds[1]]
        of_key = self.same(self.key, "NEW", "h.")
        last_end = f"(SELECT h.{end} FROM {past} WHERE {of_key} ORDER BY h.{start} DESC LIMIT 1)"

        def keep(until: str) -> str:
            values = ", ".join([*(f"OLD.{column}" for column in copied), until])
            return f"INSERT INTO {into} ({', '.join([*copied, end])}) VALUES ({values})"

        deleted_at = f"max({_NOW}, {following(f'OLD.{start}')})"
        # Not before the last state of the key ended that the row has now.
        updated_at = f"max({_NOW}, {following(f'OLD.{start}')}, coalesce({last_end}, ''))"
        follows = (
            f"NEW.{start} > OLD.{start} AND ("
            f"EXISTS (SELECT 1 FROM {past} WHERE {of_key} AND h.{end} = NEW.{start}) OR "
            # The past state of a row whose key was changed has the old one.
            f"NEW.{start} >= {_NOW} AND "
            f"EXISTS (SELECT 1 FROM {past} WHERE h.{end} = NEW.{start} AND h.{start} = OLD.{start}))"
        )
        forged = f"{self.table.fullname}: the interval of a row is written by the database alone"
        replaced = (
            f"{self.table.fullname}: writing over a row would lose its history: "
            "set PRAGMA recursive_triggers = ON first"
        )
        in_the_way = " OR ".join(
            f"({self.same([_quoted(column.name) for column in key], 'NEW', 't.')})"
            for key in unique_keys(self.table)
        )
        # Without the pragma no trigger sees what OR REPLACE deletes.
        unseen = (
            "NOT (SELECT recursive_triggers FROM pragma_recursive_triggers) AND "
            f"EXISTS (SELECT 1 FROM {self.name} AS t WHERE {in_the_way})"
        )
        return dict(
            [
                self.trigger(
                    "forged_insert",
                    "BEFORE INSERT",
                    f"NEW.{start} IS NOT {_NOW} OR NEW.{end} IS NOT {_FOREVER}",
                    f"SELECT RAISE(ABORT, {_literal(forged)})",
                ),
                self.trigger(
                    "forged_update",
                    "BEFORE UPDATE",
                    f"OLD.{end} IS NOT NEW.{end} OR (OLD.{start} IS NOT NEW.{start} AND NOT ({follows}))",
                    f"SELECT RAISE(ABORT, {_literal(forged)})",
                ),
                self.trigger(
                    "replaced", "BEFORE INSERT", unseen, f"SELECT RAISE(ABORT, {_literal(replaced)})"
                ),
                self.trigger(
                    "dated", "AFTER INSERT", f"{last_end} > NEW.{start}", self.set(f"{start} = {last_end}")
                ),
                self.trigger(
                    "kept_update",
                    "AFTER UPDATE",
                    self.changed(),
                    keep(updated_at),
                    self.set(f"{start} = {updated_at}"),
                ),
                self.trigger("kept_delete", "AFTER DELETE", "", keep(deleted_at)),
            ]
        )
