"""How steps are carried out is chosen for an environment, not for a DAG."""

from __future__ import annotations

from pathlib import Path

import pytest
from datakit_airflow.configuration import ConfigurationError
from datakit_airflow.environment import (
    ENVIRONMENT_FILE,
    ENVIRONMENT_VARIABLE,
    find_environment,
    read_environment,
)


def test_the_file_beside_the_dags_counts(tmp_path: Path) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text('execution = "process"\n')
    inner = tmp_path / "team" / "shop"
    inner.mkdir(parents=True)

    assert find_environment(inner, {}).execution == "process"


def test_the_variable_counts_more(tmp_path: Path) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text('execution = "process"\n')
    named = tmp_path / "production.toml"
    named.write_text('execution = "kubernetes"\nproduction = true\n')

    assert find_environment(tmp_path, {ENVIRONMENT_VARIABLE: str(named)}).production


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / ENVIRONMENT_FILE
    path.write_text('execution = "process"\n')
    assert find_environment(tmp_path, {}).execution == "process"
    path.unlink()
    path.write_text('execution = "docker"\n')

    assert find_environment(tmp_path, {}).execution == "docker"


def test_without_one_the_error_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_environment(tmp_path, {})

    assert ENVIRONMENT_VARIABLE in str(caught.value.hint)
    assert ENVIRONMENT_FILE in str(caught.value.hint)


def test_settings_of_another_execution_are_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / ENVIRONMENT_FILE
    path.write_text('execution = "process"\n[docker]\nnetwork = "shop"\n')

    with pytest.raises(ConfigurationError, match='docker has settings, but the execution is "process"'):
        read_environment(path)


def test_folders_are_meant_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / ENVIRONMENT_FILE
    path.write_text('execution = "kubernetes"\nsecrets_folder = "s"\n[kubernetes]\ntemplates = "pods"\n')
    found = read_environment(path)

    assert found.kubernetes.templates == tmp_path / "pods"
    assert found.secrets_folder == tmp_path / "s"


def test_a_program_is_named_by_its_role(tmp_path: Path) -> None:
    path = tmp_path / ENVIRONMENT_FILE
    path.write_text('execution = "process"\n[process]\nfolder = "bin"\ncommands = { dbt = "my-dbt" }\n')
    found = read_environment(path).process

    assert found.command("dbt") == str(tmp_path / "bin" / "my-dbt")
    assert found.command("sqlmodel") == str(tmp_path / "bin" / "sqlmodel-runner")
