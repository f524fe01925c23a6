"""How fast rows are loaded, and in how much memory, against COPY by hand and against other loaders.

    bazel run //framework/benchmarks:loading [-- --json] [-- --scale S] [-- --peers all] [-- --times N]

A figure with a limit that is broken makes the exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from copying import copying
from figure import Figure, report
from files import files
from memory import memory
from snapshots import snapshots
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres

__all__ = ["main"]

MILLION = 1_000_000


def measured(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Every figure, as it is measured; both sides of a ratio in one and the same server."""
    with tempfile.TemporaryDirectory(prefix="loading-") as name:
        folder = Path(name)
        with embedded_postgres(folder / "server") as server:
            yield from copying(
                server, chosen.scale, chosen.times, all_peers=chosen.peers == "all", folder=folder
            )
            yield from files(server, chosen.scale, chosen.times, folder=folder)
            yield from snapshots(server, chosen.rows, folder=folder)
            yield from memory(server, chosen.rows)


def main(arguments: list[str]) -> int:
    """Measures, prints, and returns 0 where every limit is kept."""
    parser = argparse.ArgumentParser(prog="bazel run //framework/benchmarks:loading --", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument(
        "--scale", type=float, default=0.2, help="TPC-H's scale: 1 is 6 million rows; default 0.2"
    )
    parser.add_argument("--times", type=int, default=3, help="how often each side is measured; default 3")
    parser.add_argument(
        "--rows",
        type=int,
        default=MILLION,
        help="rows of a snapshot, and a tenth of memory's; default 1000000",
    )
    parser.add_argument(
        "--peers", choices=["dlt", "all"], default="dlt", help="the other loaders; default dlt"
    )
    chosen = parser.parse_args(arguments)
    return 0 if report(measured(chosen), as_json=chosen.json) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
