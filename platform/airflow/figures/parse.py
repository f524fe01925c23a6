"""Parses a folder of DAGs as Airflow's DAG processor does, and prints how long it took, in seconds.

    python parse.py FOLDER

What Airflow imports for itself is imported before; this package and the provider that it runs on are not.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

__all__ = ["main"]


def main(folder: Path) -> None:
    """Parse, and print the seconds and the number of DAGs.

    Raises:
        RuntimeError: a file cannot be parsed.
    """
    import airflow.sdk  # noqa: F401 - a part of Airflow

    began = time.perf_counter()
    bag = DagBag(dag_folder=str(folder), collect_dags=True)
    took = time.perf_counter() - began
    if bag.import_errors:
        raise RuntimeError(str(bag.import_errors))
    sys.stdout.write(f"{took} {len(bag.dags)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
