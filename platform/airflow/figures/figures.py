"""How long DAGs of datakits take to parse and to run, and what the Airflow image weighs.

    bazel run //platform/airflow:figures [-- --json] [-- --only CASE]

A figure with a limit that is broken makes the exit code 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from containers import containers
from figure import Figure, report
from image_size import unpacked_megabytes
from parsing import parsing

__all__ = ["main"]


def size() -> Iterator[Figure]:
    """The size of the image, unpacked."""
    megabytes = unpacked_megabytes(Path(os.environ["AIRFLOW_IMAGE"]))
    yield Figure("size_airflow", round(megabytes, 1), "MB", 550)


CASES: dict[str, Callable[[], Iterator[Figure]]] = {
    "parse_": parsing,
    "size_airflow": size,
    "containers": containers,
}


def measured(cases: list[str]) -> Iterator[Figure]:
    """The figures of some cases, each as it is measured."""
    for case in cases:
        sys.stderr.write(f"measuring {case.rstrip('_')}\n")
        yield from CASES[case]()


def main(arguments: list[str]) -> int:
    """Measures, prints, and returns 0 where every limit is kept."""
    parser = argparse.ArgumentParser(prog="bazel run //platform/airflow:figures --", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument("--only", choices=list(CASES), action="append", help="measure these only")
    chosen = parser.parse_args(arguments)
    return 0 if report(measured(chosen.only or list(CASES)), as_json=chosen.json) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
