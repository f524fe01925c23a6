"""An Airflow whose steps are processes of the real runner, against databases of these tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from .home import DAGS

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from sqlmodel_framework import Target

__all__ = ["Processes", "Warehouse", "connection"]

_DATAKITS = Path(__file__).parents[1] / "end_to_end" / "datakits"
_DAG_FILE = """\
from pathlib import Path
from datakit_airflow import DatakitDag
dag = DatakitDag(Path(__file__).with_suffix(".yaml"))
"""


@dataclass(frozen=True)
class Processes:
    """A folder of DAGs whose steps are processes.

    Attributes:
        folder: where the runner's program is written.
        variables: the environment of every step, and of the datakits' descriptions.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def settle(self, **variables: str) -> None:
        """Say how steps are carried out.

        Args:
            variables: more of the environment of every step.
        """
        program = self.folder / "sqlmodel-runner"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sqlmodel_runner "$@"\n')
        program.chmod(0o755)
        path = os.pathsep.join([str(_DATAKITS), *filter(None, sys.path)])
        self.variables.clear()
        self.variables.update(PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1", **variables)
        pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in self.variables.items())
        (DAGS / "datakit_airflow.toml").write_text(
            f'execution = "process"\n[process]\nfolder = "{self.folder}"\nenvironment = {{ {pairs} }}\n'
        )

    def describe(self, datakit: str) -> None:
        """Write the description of a datakit, as its build does: in a process of its own."""
        arguments = ["describe", datakit, "--output", str(DAGS / f"{datakit}.json")]
        subprocess.run(
            [sys.executable, "-m", "sqlmodel_framework.cli", *arguments],
            env={**os.environ, **self.variables},
            check=True,
        )

    def declare(self, dag_id: str, datakit: str, text: str = "", *, target: str) -> DAG:
        """Write a declaration and a DAG file, and read the DAG as Airflow does.

        Args:
            dag_id: the DAG.
            datakit: the datakit, which is described anew.
            text: more of the declaration.
            target: the connection to the target.
        """
        self.write(dag_id, datakit, text, target=target)
        return self.read(dag_id, _DAG_FILE)

    def write(self, dag_id: str, datakit: str, text: str = "", *, target: str) -> None:
        """Describe a datakit, and write a declaration of it."""
        self.describe(datakit)
        (DAGS / f"{dag_id}.yaml").write_text(
            f"dag_id: {dag_id}\ndatakit: {datakit}.json\ntarget: {target}\nretry_delay: 0\n{text}"
        )

    def read(self, dag_id: str, text: str) -> DAG:
        """Write a DAG file, and read the DAG as Airflow does."""
        from .orchard import Orchard

        file = DAGS / f"{dag_id}.py"
        file.write_text(text)
        return Orchard(DAGS, self.folder).read(file, dag_id)


@dataclass(frozen=True)
class Warehouse:
    """A database of one test.

    Attributes:
        server: the server.
        name: the database, and the Airflow connection to it.
    """

    server: Target
    name: str

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement; returns its rows, if there are any."""
        place = _place(self.server)
        session = psycopg2.connect(
            host=place["host"], port=place["port"], user=self.server.url.username, dbname=self.name
        )
        try:
            # One by one: CREATE DATABASE bears no transaction.
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            session.close()


@contextmanager
def connection(warehouse: Warehouse) -> Iterator[Warehouse]:
    """An Airflow connection to a database, of its name."""
    content = {
        "conn_type": "postgres",
        "login": warehouse.server.url.username,
        "schema": warehouse.name,
        "extra": _place(warehouse.server),
    }
    variable = f"AIRFLOW_CONN_{warehouse.name.upper()}"
    os.environ[variable] = json.dumps(content)
    try:
        yield warehouse
    finally:
        del os.environ[variable]


def _place(server: Target) -> dict[str, str]:
    return {name: str(server.url.query[name]) for name in ("host", "port")}
