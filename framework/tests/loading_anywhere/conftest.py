"""Databases to load bronze tables into, and one such table."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, Text, create_engine, insert, select
from sqlalchemy.engine import make_url
from sqlmodel import Field, SQLModel
from sqlmodel_framework import BronzeTableMixin, CsvSource, Datakit, Load, Target, run_datakit
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.runs.ledger import LoadRecord
from sqlmodel_framework.runs.result import LoadResult
from sqlmodel_framework.testing.plugin import fresh_database

# Which databases the suite runs on; the target that has containers names its own.
DATABASES = os.environ.get("LOADING_DATABASES", "postgres sqlite").split()


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "raw"
    __table_args__ = {"schema": "anywhere"}
    a: str | None = Field(default=None, sa_type=Text)
    b: str | None = Field(default=None, sa_type=Text)


def kit(*sources: OutsideSource, **more: Any) -> Datakit:
    """A datakit that loads what these sources bring."""
    loads = tuple(Load(table=Raw, name=source.name, layer="bronze", source=source) for source in sources)
    return Datakit(**{"name": "anywhere", "version": "1", "tables": (Raw,), "loads": loads, **more})


def csv(content: str | bytes, **more: Any) -> CsvSource:
    """A CSV file of some content."""
    data = content.encode() if isinstance(content, str) else content
    return CsvSource(**{"open": lambda: io.BytesIO(data), "name": "items.csv", "null": "", **more})


@dataclass
class Place:
    """A database of one test's own, with nothing of a datakit in it."""

    target: Target

    @property
    def engine(self) -> BaseEngine:
        return engine_for(self.target, None)

    def load(self, *sources: OutsideSource) -> LoadResult:
        """Run a datakit of these sources; what came of the last one."""
        return run_datakit(kit(*sources), self.target).loads[-1]

    def read(self, model: type[SQLModel], *names: str) -> list[tuple[Any, ...]]:
        """The values of some columns, in the order of the key."""
        table = table_of(model)
        chosen = select(*(table.c[name] for name in names))
        found = self.engine.read_rows(chosen.order_by(*table.primary_key))
        return [tuple(row.values()) for row in found]

    def rows(self) -> list[tuple[Any, ...]]:
        """The bronze rows, in the order in which they came."""
        return self.read(Raw, "a", "b")

    def loads(self, *names: str) -> list[tuple[Any, ...]]:
        """What the ledger says of loads."""
        return self.read(LoadRecord, *names)

    def put(self, model: type[SQLModel], *rows: Mapping[str, Any]) -> None:
        """Insert rows past the framework."""
        engine = self.engine
        with engine.transaction() as connection:
            connection.execute(insert(table_of(model)), [dict(row) for row in rows])


@contextmanager
def _postgres(request: pytest.FixtureRequest) -> Iterator[Place]:
    with fresh_database(request.getfixturevalue("datakit_server")) as target:
        yield Place(target)


@contextmanager
def _postgres15(request: pytest.FixtureRequest) -> Iterator[Place]:
    with fresh_database(Target(request.getfixturevalue("postgres").url)) as target:
        yield Place(target)


@contextmanager
def _sqlite(request: pytest.FixtureRequest) -> Iterator[Place]:
    folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("sqlite")
    yield Place(Target(f"sqlite:///{folder / 'loaded.db'}", name="sqlite"))


@contextmanager
def _mariadb(request: pytest.FixtureRequest) -> Iterator[Place]:
    url: Any = os.environ.get("LOADING_MARIADB_URL")
    if url is None:
        server = request.getfixturevalue("mariadb")
        # Whoever deploys may make schemas, which are databases there.
        url = make_url(server.url).set(username="root", password=server.root_password)
    url = make_url(url)
    engine = create_engine(url.set(database="mysql"), poolclass=NullPool)
    with engine.begin() as connection:
        for name in ("anywhere", "datakit", "here"):
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql("CREATE DATABASE here CHARACTER SET utf8mb4")
    yield Place(Target(url.set(database="here"), name="mariadb"))


_PLACES: dict[str, Callable[[pytest.FixtureRequest], Any]] = {
    "postgres": _postgres,
    "postgres15": _postgres15,
    "sqlite": _sqlite,
    "mariadb": _mariadb,
}


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A database of this test's own, of each kind."""
    with _PLACES[request.param](request) as found:
        yield found
