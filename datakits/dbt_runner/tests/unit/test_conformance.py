"""This runner keeps the run contract."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from kit.runs import STALL
from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance


class TestDbtRunner(RunnerConformance):
    datakit = "stall"
    step = "build"
    parameters: ClassVar[Mapping[str, Any]] = {"project": str(STALL)}

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "dbt_runner", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )
        return Outcome(done.returncode, done.stdout, done.stderr)
