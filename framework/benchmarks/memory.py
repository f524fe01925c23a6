"""How much memory a load takes, whatever the number of rows: the peak of a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from database import address, execute
from figure import Figure
from sqlmodel_framework import Target
from sqlmodel_framework.testing.plugin import fresh_database

__all__ = ["memory"]

_LOAD = """
import sys
from pathlib import Path
from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, DatabaseSource, Datakit, Load, Target, run_datakit

class Row(BronzeTableMixin, table=True):
    __tablename__ = "row"
    __table_args__ = {"schema": "memory"}
    id: str | None = Field(default=None, sa_type=Text)
    words: str | None = Field(default=None, sa_type=Text)
    number: str | None = Field(default=None, sa_type=Text)

source = DatabaseSource(target=Target(sys.argv[1], name="source"), table="row")
load = Load(table=Row, name="row", layer="bronze", source=source)
result = run_datakit(Datakit(name="memory", version="1.0", tables=(Row,), loads=(load,)), sys.argv[2])
# Not what getrusage says, which counts what the process was before it became this program.
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(result.loads[0].loaded, peak.split()[1])
"""


def memory(server: Target, rows: int) -> Iterator[Figure]:
    """The peak over so many rows and over ten times as many, in MiB, and the one by the other."""
    few, many = (_peak(server, number) for number in (rows, 10 * rows))
    yield Figure("memory_1m", round(few, 1), "MiB", 150)
    yield Figure("memory_10m", round(many, 1), "MiB", 150)
    yield Figure("memory_growth", round(many / few, 3), "", 1.1)


def _peak(server: Target, rows: int) -> float:
    with fresh_database(server) as source, fresh_database(server) as target:
        execute(
            source,
            "CREATE TABLE row (id bigint PRIMARY KEY, words text, number numeric(12, 2))",
            "INSERT INTO row SELECT n, md5(n::text) || ' ' || md5((-n)::text), n / 7.0 "
            f"FROM generate_series(1, {rows}) AS n",
            "ANALYZE row",
        )
        done = subprocess.run(
            [sys.executable, "-c", _LOAD, address(source), address(target)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        loaded, kibibytes = map(int, done.stdout.split())
        assert loaded == rows
        return kibibytes / 1024
