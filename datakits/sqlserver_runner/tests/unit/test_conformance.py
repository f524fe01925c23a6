"""This runner keeps the run contract."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import ClassVar

from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance


class TestSqlServerRunner(RunnerConformance):
    datakit = "flights_datakit"
    step = "extract"
    unreachable: ClassVar = {"name": "nobody", "url": "mssql://me@127.0.0.1:1/db"}

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "sqlserver_runner", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )
        return Outcome(done.returncode, done.stdout, done.stderr)
