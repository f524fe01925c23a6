"""An Airflow whose steps run in containers of this test, against databases in containers of this test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datakit_testing import Database, DockerApi

from .home import DAGS

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from sqlmodel_framework import Datakit

__all__ = ["Docked", "connection"]

_DAG_FILE = """\
from pathlib import Path
from datakit_airflow import DatakitDag
dag = DatakitDag(Path(__file__).with_suffix(".yaml"))
"""


@dataclass(frozen=True)
class Docked:
    """A folder of DAGs whose steps run in containers.

    Attributes:
        api: what starts the containers.
        folder: where files for steps are written.
    """

    api: DockerApi
    folder: Path

    def settle(self, *, production: bool = False, **variables: str) -> None:
        """Say how steps are carried out.

        Args:
            production: whether images by tag are refused.
            variables: the environment of every step.
        """
        settings = {
            "url": self.api.url,
            "api_version": self.api.version,
            "network": self.api.network,
            "pull": False,
            "environment": variables,
        }
        lines = [f"{name} = {_toml(value)}" for name, value in settings.items()]
        (DAGS / "datakit_airflow.toml").write_text(
            f'execution = "docker"\nproduction = {_toml(production)}\nstop_grace = 20\n'
            f"secrets_folder = {_toml(str(self.folder))}\n[docker]\n" + "\n".join(lines) + "\n"
        )

    def declare(
        self, dag_id: str, datakit: Datakit, text: str = "", *, target: str, images: Mapping[str, str]
    ) -> DAG:
        """Write a declaration and a DAG file, and read the DAG as Airflow does.

        Args:
            dag_id: the DAG.
            datakit: what is described to it.
            text: more of the declaration.
            target: the connection to the target.
            images: references of images by role.
        """
        from sqlmodel_framework.runs.describing import describe

        from .orchard import Orchard

        (DAGS / f"{dag_id}.json").write_text(describe(datakit).text())
        (DAGS / f"{dag_id}.yaml").write_text(
            f"dag_id: {dag_id}\ndatakit: {dag_id}.json\ntarget: {target}\nretry_delay: 0\n"
            f"images: {json.dumps(dict(images))}\n{text}"
        )
        file = DAGS / f"{dag_id}.py"
        file.write_text(_DAG_FILE)
        return Orchard(DAGS, self.folder).read(file, dag_id)


@contextmanager
def connection(name: str, database: Database, *, inside: bool = True) -> Iterator[str]:
    """An Airflow connection to a database; gives its id.

    Args:
        name: the connection's id.
        database: the database.
        inside: whether it is for containers, or for processes of this machine.
    """
    content = {
        "conn_type": "postgres",
        "host": database.inside_host if inside else database.host,
        "port": database.inside_port if inside else database.port,
        "login": database.user,
        "password": database.password,
        "schema": database.name,
    }
    variable = f"AIRFLOW_CONN_{name.upper()}"
    os.environ[variable] = json.dumps(content)
    try:
        yield name
    finally:
        del os.environ[variable]


def _toml(value: Any) -> str:
    """A value as TOML has it; texts, truths and tables of these are the same as in JSON, but for `=`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + "}"
    return json.dumps(value)
