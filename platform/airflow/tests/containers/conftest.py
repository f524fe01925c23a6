"""What these tests share; an Airflow of their own comes first."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import kit.home  # noqa: F401 - before Airflow is imported
import pytest
from datakit_testing import Database, DockerApi

sys.path.insert(0, str(Path(__file__).parent))

from docked import Docked, connection


@pytest.fixture(scope="session")
def docked(airflow_database: None, docker_api: DockerApi, tmp_path_factory: pytest.TempPathFactory) -> Docked:
    made = Docked(docker_api, tmp_path_factory.mktemp("handed-over"))
    made.settle()
    return made


@pytest.fixture
def usual(docked: Docked) -> Iterator[Docked]:
    """Afterwards steps are carried out as before."""
    yield docked
    docked.settle()


@pytest.fixture
def database(postgres: Database) -> Database:
    return postgres.another()


@pytest.fixture
def warehouse(database: Database) -> Iterator[str]:
    """A connection to a database of this test alone."""
    with connection("market_warehouse", database) as name:
        yield name


@pytest.fixture(autouse=True)
def sigterm() -> Iterator[None]:
    """What a SIGTERM does to this process: running a task changes it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
