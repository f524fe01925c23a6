"""What keeps times and history true in PostgreSQL: triggers, written out for each table.

A change is dated to the beginning of its transaction, so that a whole transaction holds from one
moment on. Where somebody else changed the row after that, it is dated to the change itself, because an
interval must not end before it began. REPEATABLE READ and SERIALIZABLE hide from a transaction what
others did since, so there an insert or update always has the moment itself.

Rows are dated one by one, before they are written; past states are copied by one statement for all
rows of a change. A partitioned table copies them row by row, because who writes to a partition passes
by the statement triggers of the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Table

from ...base.instants import FOREVER
from ...history.companion import column_for, companion_name, history_table, interval, stored_columns
from ...schema.snapshot import RoutineShape, TriggerShape
from ...schema.upkeep import Upkeep
from .quoting import printed, quoted

__all__ = ["upkeep"]

_FOREVER = f"'{FOREVER:%Y-%m-%d %H:%M:%S}+00'"
# The last of all triggers that may still alter a row, by the order of their names.
_FIRST_LETTERS = "zz_datakit"
_READ_COMMITTED = "pg_catalog.current_setting('transaction_isolation') = 'read committed'"
_NOW = "pg_catalog.now()"
_CLOCK = "pg_catalog.clock_timestamp()"


def upkeep(table: Table, default_schema: str = "public") -> Upkeep:
    """What a table is given.

    Args:
        table: as declared.
        default_schema: the schema of a table that names none.

    Raises:
        DeclarationError: its marked columns do not fit together.
    """
    if interval(table) is not None:
        return _History(table, default_schema).upkeep()
    updated_at = column_for(table, "updated_at")
    if updated_at is None:
        return Upkeep()
    place = _Place(table, default_schema)
    stamp = place.routine(companion_name(table, "updated_at"), _touch(table, updated_at))
    return Upkeep(
        routines={stamp.called: RoutineShape(stamp.definition)},
        triggers=dict([place.trigger("stamp_update", "BEFORE UPDATE", "FOR EACH ROW", stamp)]),
    )


class _Routine:
    def __init__(self, schema: str, name: str, body: str, settings: tuple[str, ...]) -> None:
        self.called = f"{printed(schema)}.{printed(name)}()"
        lines = [f"CREATE OR REPLACE FUNCTION {self.called}", " RETURNS trigger", " LANGUAGE plpgsql"]
        # As pg_get_functiondef chooses it.
        tag = "$function"
        while tag in body:
            tag += "x"
        lines += [f" {setting}" for setting in settings]
        self.definition = "\n".join([*lines, f"AS {tag}${body}{tag}$"])


class _Place:
    """Where a table is, and how what belongs to it is written."""

    def __init__(self, table: Table, default_schema: str) -> None:
        self.table = table
        self.schema = table.schema or default_schema

    def name(self, of: str) -> str:
        return f"{quoted(self.schema)}.{quoted(of)}"

    def routine(self, name: str, body: str, settings: tuple[str, ...] = ()) -> _Routine:
        return _Routine(self.schema, name, body, settings)

    def trigger(self, name: str, event: str, how: str, routine: _Routine) -> tuple[str, TriggerShape]:
        full = f"{_FIRST_LETTERS}_{name}"
        on = f"{printed(self.schema)}.{printed(self.table.name)}"
        return full, TriggerShape(
            f"CREATE TRIGGER {full} {event} ON {on} {how} EXECUTE FUNCTION {routine.called}"
        )


def _untouched(table: Table, kept: Iterable[Column[Any]]) -> str:
    """Make the new row's columns those of the old one, so that what is left is what was changed."""
    # Stored generated columns are computed after this, and until then null.
    computed = [c for c in table.columns if c.computed is not None and c.computed.persisted is not False]
    names = [quoted(column.name) for column in [*kept, *computed]]
    return "\n".join(f"  NEW.{name} := OLD.{name};" for name in names)


def _touch(table: Table, updated_at: Column[Any]) -> str:
    name = quoted(updated_at.name)
    return f"""
BEGIN
{_untouched(table, [updated_at])}
  IF NEW OPERATOR(pg_catalog.*<>) OLD THEN
    NEW.{name} := CASE WHEN OLD.{name} <= {_NOW} THEN {_NOW} ELSE {_CLOCK} END;
  END IF;
  RETURN NEW;
END;
"""


