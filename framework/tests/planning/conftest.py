"""Databases to plan for, each by what its engine says it can do, and one way to declare tables for them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Column, NullPool, Table, create_engine, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import BaseMixin, Datakit, Partitions, Target, deploy_datakit
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.runs.ledger import ledger_tables
from sqlmodel_framework.schema.deployment import Deployment
from sqlmodel_framework.schema.dialects import quoted
from sqlmodel_framework.schema.names import full_name, split_name
from sqlmodel_framework.schema.snapshot import Scope
from sqlmodel_framework.testing.plugin import fresh_database

# Which databases the suite runs on; the target that has containers names its own.
DATABASES = os.environ.get("PLANNING_DATABASES", "postgres sqlite").split()

Model = type[SQLModel]


def model(
    name: str,
    *columns: Column[Any],
    schema: str | None = "shop",
    arguments: Any = (),
    partitions: Partitions | None = None,
    **more: Any,
) -> Model:
    """A class with these columns; nothing of it is shared with another one of the same name."""

    class Base(BaseMixin, registry=registry()):
        pass

    # A column may be called anything, a field may not.
    fields: dict[str, Any] = {
        c.name if re.fullmatch("[a-z]+", c.name) and not hasattr(Base, c.name) else f"field_{n}": Field(
            default=None, sa_column=c
        )
        for n, c in enumerate(columns)
    }
    make: Any = type(BaseMixin)
    made: Model = make(
        "Declared",
        (Base,),
        {
            **fields,
            "__annotations__": dict.fromkeys(fields, Any),
            "__module__": __name__,
            **({} if partitions is None else {"__partitions__": partitions}),
            "__tablename__": name,
            "__table_args__": (*arguments, {"schema": schema, **more}),
        },
        table=True,
    )
    return made


def kit(*models: Model, **more: Any) -> Datakit:
    """A datakit of tables; the same one as any other of these, at another time."""
    return Datakit(name="planned", version="1", tables=models, **more)


@dataclass
class Place:
    """A server for one test alone: with a database that is there, and schemas that are made and removed."""

    target: Target
    clear: Callable[[], None]
    """Take away all that tests make."""
    has_schemas: bool = True
    """Whether a schema is an object of its own, and not only a part of names."""

    @property
    def comments(self) -> bool:
        with self._begin() as connection:
            return bool(connection.dialect.supports_comments)

    @property
    def engine(self) -> BaseEngine:
        return engine_for(self.target, None)

    def deploy(self, *models: Model, allow: Any = ()) -> Deployment:
        return deploy_datakit(kit(*models), self.target, allow=allow)

    def run(self, *statements: str) -> None:
        """Run SQL past the framework."""
        with self._begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def lose_the_ledger(self) -> None:
        for table in reversed(ledger_tables()):
            self.run(f"DROP TABLE {self.named(str(table.schema), table.name)}")
        if self.has_schemas:
            self.run("DROP SCHEMA datakit")

    def fill(self, declared: Model, *rows: Mapping[str, Any]) -> None:
        """Insert rows past the framework."""
        with self._begin() as connection:
            connection.execute(insert(table_of(declared)), [dict(row) for row in rows])

    def rows(self, declared: Model, *names: str) -> list[tuple[Any, ...]]:
        """The values of some columns, in some order."""
        table: Table = table_of(declared)
        with self._begin() as connection:
            found = connection.execute(select(*(table.c[name] for name in names)))
            return sorted(tuple(row) for row in found)

    def count(self, table: Table) -> int:
        with self._begin() as connection:
            return len(connection.execute(select(table)).all())

    def table_names(self, schema: str) -> list[str]:
        engine = self.engine
        with engine.connect(), engine.transaction():
            found = engine.read_snapshot(Scope(schemas=frozenset({schema}))).tables
        return sorted(split_name(name)[1] for name in found)

    def named(self, schema: str, name: str) -> str:
        """A table's name for SQL text."""
        with self._begin() as connection:
            return quoted(connection.dialect, full_name(schema, name))

    @contextmanager
    def _begin(self) -> Iterator[Any]:
        engine = self.engine.make_sqlalchemy_engine()
        with engine.begin() as connection:
            yield connection
        engine.dispose()


