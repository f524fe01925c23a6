"""What the compose file promises, service by service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path("platform/airflow/compose/compose.yaml")
CONTENT: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = CONTENT["services"]
SECRET = re.compile(r"password|secret|key|token|conn(?!ections_file)|credential", re.IGNORECASE)

each_service = pytest.mark.parametrize("name", SERVICES)


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Source, path inside, and mode of each mount."""
    found = []
    for text in service.get("volumes", ()):
        # A variable's default or message can hold colons.
        plain = re.sub(r"\$\{(\w+):[^}]*\}", r"$\1", text)
        source, inside, *mode = plain.split(":")
        found.append((source, inside, mode[0] if mode else "rw"))
    return found


def test_the_parts_of_airflow_and_two_databases() -> None:
    assert set(SERVICES) == {
        *("metadata", "target", "migrate"),
        *("api-server", "scheduler", "dag-processor", "triggerer"),
    }


@each_service
def test_an_image_is_a_variable_without_a_default(name: str) -> None:
    assert re.fullmatch(r"\$\{(AIRFLOW|POSTGRES)_IMAGE:\?name@sha256:\.\.\.\}", SERVICES[name]["image"])


@each_service
def test_a_service_cannot_change_its_image_and_has_no_capabilities(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges"]
    assert not {"privileged", "cap_add", "user", "network_mode", "pid", "ipc", "devices"} & set(service)


@each_service
def test_ports_are_published_on_loopback_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{\w+:-\d+\}:\d+", port)


def test_airflow_and_the_target_are_published() -> None:
    assert {name for name, service in SERVICES.items() if service.get("ports")} == {"api-server", "target"}


@each_service
def test_a_secret_is_a_file(name: str) -> None:
    service = SERVICES[name]
    declared = {one if isinstance(one, str) else one["source"] for one in service["secrets"]}
    assert declared <= set(CONTENT["secrets"])
    for variable, value in service["environment"].items():
        assert "$" not in str(value), f"{variable} comes from outside"
        if SECRET.search(variable):
            assert re.search(r"(^|\s|\")/run/(secrets|passwords)/|LocalFilesystemBackend", value), variable


def test_every_secret_lies_in_one_folder() -> None:
    for name, secret in CONTENT["secrets"].items():
        assert secret["file"].startswith("${SECRETS_FOLDER:?"), name


@each_service
def test_a_service_that_stays_is_asked_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        how, *command = service["healthcheck"]["test"]
        assert how == "CMD"
        assert any(word.endswith("healthcheck") for word in command)


def test_only_the_scheduler_reaches_docker() -> None:
    reaching = {name for name, one in SERVICES.items() if any("docker.sock" in m[1] for m in mounts(one))}
    assert reaching == {"scheduler"}


def test_files_for_steps_are_at_the_same_path_on_both_sides() -> None:
    handed = [m for m in mounts(SERVICES["scheduler"]) if "HANDOVER" in m[0]]
    assert [(source, mode) for source, inside, mode in handed if source == inside] == [
        ("$HANDOVER_FOLDER", "rw")
    ]


@pytest.mark.parametrize("name", ["migrate", "api-server", "scheduler", "dag-processor", "triggerer"])
def test_dags_cannot_be_changed_from_inside(name: str) -> None:
    assert ("$DAGS_FOLDER", "/opt/airflow/dags", "ro") in mounts(SERVICES[name])


def test_steps_do_not_reach_the_database_of_airflow() -> None:
    assert {name for name, one in SERVICES.items() if "steps" in one["networks"]} == {"target"}
    assert "steps" not in SERVICES["metadata"]["networks"]


@pytest.mark.parametrize("name", ["api-server", "scheduler", "dag-processor", "triggerer"])
def test_airflow_starts_after_its_tables_are_there(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert SERVICES["migrate"]["depends_on"] == {"metadata": {"condition": "service_healthy"}}
