"""It offers every step that the framework has, and no list of its own."""

import tomllib
from pathlib import Path

from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS
from sqlmodel_runner import __version__
from sqlmodel_runner.__main__ import RUNNER


def test_every_step_of_the_framework_is_offered() -> None:
    assert {step.name for step in FRAMEWORK_STEPS} <= set(RUNNER.steps)
    assert {"run", "deploy", "load", "check"} <= set(RUNNER.steps)


def test_the_version_is_the_wheels() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert __version__ == RUNNER.version == project["project"]["version"]