@contextmanager
def _postgres(request: pytest.FixtureRequest) -> Iterator[Place]:
    with _on_postgres(request.getfixturevalue("datakit_server")) as place:
        yield place


@contextmanager
def _postgres15(request: pytest.FixtureRequest) -> Iterator[Place]:
    with _on_postgres(Target(request.getfixturevalue("postgres").url)) as place:
        yield place


@contextmanager
def _on_postgres(server: Target) -> Iterator[Place]:
    with fresh_database(server) as target:
        place = Place(target, lambda: None)
        place.clear = lambda: place.run("DROP SCHEMA IF EXISTS shop, datakit CASCADE")
        yield place


@contextmanager
def _sqlite(request: pytest.FixtureRequest) -> Iterator[Place]:
    file = request.getfixturevalue("tmp_path") / "planned.db"
    yield Place(
        Target(f"sqlite:///{file}", name="sqlite"), lambda: file.unlink(missing_ok=True), has_schemas=False
    )


@contextmanager
def _mariadb(request: pytest.FixtureRequest) -> Iterator[Place]:
    # A schema is a database there, so the whole server is the test's.
    url = make_url(os.environ.get("PLANNING_MARIADB_URL") or _root_url(request.getfixturevalue("mariadb")))
    engine = create_engine(url.set(database="mysql"), poolclass=NullPool)
    quote = engine.dialect.identifier_preparer.quote_identifier

    def clear() -> None:
        with engine.begin() as connection:
            for left in {*inspect(connection).get_schema_names()} - _SYSTEM:
                connection.exec_driver_sql(
                    f"DROP DATABASE {quote(left)}", execution_options={"no_parameters": True}
                )
            connection.exec_driver_sql("CREATE DATABASE here CHARACTER SET utf8mb4")

    clear()
    yield Place(Target(url.set(database="here"), name="mariadb"), clear)


@contextmanager
def _sqlserver(_request: pytest.FixtureRequest) -> Iterator[Place]:
    url = os.environ.get("MSSQL_URL")
    if not url:
        pytest.skip("MSSQL_URL names no SQL Server")
    place = Place(Target(url, name="sqlserver"), lambda: None)

    def clear() -> None:
        with place._begin() as connection:
            for query in _LEFT:
                for (statement,) in connection.exec_driver_sql(query).all():
                    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    place.clear = clear
    clear()
    yield place
    clear()


# What takes away all that is in the schemas of tests, the ledger's included: histories first.
_PLACE = "QUOTENAME(SCHEMA_NAME(o.schema_id)) + N'.' + QUOTENAME(o.name)"
_OURS = "SCHEMA_NAME(o.schema_id) IN (N'shop', N'datakit')"
_LEFT = (
    f"SELECT N'ALTER TABLE ' + {_PLACE} + N' SET (SYSTEM_VERSIONING = OFF)' FROM sys.tables AS o "
    f"WHERE o.temporal_type = 2 AND {_OURS}",
    f"SELECT N'ALTER TABLE ' + {_PLACE} + N' DROP CONSTRAINT ' + QUOTENAME(k.name) FROM sys.tables AS o "
    f"INNER JOIN sys.foreign_keys AS k ON k.parent_object_id = o.object_id WHERE {_OURS}",
    f"SELECT N'DROP VIEW ' + {_PLACE} FROM sys.views AS o WHERE {_OURS}",
    f"SELECT N'DROP TABLE ' + {_PLACE} FROM sys.tables AS o WHERE {_OURS}",
    "SELECT N'DROP SCHEMA ' + QUOTENAME(name) FROM sys.schemas WHERE name IN (N'shop', N'datakit')",
)
_SYSTEM = {"information_schema", "mysql", "performance_schema", "sys"}


def _root_url(database: Any) -> str:
    url = make_url(database.url).set(username="root", password=database.root_password)
    return url.render_as_string(hide_password=False)


_PLACES: dict[str, Callable[[pytest.FixtureRequest], Any]] = {
    "postgres": _postgres,
    "postgres15": _postgres15,
    "sqlite": _sqlite,
    "mariadb": _mariadb,
    "sqlserver": _sqlserver,
}


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A server of this test's own, of each kind."""
    with _PLACES[request.param](request) as found:
        yield found
