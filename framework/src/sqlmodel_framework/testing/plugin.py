"""The pytest plugin: `datakit_target`, a real and empty PostgreSQL database for tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from ..targets.target import Target

__all__ = ["datakit_server", "datakit_target", "fresh_database"]

SERVER_VARIABLE = "DATAKIT_TEST_URL"


@pytest.fixture(scope="session")
def datakit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server to make databases on: `DATAKIT_TEST_URL`, else an embedded one of this session.

    The workers of pytest-xdist share one embedded server; it stops after the last of them.
    """
    from ..targets.target import Target

    url = os.environ.get(SERVER_VARIABLE)
    if url:
        yield Target(url, name=SERVER_VARIABLE)
        return
    from ..engines.postgres.embedded import embedded_postgres

    with embedded_postgres(_shared_folder(tmp_path_factory), throwaway=True) as server:
        yield server


@pytest.fixture(scope="session")
def datakit_target(datakit_server: Target) -> Iterator[Target]:
    """An empty database of this session, and of this worker under pytest-xdist; removed at the end."""
    with fresh_database(datakit_server) as target:
        yield target


@contextmanager
def fresh_database(server: Target) -> Iterator[Target]:
    """A new, empty database on a server, for the time of the block."""
    from sqlalchemy import NullPool, create_engine, text

    from ..targets.target import Target

    url = server.secret_url()
    name = f"datakit_test_{uuid4().hex}"
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield Target(url.set(database=name), name=name, server_log=server.server_log)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _shared_folder(factory: pytest.TempPathFactory) -> Path:
    base = factory.getbasetemp()
    # A worker has a folder of its own below that of the session.
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "datakit-postgres"