class _History:
    def __init__(self, table: Table, default_schema: str) -> None:
        bounds = interval(table)
        assert bounds is not None
        self.table = table
        self.place = _Place(table, default_schema)
        self.past = history_table(table)
        self.start, self.end = (quoted(column.name) for column in bounds)
        self.updated_at = column_for(table, "updated_at")
        self.kept = [*bounds, *([] if self.updated_at is None else [self.updated_at])]
        self.key = [quoted(column.name) for column in table.primary_key.columns]
        self.copied = [quoted(c.name) for c in stored_columns(table) if c is not bounds[1]]
        self.data = [quoted(c.name) for c in stored_columns(table) if c not in set(self.kept)]
        self.printed_data = [printed(c.name) for c in stored_columns(table) if c not in set(self.kept)]
        self.by_row = "partition_by" in table.dialect_options["postgresql"] and bool(
            table.dialect_options["postgresql"]["partition_by"]
        )

    def upkeep(self) -> Upkeep:
        stamp = self.place.routine(companion_name(self.table, "stamp"), self.stamp())
        keep = self.place.routine(
            companion_name(self.table, "keep"),
            self.keep(),
            (
                "SECURITY DEFINER",
                "SET search_path TO 'pg_catalog', 'pg_temp'",
                # The plan that suits the first change is kept for all others, however many rows they have.
                "SET enable_nestloop TO 'off'",
                "SET enable_seqscan TO 'off'",
            ),
        )
        forged = (
            f"FOR EACH ROW WHEN (((new.{self.bare('valid_from')} IS DISTINCT FROM CURRENT_TIMESTAMP) "
            f"OR (new.{self.bare('valid_to')} IS DISTINCT FROM {_FOREVER}::timestamp with time zone) "
            "OR (current_setting('transaction_isolation'::text) <> 'read committed'::text)))"
        )
        # An update that says by itself what the trigger would say, as those of a load do, is left alone.
        moments = [self.bare("valid_from")]
        if self.updated_at is not None:
            moments.append(printed(self.updated_at.name))
        unlike = [f"(new.{name} IS DISTINCT FROM CURRENT_TIMESTAMP)" for name in moments]
        start, end = moments[0], self.bare("valid_to")
        rows_of = {side: ", ".join(f"{side}.{name}" for name in self.printed_data) for side in ("new", "old")}
        unlike += [
            f"(old.{start} > CURRENT_TIMESTAMP)",
            f"(new.{end} IS DISTINCT FROM old.{end})",
            f"record_image_eq(ROW({rows_of['new']}), ROW({rows_of['old']}))",
            "(current_setting('transaction_isolation'::text) <> 'read committed'::text)",
        ]
        undated = f"FOR EACH ROW WHEN (({' OR '.join(unlike)}))"
        new, old = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
        each = "FOR EACH ROW" if self.by_row else "FOR EACH STATEMENT"

        def rows(*tables: str) -> str:
            return each if self.by_row else f"REFERENCING {' '.join(tables)} {each}"

        triggers = [
            self.place.trigger("stamp_insert", "BEFORE INSERT", forged, stamp),
            self.place.trigger("stamp_update", "BEFORE UPDATE", undated, stamp),
            self.place.trigger("keep_insert", "AFTER INSERT", rows(new), keep),
            self.place.trigger("keep_update", "AFTER UPDATE", rows(old, new), keep),
            self.place.trigger("keep_delete", "AFTER DELETE", rows(old), keep),
            self.place.trigger("keep_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT", keep),
        ]
        return Upkeep(
            tables=(self.past,),
            routines={each.called: RoutineShape(each.definition) for each in (stamp, keep)},
            triggers=dict(triggers),
        )

    def bare(self, role: str) -> str:
        column = column_for(self.table, role)
        assert column is not None
        return printed(column.name)

    def of(self, alias: str, columns: Iterable[str]) -> str:
        return ", ".join(f"{alias}.{column}" for column in columns)

    def same(self, one: str, other: str) -> str:
        return " AND ".join(f"{one}.{column} = {other}.{column}" for column in self.key)

    def stamp(self) -> str:
        start, end = self.start, self.end
        touched = dated_anew = ""
        if self.updated_at is not None:
            name = quoted(self.updated_at.name)
            # One change has one moment, whichever column tells of it.
            touched = f"\n    NEW.{name} := NEW.{start};"
            dated_anew = f"""
      IF OLD.{name} = OLD.{start} THEN
        NEW.{name} := NEW.{start};
      END IF;"""
        return f"""
<<datakit>>
DECLARE
  wanted timestamptz := NEW.{start};
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.{start} := CASE WHEN {_READ_COMMITTED} THEN {_NOW} ELSE {_CLOCK} END;
    NEW.{end} := {_FOREVER};
    RETURN NEW;
  END IF;
{_untouched(self.table, self.kept)}
  IF NEW OPERATOR(pg_catalog.*<>) OLD THEN
    NEW.{start} := CASE
      WHEN NOT {_READ_COMMITTED} THEN {self.later("OLD")}
      WHEN OLD.{start} <= {_NOW} THEN {_NOW}
      ELSE {self.later("OLD")}
    END;{touched}
  ELSIF datakit.wanted > OLD.{start} THEN
    -- Only where an older state ends later may a state begin later than it says.
    PERFORM FROM {self.place.name(self.past.name)} AS h
    WHERE {self.same("h", "OLD")} AND h.{end} = datakit.wanted;
    IF FOUND THEN
      NEW.{start} := datakit.wanted;{dated_anew}
    END IF;
  END IF;
  RETURN NEW;
END;
"""

    def later(self, row: str) -> str:
        """The moment itself, and in any case after the row's state began."""
        return f"GREATEST({_CLOCK}, {row}.{self.start} + interval '1 microsecond')"

    def keep(self) -> str:
        table = self.place.name(self.table.name)
        old, new = ("old_rows", "new_rows") if not self.by_row else ("(SELECT OLD.*)", "(SELECT NEW.*)")
        return f"""
<<datakit>>
DECLARE
  late record;
BEGIN
  IF {self.another_table()} THEN
    RAISE EXCEPTION USING MESSAGE = TG_RELID::regclass || ' is not the table whose history this keeps';
  END IF;
  IF TG_OP = 'TRUNCATE' THEN
    IF NOT {_READ_COMMITTED} THEN
      RAISE EXCEPTION USING MESSAGE =
        'TRUNCATE of a table that keeps its history needs the isolation level READ COMMITTED';
    END IF;
{self.ending(table)}
  ELSIF TG_OP = 'DELETE' THEN
{self.ending(old)}
  ELSE
    IF TG_OP = 'UPDATE' THEN
{self.superseding(old, new)}
    END IF;
{self.mending(table, new)}
  END IF;
  RETURN NULL;
END;
"""

    def another_table(self) -> str:
        """Whether somebody else's table has this function as its trigger, to write a false history."""
        if self.by_row:
            name = _literal(self.place.name(self.table.name))
            return f"pg_partition_root(TG_RELID) IS DISTINCT FROM {name}::regclass"
        schema, name = _literal(self.place.schema), _literal(self.table.name)
        return f"TG_TABLE_SCHEMA <> {schema} OR TG_TABLE_NAME <> {name}"

    def into_past(self) -> str:
        columns = ", ".join([*self.copied, self.end])
        return f"    INSERT INTO {self.place.name(self.past.name)} ({columns})"

    def ending(self, rows: str) -> str:
        """Keep rows that are there no more. One that this very transaction made was never there."""
        return f"""{self.into_past()}
    SELECT {self.of("o", self.copied)},
      CASE WHEN o.{self.start} < {_NOW} THEN {_NOW} ELSE {self.later("o")} END
    FROM {rows} AS o
    WHERE o.{self.start} <> {_NOW};"""

    def superseding(self, old: str, new: str) -> str:
        """Keep old states, each until the next of its key.

        Where the next has the same beginning nothing was changed, or this very transaction had changed
        it already. Inside of another trigger rows may also come that were only dated anew.
        """
        return f"""{self.into_past()}
    SELECT {self.of("o", self.copied)},
      CASE WHEN n.{self.start} > o.{self.start} THEN n.{self.start}
        WHEN o.{self.start} < {_NOW} THEN {_NOW} ELSE {self.later("o")} END
    FROM {old} AS o LEFT JOIN {new} AS n ON {self.same("n", "o")}
    WHERE n.{self.start} IS DISTINCT FROM o.{self.start}
      AND (n.{self.start} IS NOT NULL OR o.{self.start} <> {_NOW})
      AND (pg_trigger_depth() = 1 OR n.{self.start} IS NULL
        OR ROW({self.of("n", self.data)})::record *<> ROW({self.of("o", self.data)})::record);"""

    def mending(self, table: str, new: str) -> str:
        """Date rows anew whose key had another row until after this transaction began."""
        past = self.place.name(self.past.name)
        return f"""    IF EXISTS (SELECT FROM {past} AS h WHERE h.{self.end} > {_NOW}) THEN
      FOR late IN
        SELECT {self.of("n", self.key)}, p.ended AS {self.end}
        FROM {new} AS n CROSS JOIN LATERAL (
          SELECT h.{self.end} AS ended FROM {past} AS h
          WHERE {self.same("h", "n")} ORDER BY h.{self.start} DESC LIMIT 1
        ) AS p
        WHERE p.ended > n.{self.start}
      LOOP
        UPDATE {table} AS t SET {self.start} = datakit.late.{self.end}
        WHERE {self.same("t", "datakit.late")};
      END LOOP;
    END IF;"""


def _literal(text: str) -> str:
    if "\\" in text:
        return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"
