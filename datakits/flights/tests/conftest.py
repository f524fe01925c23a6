"""A throwaway PostgreSQL for the session, a database for each scenario, and the real data loaded once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flights_datakit import datakit
from sqlalchemy import Engine, create_engine, text
from sqlmodel_framework import RunResult, Target, run_datakit
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres

# When and by what a row was written: what two runs of the same data do not share.
AUDIT = {"bronze_id", "loaded_at", "run_id", "created_at", "updated_at"}

MakeTarget = Callable[[str], Target]
Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with embedded_postgres(tmp_path_factory.mktemp("server"), throwaway=True) as target:
        yield target


@pytest.fixture(scope="session")
def new_target(server: Target) -> MakeTarget:
    """Make an empty database and return it as a target."""

    def make(name: str) -> Target:
        engine = create_engine(server.secret_url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return Target(server.secret_url().set(database=name), name=name)

    return make


@pytest.fixture(scope="session")
def real_target(new_target: MakeTarget) -> Target:
    return new_target("real")


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="session")
def first_run(real_target: Target, real_folder: Path) -> RunResult:
    """The whole job on the real data, from an empty database."""
    return run_datakit(datakit, real_target, folder=real_folder)


@pytest.fixture(scope="session")
def engine(real_target: Target, first_run: RunResult) -> Iterator[Engine]:
    """The database that the first run filled."""
    assert first_run.loads
    engine = create_engine(real_target.secret_url())
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Engine, str], list[dict[str, Any]]]:
    """Run a statement and return its rows by column name."""

    def rows(engine: Engine, statement: str) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement)).mappings()]

    return rows


@pytest.fixture(scope="session")
def query(engine: Engine, rows_of: Callable[[Engine, str], list[dict[str, Any]]]) -> Query:
    """Run a statement on the real data and return its rows."""
    return lambda statement: rows_of(engine, statement)


@pytest.fixture(scope="session")
def digests() -> Callable[..., dict[str, str]]:
    """Return a digest of the rows of each table, with or without when and by what they were written."""

    def digests(query: Query, *, audit: bool = False) -> dict[str, str]:
        found = {}
        for load in datakit.loads:
            names = [column.name for column in load.sql_table.columns if audit or column.name not in AUDIT]
            row = ", ".join(f'"{name}"' for name in names)
            # A sum of hashes does not depend on the order of the rows and needs no sort.
            (digest,) = query(f"""
                SELECT count(*) AS rows,
                    sum(CAST(hashtextextended(CAST(row({row}) AS text), 0) AS numeric)) AS sum
                FROM {load.full_table_name}""")
            found[load.full_table_name] = f"{digest['rows']} rows, {digest['sum']}"
        return found

    return digests
