"""This runner keeps the run contract, where no Java is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance


class TestSparkRunner(RunnerConformance):
    datakit = "flights_datakit"
    step = "extract"

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "spark_runner", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment, "JAVA_HOME": "/nowhere"},
        )
        return Outcome(done.returncode, done.stdout, done.stderr)
