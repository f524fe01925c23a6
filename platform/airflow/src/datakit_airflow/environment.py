"""The settings of an environment: how steps are carried out here, the same for every DAG."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from .configuration import ConfigurationError, Problem, Strict, read_document, validated

__all__ = [
    "ENVIRONMENT_FILE",
    "ENVIRONMENT_VARIABLE",
    "DockerSettings",
    "Environment",
    "KubernetesSettings",
    "ProcessSettings",
    "find_environment",
    "read_environment",
]

ENVIRONMENT_VARIABLE = "DATAKIT_AIRFLOW_CONFIG"
ENVIRONMENT_FILE = "datakit_airflow.toml"


class DockerSettings(Strict):
    """Where containers run, and what they reach."""

    url: str | None = Field(default=None, description="The daemon; by default DOCKER_HOST, or its socket.")
    api_version: str = Field(default="auto", description="A version, or auto to ask the daemon.")
    network: str | None = None
    extra_hosts: dict[str, str] = Field(default={})
    memory: str | None = Field(default=None, description='The most that a step may use, such as "2g".')
    registry: str | None = Field(
        default=None, description="An Airflow connection to the registry that images are fetched from."
    )
    pull: bool = Field(default=True, description="Whether an image that is not there is fetched.")
    environment: dict[str, str] = Field(default={}, description="Variables of every step. No secrets.")


class KubernetesSettings(Strict):
    """Where pods run, and as whom."""

    namespace: str = "default"
    connection: str | None = Field(default=None, description="An Airflow connection to the cluster.")
    in_cluster: bool | None = None
    service_account: str | None = None
    templates: Path | None = Field(default=None, description="The folder of <template>.yaml files.")
    deferrable: bool = True
    startup_timeout: int = Field(default=300, gt=0)
    environment: dict[str, str] = Field(default={}, description="Variables of every step. No secrets.")


class ProcessSettings(Strict):
    """Which programs carry out steps where there is no container."""

    commands: dict[str, str] = Field(default={}, description="Programs by role; by default `<role>-runner`.")
    folder: Path | None = Field(default=None, description="Where the programs are; by default on the PATH.")
    environment: dict[str, str] = Field(default={}, description="Variables of every step. No secrets.")

    def command(self, role: str) -> str:
        """The program for a role."""
        name = self.commands.get(role, f"{role}-runner")
        return str(self.folder / name) if self.folder is not None else name


class Environment(Strict):
    """How steps are carried out here."""

    execution: Literal["docker", "kubernetes", "process"]
    production: bool = Field(default=False, description="Whether images by tag are refused.")
    stop_grace: float = Field(
        default=30.0, gt=0, description="Seconds that a step may take to stop in order."
    )
    secrets_folder: Path | None = Field(
        default=None,
        description="Where files for steps are written. With docker the daemon has to see it at the same "
        "path; by default a private folder under the system's own for temporary files.",
    )
    docker: DockerSettings = DockerSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    process: ProcessSettings = ProcessSettings()

    @model_validator(mode="after")
    def _says_only_what_counts(self) -> Environment:
        for name in ("docker", "kubernetes", "process"):
            if name != self.execution and name in self.model_fields_set:
                raise ValueError(f'{name} has settings, but the execution is "{self.execution}"')
        return self


def read_environment(path: Path) -> Environment:
    """Read the settings of an environment.

    Raises:
        ConfigurationError: they cannot be read; each mistake is told with its field.
    """
    return _located(validated(Environment, read_document(path), str(path)), path)


def find_environment(beside: Path, variables: Mapping[str, str] = os.environ) -> Environment:
    """The environment that DATAKIT_AIRFLOW_CONFIG names, or that lies beside the DAGs.

    Args:
        beside: the folder of a declaration; its parents are looked through as well.
        variables: where to look the variable up.

    Raises:
        ConfigurationError: there is none, or it cannot be read.
    """
    named = variables.get(ENVIRONMENT_VARIABLE)
    if named:
        return _cached(Path(named), _stamp(Path(named)))
    folder = beside.absolute()
    for candidate in (folder, *folder.parents):
        path = candidate / ENVIRONMENT_FILE
        if (stamp := _stamp(path)) is not None:
            return _cached(path, stamp)
    raise ConfigurationError(
        [
            Problem(
                str(beside),
                "",
                "no file says how steps are carried out in this environment",
                f"name one in {ENVIRONMENT_VARIABLE}, or put {ENVIRONMENT_FILE} beside the DAGs",
            )
        ]
    )


def _stamp(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=16)
def _cached(path: Path, stamp: int | None) -> Environment:
    return read_environment(path)


def _located(environment: Environment, path: Path) -> Environment:
    """Paths in a file are meant from its folder."""
    updates: dict[str, Any] = {}
    if (templates := environment.kubernetes.templates) is not None:
        found = {"templates": path.parent / templates}
        updates["kubernetes"] = environment.kubernetes.model_copy(update=found)
    if (folder := environment.process.folder) is not None:
        updates["process"] = environment.process.model_copy(update={"folder": path.parent / folder})
    if (secrets := environment.secrets_folder) is not None:
        updates["secrets_folder"] = path.parent / secrets
    return environment.model_copy(update=updates) if updates else environment
