"""A full snapshot that differs in a few rows, merged and kept as history, against dlt given the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from database import dlt_address, execute
from figure import Figure
from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Datakit,
    History,
    Load,
    Merge,
    ParquetSource,
    Target,
    TemporalTableMixin,
    deploy_datakit,
    run_datakit,
)
from sqlmodel_framework.testing.plugin import fresh_database
from turns import seconds

__all__ = ["snapshots"]

_SCHEMA = {"schema": "snapshots"}


class Current(SQLModel, table=True):
    """Rows as they are."""

    __tablename__ = "current"
    __table_args__ = _SCHEMA
    id: int = Field(primary_key=True, sa_type=BigInteger)
    name: str = Field(sa_type=Text)
    city: str = Field(sa_type=Text)
    amount: int = Field(sa_type=BigInteger)
    score: float


class Kept(TemporalTableMixin, table=True):
    """Rows as they are and were."""

    __tablename__ = "kept"
    __table_args__ = _SCHEMA
    id: int = Field(primary_key=True, sa_type=BigInteger)
    name: str = Field(sa_type=Text)
    city: str = Field(sa_type=Text)
    amount: int = Field(sa_type=BigInteger)
    score: float


def snapshots(server: Target, rows: int, *, folder: Path) -> Iterator[Figure]:
    """How many times as fast as dlt's our second load is, for each share of changed rows."""
    first = _write(folder / "before.parquet", rows, 0)
    for case in ("merge", "scd2"):
        for percent in (1, 10):
            second = _write(folder / f"after_{percent}.parquet", rows, percent)
            with fresh_database(server) as target:
                ours = _ours(target, case, first, second, rows * percent // 100)
            with fresh_database(server) as target:
                theirs = _dlt(
                    target, case, first, second, folder / f"dlt_{case}_{percent}", rows * percent // 100
                )
            note = f"{ours:.1f} s, dlt {theirs:.1f} s"
            yield Figure(f"{case}_{percent}pct", round(theirs / ours, 2), "", 5, "higher", note)


def _write(path: Path, rows: int, percent: int) -> Path:
    import numpy
    import pyarrow as pa
    from pyarrow import parquet

    numbers = numpy.arange(rows)
    names = [f"name of {number}" for number in range(rows)]
    cities = [f"city {number % 1000}" for number in range(rows)]
    amounts = numpy.where(numbers % 100 < percent, numbers + 1, numbers)
    columns: dict[str, Any] = {
        "id": numbers,
        "name": names,
        "city": cities,
        "amount": amounts,
        "score": numbers / 7,
    }
    parquet.write_table(pa.table(columns), path)
    return path


def _ours(target: Target, case: str, first: Path, second: Path, changed: int) -> float:
    table, mode = (Current, Merge()) if case == "merge" else (Kept, History())

    def kit(path: Path) -> Datakit:
        load = Load(table=table, name="rows", layer="silver", source=ParquetSource(path=path), mode=mode)
        return Datakit(name="snapshots", version="1.0", tables=(Current, Kept), loads=(load,))

    deploy_datakit(kit(first), target)
    run_datakit(kit(first), target, parts=["load"])
    took = seconds(lambda: run_datakit(kit(second), target, parts=["load"]))
    ((loaded,),) = execute(target, "SELECT loaded FROM datakit.load ORDER BY load_id DESC LIMIT 1")
    assert loaded == changed
    return took


def _dlt(target: Target, case: str, first: Path, second: Path, folder: Path, changed: int) -> float:
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt
    from dlt.sources.helpers.transform import add_row_hash_to_table
    from pyarrow import parquet

    # What dlt asks of a history that comes in columns.
    by_hash = {"disposition": "merge", "strategy": "scd2", "row_version_column_name": "row_hash"}
    disposition: Any = by_hash if case == "scd2" else "merge"
    pipeline = dlt.pipeline(
        pipeline_name=f"snapshots_{folder.name}",
        pipelines_dir=str(folder),
        destination=dlt.destinations.postgres(dlt_address(target)),
        dataset_name="snapshots",
    )

    def load(path: Path) -> None:
        @dlt.resource(name="rows", write_disposition=disposition, primary_key="id")
        def snapshot() -> Iterator[Any]:
            yield parquet.read_table(path)

        resource = snapshot()
        if case == "scd2":
            resource.add_map(add_row_hash_to_table("row_hash"))
        pipeline.run(resource, loader_file_format="csv")

    # With the server's small default, PostgreSQL would compare every row of the one with every row of the
    # other, and take hours.
    execute(target, f"ALTER DATABASE \"{target.url.database}\" SET work_mem = '256MB'")
    load(first)
    took = seconds(lambda: load(second))
    condition = "_dlt_valid_to IS NOT NULL" if case == "scd2" else "amount = id + 1"
    ((found,),) = execute(target, f"SELECT count(*) FROM snapshots.rows WHERE {condition}")
    assert found == changed
    return took
