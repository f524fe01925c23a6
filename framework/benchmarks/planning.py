"""How long it takes to plan and to deploy many tables, against doing the same by hand or by Alembic.

    bazel run //framework/benchmarks:planning [-- --json] [-- --tables N] [-- --times N]

A figure with a limit that is broken makes the exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cold import cold
from figure import Figure, report
from imports import imports
from no_operation import no_operation
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres
from triggers import triggers

# So that a small benchmark is small in all its parts.
ROWS_PER_TABLE = 100


def measured(tables: int, times: int) -> Iterator[Figure]:
    """Every figure, as it is measured; what needs a database is measured in one and the same server."""
    with tempfile.TemporaryDirectory(prefix="planning-") as folder, embedded_postgres(Path(folder)) as server:
        yield from no_operation(server, tables, times)
        yield from cold(server, tables, times)
        yield from triggers(server, tables * ROWS_PER_TABLE, times)
    yield from imports(times)


def main(arguments: list[str]) -> int:
    """Measures, prints, and returns 0 where every limit is kept."""
    parser = argparse.ArgumentParser(prog="bazel run //framework/benchmarks:planning --", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument("--tables", type=int, default=1000, help="tables of 20 columns; default 1000")
    parser.add_argument("--times", type=int, default=5, help="how often each side is measured; default 5")
    chosen = parser.parse_args(arguments)
    return 0 if report(measured(chosen.tables, chosen.times), as_json=chosen.json) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
