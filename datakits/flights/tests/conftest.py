"""A throwaway PostgreSQL for the session, a database for each scenario, and the real data loaded once."""

import fcntl
import os
import pickle
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
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def server(shared_folder: Path) -> Iterator[Target]:
    with embedded_postgres(shared_folder / "server", throwaway=True) as target:
        yield target


@pytest.fixture(scope="session")
def new_target(server: Target) -> MakeTarget:
    """Make an empty database and return it as a target."""

    def make(name: str) -> Target:
        engine = create_engine(server.secret_url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return target_of(server, name)

    return make


def target_of(server: Target, name: str) -> Target:
    # Tests in several processes run the datakit on the same database; each waits for its turn.
    return Target(server.secret_url().set(database=name), name=name, lock_timeout=300)


@pytest.fixture(scope="session")
def real_target(server: Target) -> Target:
    return target_of(server, "real")


@pytest.fixture(scope="session")
def first_run(new_target: MakeTarget, real_target: Target, shared_folder: Path) -> RunResult:
    """The whole job on the real data, from an empty database; done once, by the process that comes first."""
    kept = shared_folder / "first_run.pickle"
    with (shared_folder / "first_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            new_target("real")
            result = run_datakit(datakit, real_target, folder=shared_folder / "first_report")
            kept.write_bytes(pickle.dumps(result))
        found: RunResult = pickle.loads(kept.read_bytes())
    return found


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
