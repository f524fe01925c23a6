"""It offers a step that extracts, and every step that the framework has."""

import tomllib
from pathlib import Path

from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS
from sqlmodel_framework.targets.target import Target
from sqlserver_runner import __version__
from sqlserver_runner.__main__ import RUNNER
from sqlserver_runner.engine import SqlServerEngine


def test_every_step_of_the_framework_is_offered_after_its_own() -> None:
    assert list(RUNNER.steps) == ["extract", *(step.name for step in FRAMEWORK_STEPS)]
    assert RUNNER.steps["extract"].needs_source


def test_the_version_is_the_wheels() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert __version__ == RUNNER.version == project["project"]["version"]


def test_the_wheel_brings_the_engine_for_mssql() -> None:
    engine = engine_for(Target("mssql://reader@db.example/sales"))
    assert isinstance(engine, SqlServerEngine)
    assert not engine.can_load
