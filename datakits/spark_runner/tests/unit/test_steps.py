"""What is offered, and what it costs to ask."""

import subprocess
import sys
import tomllib
from pathlib import Path

from spark_runner import __version__
from spark_runner.__main__ import RUNNER
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS


def test_extracting_and_jobs_come_beside_the_frameworks_own_steps() -> None:
    assert list(RUNNER.steps) == ["extract", "job", *(step.name for step in FRAMEWORK_STEPS)]


def test_an_extraction_needs_a_source_and_a_job_does_not() -> None:
    assert [RUNNER.steps[name].needs_source for name in ("extract", "job")] == [True, False]
    assert {"tables", "window_column", "partition_column", "master"} <= RUNNER.steps["extract"].parameters
    assert "partition_column" not in RUNNER.steps["job"].parameters


def test_the_version_is_the_wheels() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert __version__ == RUNNER.version == project["project"]["version"]


def test_spark_is_not_imported_before_a_step_needs_it() -> None:
    code = "import sys, spark_runner.__main__; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
