"""What these tests share; an Airflow of their own comes first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import kit.home
import pytest
from kit.processes import Processes, Warehouse, connection
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with embedded_postgres(tmp_path_factory.mktemp("server"), throwaway=True) as target:
        yield target


@pytest.fixture
def make_warehouse(server: Target) -> Iterator[Callable[[], Warehouse]]:
    """Makes a database, which is a connection of Airflow for as long as the test lasts."""
    with ExitStack() as connections:

        def make() -> Warehouse:
            made = Warehouse(server, f"warehouse_{next(_numbers)}")
            Warehouse(server, str(server.url.database)).query(f"CREATE DATABASE {made.name}")
            return connections.enter_context(connection(made))

        yield make


@pytest.fixture
def warehouse(make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    return make_warehouse()


@pytest.fixture
def processes(airflow_database: None, tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    made.settle()
    yield made
    for path in kit.home.DAGS.iterdir():
        if path.is_file():
            path.unlink()
