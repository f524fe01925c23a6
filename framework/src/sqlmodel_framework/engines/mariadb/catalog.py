"""What there is, read from the catalog in bulk: the same few queries, however many tables.

MariaDB opens each table that its catalog tells of, so nothing is asked of databases that do not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from ...schema.dialects import offline
from ...schema.names import full_name, split_name
from ...schema.snapshot import (
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    Grant,
    RoutineShape,
    Scope,
    SequenceShape,
    Snapshot,
    TableShape,
    TriggerShape,
    ViewShape,
)
from .partitioning import partitioning_in_one_spelling
from .shapes import column_shape, indexes_from, without_implied

__all__ = ["read_snapshot", "table_bytes"]

# The end of a row's time, which a versioned table has in its keys without having been told.
_ROW_END = "ROW END"
_KINDS = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "VIEW": "view"}
# What a foreign key does where nothing is said is not written down; RESTRICT is the same.
_NOTHING_SAID = ("RESTRICT", "NO ACTION")

_TABLES = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_COLLATION, TABLE_COMMENT FROM information_schema.TABLES
"""
_COLUMNS = """
SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA,
       GENERATION_EXPRESSION, COLUMN_COMMENT, COLLATION_NAME, ORDINAL_POSITION
FROM information_schema.COLUMNS
"""
_INDEXES = """
SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, SEQ_IN_INDEX, COLUMN_NAME, COLLATION, SUB_PART,
       INDEX_TYPE
FROM information_schema.STATISTICS
"""
_CHECKS = """
SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, LEVEL, CHECK_CLAUSE
FROM information_schema.CHECK_CONSTRAINTS
"""
_FOREIGN_KEYS = """
SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE
FROM information_schema.REFERENTIAL_CONSTRAINTS
"""
_FOREIGN_KEY_COLUMNS = """
SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME,
       REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
"""
_TRIGGERS = """
SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION,
       ACTION_STATEMENT
FROM information_schema.TRIGGERS
"""
_PARTITIONS = """
SELECT TABLE_SCHEMA, TABLE_NAME, PARTITION_NAME, PARTITION_METHOD, PARTITION_EXPRESSION,
       PARTITION_DESCRIPTION
FROM information_schema.PARTITIONS
"""
_VIEWS = "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS"
_ROUTINES = """
SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER, IS_DETERMINISTIC, SQL_DATA_ACCESS,
       SECURITY_TYPE, ROUTINE_DEFINITION
FROM information_schema.ROUTINES
"""
_PARAMETERS = """
SELECT SPECIFIC_SCHEMA, SPECIFIC_NAME, ROUTINE_TYPE, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME,
       DTD_IDENTIFIER
FROM information_schema.PARAMETERS
"""
_SCHEMAS = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA"
# A user is told of all others' rights only where he may read the tables of users.
_SCHEMA_GRANTS = """
SELECT TABLE_SCHEMA, GRANTEE, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES
WHERE REPLACE(GRANTEE, '''', '') <> CURRENT_USER()
"""
_TABLE_GRANTS = """
SELECT TABLE_SCHEMA, TABLE_NAME, GRANTEE, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES
WHERE REPLACE(GRANTEE, '''', '') <> CURRENT_USER()
"""


def read_snapshot(connection: Connection, scope: Scope) -> Snapshot:
    """Everything in the schemas of a scope, and its single tables with all that belongs to them."""
    return _Reading(connection, scope).snapshot()


