"""Airflow in the environment of a test: complete, found by its metadata, not hidden by this folder's name."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest

PROVIDERS = ["cncf.kubernetes", "common.sql", "docker", "openlineage", "postgres", "standard"]
# Written by a process of its own: what Airflow imports of itself stays out of this one.
LIST_PROVIDERS = """
import json
from airflow.providers_manager import ProvidersManager
print(json.dumps({name: info.version for name, info in ProvidersManager().providers.items()}))
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Airflow writes goes where AIRFLOW_HOME says."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))


def test_airflow_is_the_package_and_not_this_folder() -> None:
    sdk = importlib.import_module("airflow.sdk")
    assert "pypi_apache_airflow" in str(sdk.__file__)
    assert Path("platform/airflow").is_dir()
    workspace = Path("platform").resolve()
    airflow = importlib.import_module("airflow")
    assert not [path for path in airflow.__path__ if Path(path).resolve().is_relative_to(workspace)]


def test_a_dag_can_be_written() -> None:
    sdk = importlib.import_module("airflow.sdk")
    with sdk.DAG("one", schedule=None) as dag:
        importlib.import_module("airflow.providers.standard.operators.empty").EmptyOperator(task_id="nothing")
    assert dag.task_ids == ["nothing"]


@pytest.mark.parametrize(
    "name",
    [
        "airflow.providers.cncf.kubernetes.operators.pod",
        "airflow.providers.docker.operators.docker",
        "airflow.providers.openlineage.plugins.listener",
        "airflow.providers.postgres.hooks.postgres",
        "airflow.providers.standard.operators.python",
        "airflow.providers.standard.operators.hitl",
    ],
)
def test_what_datakits_use_of_a_provider_imports(name: str) -> None:
    importlib.import_module(name)


def test_airflow_finds_its_providers_by_their_entry_points() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIST_PROVIDERS], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    for provider in PROVIDERS:
        name = f"apache-airflow-providers-{provider.replace('.', '-')}"
        assert found[name] == distribution(name).version


def test_its_command_is_there() -> None:
    assert "airflow" in {point.name for point in entry_points(group="console_scripts")}
    assert distribution("apache-airflow").version.startswith("3.")
