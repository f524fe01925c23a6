"""Databases to keep a history in, by what each can do, and the one place where tables are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Connection, Engine, MetaData, NullPool, Table, create_engine, event, inspect, make_url
from sqlalchemy.schema import DropTable
from sqlmodel import Session, SQLModel
from sqlmodel_framework import Target
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.mariadb.ddl import COLLATION
from sqlmodel_framework.engines.mariadb.upkeep import upkeep as mariadb_upkeep
from sqlmodel_framework.engines.postgres.upkeep import upkeep as postgres_upkeep
from sqlmodel_framework.engines.sqlite.upkeep import upkeep as sqlite_upkeep
from sqlmodel_framework.schema.upkeep import Upkeep
from sqlmodel_framework.testing.plugin import fresh_database

# Which databases the suite runs on; the target that has containers names its own.
DATABASES = os.environ.get("HISTORY_DATABASES", "postgres sqlite").split()


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a kind of database can do, which decides what is expected of it.

    Attributes:
        dated_by: what the changes of one transaction are dated to.
        no_change: what an update leaves that changes nothing.
        forging: what becomes of a written interval.
        truncation: what becomes of TRUNCATE.
        late: what becomes of a change that reaches a row which a newer one has changed.
        waiting: a query that counts the sessions that wait for a lock; None where only one can write.
        schemas: whether tables may lie in a schema.
    """

    dated_by: Literal["transaction", "statement"]
    no_change: Literal["nothing", "a state"]
    forging: Literal["overruled", "refused"]
    truncation: Literal["recorded", "refused", "not offered"]
    late: Literal["dated to itself", "refused", "not offered"]
    waiting: str | None
    schemas: bool


@dataclass
class Place:
    """An empty database, and what is needed to keep a history in it."""

    engine: Engine
    upkeep: Callable[[Table], Upkeep]
    can: Abilities
    collation: str | None = None
    schemas: set[str] = field(default_factory=set)

    def deploy(self, *models: type[SQLModel]) -> None:
        """Make tables and what keeps them true. This is what deploying a datakit will do."""
        for model in models:
            kept = self.upkeep(table_of(model))
            with self.engine.begin() as connection:
                for table in (table_of(model), *kept.tables):
                    self._create(connection, table)
                self.run(connection, [each.definition for each in kept.routines.values()])
                self.run(connection, [each.definition for each in kept.triggers.values()])

    def _create(self, connection: Connection, table: Table) -> None:
        if table.schema is not None and table.schema not in self.schemas:
            quote = self.engine.dialect.identifier_preparer.quote_identifier
            self.run(connection, [f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}"])
            self.schemas.add(table.schema)
        # In a MetaData of its own the foreign keys of others do not matter.
        own = table.to_metadata(MetaData())
        if self.collation is not None:
            own.dialect_options["mariadb"].setdefault("charset", "utf8mb4")
            own.dialect_options["mariadb"].setdefault("collate", self.collation)
        own.create(connection)

    def run(self, connection: Connection, statements: Iterable[str]) -> None:
        """Run SQL as it stands."""
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def write(self, *statements: str) -> None:
        """Run SQL in one transaction, past the framework."""
        with self.engine.begin() as connection:
            self.run(connection, statements)

    def rows(self, statement: Any) -> list[Any]:
        """What a query gives: objects where it asks for one thing."""
        with Session(self.engine) as session:
            return list(session.exec(statement).all())

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A connection of its own, with nothing begun."""
        with self.engine.connect() as connection:
            yield connection

    def instant(self) -> datetime:
        """A moment after all that was done, and before all that will be."""
        start = datetime.now(UTC)
        # The coarsest clock among the databases ticks in milliseconds.
        floor = start.replace(microsecond=start.microsecond // 1000 * 1000)
        until(lambda: datetime.now(UTC) >= floor + timedelta(milliseconds=2), "the clock ticks")
        return floor + timedelta(milliseconds=1)


def until(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for a condition."""
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    while not holds():
        if datetime.now(UTC) > deadline:
            raise AssertionError(f"waited {seconds} s in vain until {what}")


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
        engine = create_engine(target.secret_url(), poolclass=NullPool)
        can = Abilities(
            dated_by="transaction",
            no_change="nothing",
            forging="overruled",
            truncation="recorded",
            late="dated to itself",
            waiting="SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
            schemas=True,
        )
        yield Place(engine, postgres_upkeep, can)
        engine.dispose()


@contextmanager
def _sqlite(request: pytest.FixtureRequest) -> Iterator[Place]:
    folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("sqlite")
    engine = create_engine(f"sqlite:///{folder / 'kept.db'}")

    @event.listens_for(engine, "connect")
    def set_session(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA recursive_triggers = ON")

    can = Abilities(
        dated_by="statement",
        no_change="nothing",
        forging="refused",
        truncation="not offered",
        late="not offered",
        waiting=None,
        schemas=False,
    )
    yield Place(engine, sqlite_upkeep, can)
    engine.dispose()


@contextmanager
def _mariadb(request: pytest.FixtureRequest) -> Iterator[Place]:
    url: Any = os.environ.get("HISTORY_MARIADB_URL")
    if url is None:
        server = request.getfixturevalue("mariadb")
        # Whoever deploys may make schemas.
        url = make_url(server.url).set(username="root", password=server.root_password)
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def set_session(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY', time_zone = '+00:00', "
                "system_versioning_alter_history = KEEP"
            )

    can = Abilities(
        dated_by="statement",
        no_change="a state",
        forging="refused",
        truncation="refused",
        late="refused",
        waiting="SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
        schemas=True,
    )
    yield Place(engine, mariadb_upkeep, can, COLLATION)
    engine.dispose()


PLACES = {"postgres": _postgres, "postgres15": _postgres15, "sqlite": _sqlite, "mariadb": _mariadb}


def place_of(kind: str) -> Any:
    """A fixture: an empty database of one kind for each test."""

    @pytest.fixture(params=[kind])
    def one(request: pytest.FixtureRequest) -> Iterator[Place]:
        with PLACES[request.param](request) as found:
            yield found

    return one


@pytest.fixture(scope="module", params=DATABASES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A database of this module's own, of each kind."""
    with PLACES[request.param](request) as found:
        yield found


@pytest.fixture
def deployed(place: Place) -> Iterator[Place]:
    """The same after the test with no table left."""
    yield place
    schemas = [None, *place.schemas]
    for schema in schemas:
        for name in inspect(place.engine).get_table_names(schema):
            place.write(str(DropTable(Table(name, MetaData(), schema=schema)).compile(place.engine)))
