"""A plan that finds nothing to do, against the plain reading of the catalog and against Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from declared_tables import SCHEMA, declare
from figure import Figure
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect
from sqlmodel_framework import Datakit, Target, deploy_datakit
from sqlmodel_framework.schema.planning import plan_datakit
from sqlmodel_framework.testing.plugin import fresh_database
from turns import ratio, seconds

__all__ = ["no_operation"]


def no_operation(server: Target, tables: int, times: int) -> Iterator[Figure]:
    """A no-op plan by the catalog's own reading, by Alembic's comparison, and how its queries grow."""
    datakit = declare(tables)
    with deployed(server, datakit) as target:

        def ours() -> float:
            return seconds(lambda: plan(datakit, target))

        catalog = ratio(times, ours, lambda: seconds(lambda: read_catalog(target)))
        yield Figure("noop_vs_catalog", round(catalog, 2), "", 1.5)
        alembic = ratio(times, ours, lambda: seconds(lambda: compare(datakit, target)))
        yield Figure("noop_vs_alembic", round(alembic, 3), "", 0.2)
        many = queries(datakit, target)
    few = declare(max(tables // 10, 1))
    with deployed(server, few) as target:
        yield Figure("noop_query_growth", many - queries(few, target), "", 0)


@contextmanager
def deployed(server: Target, datakit: Datakit) -> Iterator[Target]:
    """A new database that is as the datakit declares."""
    with fresh_database(server) as target:
        deploy_datakit(datakit, target)
        yield target


def plan(datakit: Datakit, target: Target) -> None:
    """Plan as a new process would: with a datakit that remembers nothing."""
    found = plan_datakit(replace(datakit), target)
    assert found.empty, f"the plan has {len(found.changes)} changes"


@contextmanager
def connected(target: Target) -> Iterator[Connection]:
    """A new connection, as a plan opens one."""
    engine = create_engine(target.secret_url(), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def read_catalog(target: Target) -> None:
    """Read the schema by the seven bulk calls of SQLAlchemy's inspector."""
    with connected(target) as connection:
        inspector = inspect(connection)
        for read in (
            inspector.get_multi_columns,
            inspector.get_multi_pk_constraint,
            inspector.get_multi_foreign_keys,
            inspector.get_multi_unique_constraints,
            inspector.get_multi_check_constraints,
            inspector.get_multi_indexes,
            inspector.get_multi_table_comment,
        ):
            read(schema=SCHEMA)


def compare(datakit: Datakit, target: Target) -> None:
    """Compare the same tables by Alembic."""

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name == SCHEMA

    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": True,
        "include_name": is_ours,
    }
    with connected(target) as connection:
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, datakit.sorted_tables()[0].metadata)
    assert not found, f"Alembic finds {found[0]}"


def queries(datakit: Datakit, target: Target) -> int:
    """How many statements a no-op plan sends."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        plan(datakit, target)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(seen)
