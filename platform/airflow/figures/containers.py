"""How long flights take through Airflow in real containers, and what one costs: as its test measured it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from figure import Figure

__all__ = ["containers", "figures_of"]

_TEST = "//platform/airflow/tests/containers"
_CASES = {
    "flights_end_to_end": "the DAG, 18 steps in containers",
    "container_overhead": "the median of what a step costs against the same one as a process, compiled",
}


def containers() -> Iterator[Figure]:
    """Run the test, and give what it measured.

    Raises:
        RuntimeError: it failed, or it measured something else.
    """
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    command = [str(workspace / "bazelw"), "test", "--nocache_test_results", "--test_output=all", _TEST]
    ended = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{_TEST} failed:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    yield from figures_of(ended.stdout + ended.stderr)


def figures_of(output: str) -> Iterator[Figure]:
    """The figures in what the test wrote.

    Raises:
        RuntimeError: one is not in it.
    """
    for case, note in _CASES.items():
        found = re.search(rf"^{case} (-?[0-9.]+) s\b", output, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"{_TEST} says nothing of {case}")
        yield Figure(case, float(found[1]), "s", None, note=note)
