"""A small dbt project, and the runner as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlmodel_framework.testing.conformance import Outcome

STALL = Path(__file__).parents[1] / "stall"
# dbt's templates must not touch it.
PASSWORD = "hush-hush/@{{ 1 }}"


def environment(specification: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a program that carries out a run."""
    return {**os.environ, "DATAKIT_RUN_SPEC": json.dumps(specification), "STALL_PASSWORD": PASSWORD}


def run(specification: Mapping[str, Any]) -> Outcome:
    """Carry out a run by the program."""
    done = subprocess.run(
        [sys.executable, "-m", "dbt_runner", "run", "--wait", "0"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(specification),
    )
    assert PASSWORD not in done.stdout + done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)
