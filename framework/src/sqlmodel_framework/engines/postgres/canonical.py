"""What a declaration means to PostgreSQL: it is made, read back from the catalog, and unmade.

A temporary table takes no lock that anybody meets, needs no right in any schema, and the transaction that
makes it is rolled back. What comes back is printed by the same functions as what is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import ENUM, CreateEnumType
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from ...schema.declared import Declared
from ...schema.dialects import quoted
from ...schema.names import full_name, split_name
from ...schema.rebuilding import table_from, verbatim
from ...schema.snapshot import EnumShape, Scope, TableShape, ViewShape
from .catalog import read_snapshot

__all__ = ["canonical_tables", "canonical_view"]

_TEMPORARY_SCHEMA = text("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")


def canonical_tables(
    connection: Connection, declared: Declared, names: Collection[str]
) -> Mapping[str, TableShape]:
    """The shapes of declared tables, in PostgreSQL's own words."""
    by_schema: dict[str | None, list[str]] = defaultdict(list)
    for name in names:
        by_schema[split_name(name)[0]].append(name)
    found: dict[str, TableShape] = {}
    # All temporary tables lie in one schema, so tables of one name must come one after the other.
    for group in by_schema.values():
        found |= _as_printed(connection, declared, group)
    return found


def canonical_view(connection: Connection, view: ViewShape) -> ViewShape:
    """A view's query in PostgreSQL's own words; as it is declared when it reads what is not there yet."""
    trial = connection.begin_nested()
    try:
        query = view.definition.strip().removesuffix(";")
        connection.exec_driver_sql(
            f"CREATE TEMPORARY VIEW datakit_view AS {query}", execution_options={"no_parameters": True}
        )
        printed: str = connection.execute(
            text("SELECT pg_get_viewdef('pg_temp.datakit_view'::regclass)")
        ).scalar_one()
        return replace(view, definition=printed)
    except DBAPIError:
        return view
    finally:
        trial.rollback()


def _as_printed(connection: Connection, declared: Declared, names: list[str]) -> dict[str, TableShape]:
    trial = connection.begin_nested()
    try:
        _make_types(connection, declared.snapshot.enums)
        for name in names:
            _make(connection, name, declared.snapshot.tables[name])
        schema: str = connection.execute(_TEMPORARY_SCHEMA).scalar_one()
        made = read_snapshot(connection, Scope(schemas=frozenset({schema}))).tables
    except DBAPIError:
        trial.rollback()
        if len(names) == 1:
            # It cannot be made before something else has changed, such as the values of a type.
            return {name: declared.snapshot.tables[name] for name in names}
        return {
            key: shape for name in names for key, shape in _as_printed(connection, declared, [name]).items()
        }
    trial.rollback()
    return {
        name: _as_declared(made[full_name(schema, split_name(name)[1])], declared.snapshot.tables[name])
        for name in names
    }


def _as_declared(printed: TableShape, raw: TableShape) -> TableShape:
    """Take from the declaration what a temporary table lacks and what is printed as it is declared."""
    columns = {
        name: replace(shape, comment=raw.columns[name].comment) for name, shape in printed.columns.items()
    }
    partitions = {split_name(name)[1]: bounds for name, bounds in printed.partitions.items()}
    return replace(
        printed,
        columns=columns,
        foreign_keys=raw.foreign_keys,
        triggers=raw.triggers,
        partitions={name: partitions[split_name(name)[1]] for name in raw.partitions},
        comment=raw.comment,
    )


def _make(connection: Connection, name: str, shape: TableShape) -> None:
    table = table_from(full_name("pg_temp", split_name(name)[1]), shape, "postgresql")
    connection.execute(CreateTable(table))
    for partition, bounds in shape.partitions.items():
        quote = connection.dialect.identifier_preparer.quote
        connection.execute(
            verbatim(
                f"CREATE TABLE pg_temp.{quote(split_name(partition)[1])} "
                f"PARTITION OF pg_temp.{quote(table.name)} {bounds}"
            )
        )
    for index in table.indexes:
        connection.execute(CreateIndex(index))


def _make_types(connection: Connection, enums: Mapping[str, EnumShape]) -> None:
    """Types that are not there yet, and without which no column could be of them."""
    for name, shape in enums.items():
        schema, bare = split_name(name)
        known = text("SELECT to_regtype(:name)")
        if connection.execute(known, {"name": quoted(connection.dialect, name)}).scalar_one() is not None:
            continue
        if schema is not None:
            connection.execute(CreateSchema(schema, if_not_exists=True))
        connection.execute(CreateEnumType(ENUM(*shape.values, name=bare, schema=schema)))
