"""Our wheels are whole, and install into an empty environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clean_environment import Environment
from wheel_verifier import verify_wheel

OURS = ("sqlmodel_framework", "flights_datakit")


@pytest.mark.parametrize("name", OURS)
def test_nothing_is_wrong_with_our_wheels(wheelhouse: Path, name: str) -> None:
    (wheel,) = wheelhouse.glob(f"{name}-*.whl")
    assert verify_wheel(wheel) == []


def test_the_framework_installs_and_imports(environment: Environment) -> None:
    environment.pip("install", "-q", "sqlmodel-framework")
    environment.pip("check")
    code = "import sqlmodel_framework as f; print(f.deploy_datakit.__name__, f.__version__)"
    version = environment.installed("sqlmodel_framework").name.split("-")[1].removesuffix(".dist")
    assert environment.run(environment.python, "-c", code).split() == ["deploy_datakit", version]
    assert version in environment.run("datakit", "--version")


def test_a_new_datakit_s_own_tests_pass(environment: Environment) -> None:
    environment.pip("install", "-q", "sqlmodel-framework[embedded,test]")
    environment.run("datakit", "new", "bookshop")
    assert "passed" in environment.run(
        environment.python, "-m", "pytest", cwd=environment.folder / "bookshop"
    )


def test_the_main_job_runs_from_the_wheels_alone(environment: Environment) -> None:
    environment.pip("install", "-q", "flights-datakit")
    environment.pip("check")
    folder = environment.folder / "flights"
    loads = [
        json.loads(line)
        for line in environment.run("datakit", "run", "flights", "--folder", folder, "--json").splitlines()
    ]
    assert {load["layer"] for load in loads} == {"bronze", "silver", "gold"}
    assert all(load["read"] == load["accepted"] + load["rejected"] for load in loads)
    flights = {load["layer"]: load for load in loads if load["table"] == "flights"}
    assert flights["bronze"]["loaded"] == 336_776
    assert (folder / "report.html").stat().st_size > 10_000
