"""Fixtures of tests whose steps run in containers."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from datakit_testing import Database, DockerApi

from .docked import Docked


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


@pytest.fixture(autouse=True)
def sigterm() -> Iterator[None]:
    """What a SIGTERM does to this process: running a task changes it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