def table_bytes(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """How many bytes each table holds, indexes left out; a table that is not there is left out."""
    places = frozenset(split_name(name) for name in names)
    reading = _Reading(connection, Scope(tables=places))
    rows = reading.ask(
        "SELECT TABLE_SCHEMA, TABLE_NAME, DATA_LENGTH FROM information_schema.TABLES", "TABLE_SCHEMA"
    )
    return {reading.name(schema, name): int(size) for schema, name, size in rows if size is not None}


class _Reading:
    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.connection = connection
        self.quote = offline(connection.dialect).identifier_preparer.quote
        self.default = connection.dialect.default_schema_name
        self.singles = {
            (schema or self.default, name): schema
            for schema, name in scope.tables
            if schema is not None or self.default is not None
        }
        self.schemas = scope.schemas
        self.named = {*scope.schemas, *(schema for schema, _ in scope.tables if schema is not None)}

    def ask(self, query: str, schema: str, table: str = "TABLE_NAME", more: str = "") -> list[Any]:
        """The rows about the tables of the scope; the first two columns are the table's."""
        values: dict[str, Any] = {}
        parts = []

        def place(condition: str) -> None:
            parts.append(f"{query} WHERE {condition}{more}")

        # One equality each: only then does the server leave all other databases alone.
        for number, name in enumerate(sorted(self.schemas)):
            values[f"s{number}"] = name
            place(f"{schema} = :s{number}")
        for number, (where, name) in enumerate(sorted(self.singles)):
            if where not in self.schemas:
                values |= {f"d{number}": where, f"t{number}": name}
                place(f"{schema} = :d{number} AND {table} = :t{number}")
        if not parts:
            return []
        rows: Sequence[Any] = self.connection.execute(text(" UNION ALL ".join(parts)), values).all()
        # The catalog does not tell capital letters apart.
        return [row for row in rows if row[0] in self.schemas or (row[0], row[1]) in self.singles]

    def of_schemas(self, query: str, column: str, names: Iterable[str]) -> list[Any]:
        """The rows about whole schemas; the first column is the schema's name."""
        wanted = sorted(names)
        if not wanted:
            return []
        link = "AND" if " WHERE " in query.replace("\n", " ") else "WHERE"
        parts = [f"{query} {link} {column} = :s{number}" for number in range(len(wanted))]
        values = {f"s{number}": name for number, name in enumerate(wanted)}
        rows: Sequence[Any] = self.connection.execute(text(" UNION ALL ".join(parts)), values).all()
        return [row for row in rows if row[0] in wanted]

    def name(self, schema: str, name: str) -> str:
        """The full name: without the schema where the declaration names none."""
        return full_name(self.singles.get((schema, name), schema), name)

    def referred(self, schema: str, name: str) -> str:
        if schema == self.default and (schema, name) not in self.singles:
            return full_name(None, name)
        return self.name(schema, name)

    def snapshot(self) -> Snapshot:
        tables = self.ask(_TABLES, "TABLE_SCHEMA")
        views = [row for row in tables if row[2] == "VIEW"]
        sequences = [full_name(row[0], row[1]) for row in tables if row[2] == "SEQUENCE"]
        found = self.of_schemas(_SCHEMAS, "SCHEMA_NAME", self.named)
        return Snapshot(
            schemas=frozenset(schema for (schema,) in found),
            tables=self.tables(tables),
            views=self.views() if views else {},
            routines=self.routines(),
            sequences=self.sequences(sequences),
            grants=self.grants(),
        )

    def tables(self, rows: list[Any]) -> dict[str, TableShape]:
        own = [row for row in rows if row[2] in _KINDS]
        if not own:
            return {}
        checks, json = self.checks()
        columns = self.columns({(row[0], row[1]): row[3] for row in own}, json)
        indexes: dict[Any, list[Any]] = defaultdict(list)
        for row in self.ask(_INDEXES, "TABLE_SCHEMA"):
            indexes[row[0], row[1]].append(
                (row[2], bool(row[3]), int(row[4]), row[5], row[6], row[7], row[8])
            )
        foreign_keys = self.foreign_keys()
        triggers = self.triggers()
        partitionings, partitions = self.partitions()
        shapes = {}
        for schema, name, kind, _collation, comment in own:
            place = (schema, name)
            hidden = frozenset(
                column for column, shape in columns[place].items() if shape.generated == _ROW_END
            )
            key, uniques, others = indexes_from(indexes[place], self.quote, hidden)
            shape = TableShape(
                columns=columns[place],
                primary_key=key,
                kind=_KINDS[kind],
                uniques=uniques,
                foreign_keys=foreign_keys[place],
                checks=checks[place],
                indexes=others,
                triggers=triggers[place],
                comment=(comment or None) if kind != "VIEW" else None,
                partition_by=partitionings.get(place),
                partitions=partitions[place],
                versioned=kind == "SYSTEM VERSIONED",
            )
            shapes[self.name(schema, name)] = without_implied(shape, self.quote)
        return shapes

    def columns(self, collations: Mapping[Any, str | None], json: set[Any]) -> dict[Any, Any]:
        found: dict[Any, dict[str, ColumnShape]] = defaultdict(dict)
        for row in sorted(self.ask(_COLUMNS, "TABLE_SCHEMA"), key=lambda each: int(each[10])):
            place = (row[0], row[1])
            found[place][row[2]] = column_shape(
                row[3],
                collation=row[9],
                table_collation=collations.get(place),
                nullable=row[4] == "YES",
                default=row[5],
                extra=row[6] or "",
                generated=row[7],
                comment=row[8] or "",
                is_json=(*place, row[2]) in json,
            )
        return found

    def checks(self) -> tuple[dict[Any, dict[str, CheckShape]], set[Any]]:
        found: dict[Any, dict[str, CheckShape]] = defaultdict(dict)
        json = set()
        for schema, table, name, level, clause in self.ask(_CHECKS, "CONSTRAINT_SCHEMA"):
            if level == "Column" and clause == f"json_valid({_always_quoted(name)})":
                json.add((schema, table, name))
            elif level == "Column":
                # It has no name of its own, and goes with a new description of its column.
                found[schema, table][f"(check of {name})"] = CheckShape(clause)
            else:
                found[schema, table][name] = CheckShape(clause)
        return found, json

    def foreign_keys(self) -> dict[Any, dict[str, ForeignKeyShape]]:
        found: dict[Any, dict[str, ForeignKeyShape]] = defaultdict(dict)
        rules = self.ask(_FOREIGN_KEYS, "CONSTRAINT_SCHEMA")
        if not rules:
            return found
        columns: dict[Any, list[Any]] = defaultdict(list)
        referring = " AND REFERENCED_TABLE_NAME IS NOT NULL"
        for row in self.ask(_FOREIGN_KEY_COLUMNS, "TABLE_SCHEMA", more=referring):
            columns[row[0], row[1], row[2]].append(row)
        for schema, table, name, on_delete, on_update in rules:
            parts = sorted(columns[schema, table, name], key=lambda each: int(each[3]))
            found[schema, table][name] = ForeignKeyShape(
                columns=tuple(row[4] for row in parts),
                to_table=self.referred(parts[0][5], parts[0][6]),
                to_columns=tuple(row[7] for row in parts),
                on_delete="" if on_delete in _NOTHING_SAID else on_delete,
                on_update="" if on_update in _NOTHING_SAID else on_update,
            )
        return found

    def triggers(self) -> dict[Any, dict[str, TriggerShape]]:
        found: dict[Any, dict[str, TriggerShape]] = defaultdict(dict)
        rows = self.ask(_TRIGGERS, "EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE")
        for schema, table, name, timing, event, statement in rows:
            declared = split_name(self.name(schema, table))[0]
            where = "" if declared is None else f"{_always_quoted(declared)}."
            found[schema, table][name] = TriggerShape(
                f"CREATE TRIGGER {where}{_always_quoted(name)} {timing} {event} "
                f"ON {where}{_always_quoted(table)} FOR EACH ROW {statement}"
            )
        return found

    def partitions(self) -> tuple[dict[Any, str], dict[Any, dict[str, str]]]:
        keys: dict[Any, str] = {}
        found: dict[Any, dict[str, str]] = defaultdict(dict)
        cut = " AND PARTITION_NAME IS NOT NULL"
        for schema, table, name, method, expression, bound in self.ask(_PARTITIONS, "TABLE_SCHEMA", more=cut):
            if method == "SYSTEM_TIME":
                continue
            keys[schema, table] = partitioning_in_one_spelling(method, expression or "")
            if bound is not None:
                limit = bound if bound == "MAXVALUE" else f"({bound})"
                words = "LESS THAN" if method.startswith("RANGE") else "IN"
                found[schema, table][name] = f"VALUES {words} {limit}"
        return keys, found

    def views(self) -> dict[str, ViewShape]:
        rows = self.ask(_VIEWS, "TABLE_SCHEMA")
        return {self.name(schema, name): ViewShape(query) for schema, name, query in rows}

    def routines(self) -> dict[str, RoutineShape]:
        rows = self.of_schemas(_ROUTINES, "ROUTINE_SCHEMA", self.schemas)
        if not rows:
            return {}
        parameters: dict[Any, list[Any]] = defaultdict(list)
        for row in self.of_schemas(_PARAMETERS, "SPECIFIC_SCHEMA", self.schemas):
            if int(row[3]) > 0:
                parameters[row[0], row[1], row[2]].append(row)
        found = {}
        for schema, name, kind, returns, deterministic, access, security, body in rows:
            taken = sorted(parameters[schema, name, kind], key=lambda each: int(each[3]))
            words = ", ".join(
                " ".join([*([row[4]] if kind == "PROCEDURE" else []), _always_quoted(row[5]), row[6]])
                for row in taken
            )
            found[full_name(schema, name)] = RoutineShape(
                f"CREATE {kind} {_always_quoted(schema)}.{_always_quoted(name)}({words})"
                + (f" RETURNS {returns}" if kind == "FUNCTION" else "")
                + (" DETERMINISTIC" if deterministic == "YES" else "")
                + f" {access} SQL SECURITY {security} {body}"
            )
        return found

    def sequences(self, names: list[str]) -> dict[str, SequenceShape]:
        if not names:
            return {}
        parts = []
        for name in names:
            schema, bare = split_name(name)
            place = f"{_always_quoted(schema or '')}.{_always_quoted(bare)}"
            parts.append(f"SELECT start_value, increment FROM {place}")
        options = {"no_parameters": True}
        rows: Sequence[Any] = self.connection.exec_driver_sql(
            " UNION ALL ".join(parts), execution_options=options
        ).all()
        return {
            name: SequenceShape("bigint", int(start), int(increment))
            for name, (start, increment) in zip(names, rows, strict=True)
        }

    def grants(self) -> frozenset[Grant]:
        # The name of a database is a pattern there, in which _ stands for any character.
        patterns = {name.replace("_", "\\_"): name for name in self.schemas} | {n: n for n in self.schemas}
        found = {
            Grant("schema", patterns[schema], to, privilege)
            for schema, to, privilege in self.of_schemas(_SCHEMA_GRANTS, "TABLE_SCHEMA", patterns)
        }
        rows = self.of_schemas(
            _TABLE_GRANTS, "TABLE_SCHEMA", {*self.schemas, *(s for s, _ in self.singles if s)}
        )
        for schema, table, to, privilege in rows:
            if schema in self.schemas or (schema, table) in self.singles:
                found.add(Grant("table", self.name(schema, table), to, privilege))
        return frozenset(found)


def _always_quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
