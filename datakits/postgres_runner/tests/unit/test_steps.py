"""It offers `extract` beside every step that the framework has."""

import tomllib
from pathlib import Path

from postgres_runner import __version__
from postgres_runner.__main__ import RUNNER
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS


def test_extract_comes_first_and_every_step_of_the_framework_follows() -> None:
    assert list(RUNNER.steps) == ["extract", *(step.name for step in FRAMEWORK_STEPS)]


def test_the_version_is_the_wheels() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert __version__ == RUNNER.version == project["project"]["version"]
