"""Other loaders, each moving lineitem from PostgreSQL to `peer.lineitem` in another, as its manual says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from database import address, dlt_address
from sqlmodel_framework import Target

__all__ = ["PEERS"]

Peer = Callable[[Target, Target, Path], None]
"""Moves the rows: the database to read from, that to write to, and a folder to work in."""

_ROWS_AT_ONCE = 50_000


def _dlt(source: Target, target: Target, folder: Path, backend: Literal["pyarrow", "sqlalchemy"]) -> None:
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt
    from dlt.sources.sql_database import sql_table

    pipeline = dlt.pipeline(
        pipeline_name=f"peer_{backend}",
        pipelines_dir=str(folder / f"dlt_{backend}"),
        destination=dlt.destinations.postgres(dlt_address(target)),
        dataset_name="peer",
    )
    rows = sql_table(
        credentials=_spoken(source),
        table="lineitem",
        backend=backend,
        chunk_size=_ROWS_AT_ONCE,
    )
    pipeline.run(rows, loader_file_format="csv", write_disposition="append")


def _spoken(target: Target) -> str:
    """The URL as SQLAlchemy takes it."""
    return address(target).replace("postgresql:", "postgresql+psycopg2:", 1)


def dlt_arrow(source: Target, target: Target, folder: Path) -> None:
    """The fastest of dlt's ways: Arrow in, CSV by COPY out."""
    _dlt(source, target, folder, "pyarrow")


def dlt_rows(source: Target, target: Target, folder: Path) -> None:
    """How dlt goes by itself: rows of SQLAlchemy."""
    _dlt(source, target, folder, "sqlalchemy")


def adbc(source: Target, target: Target, _folder: Path) -> None:
    """ADBC: record batches from one connection, ingested by the other."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(address(source)) as sender, dbapi.connect(address(target)) as receiver:
        with sender.cursor() as reading, receiver.cursor() as writing:
            writing.execute("CREATE SCHEMA peer")
            reading.execute("SELECT * FROM lineitem")
            writing.adbc_ingest(
                "lineitem", reading.fetch_record_batch(), mode="create", db_schema_name="peer"
            )
        receiver.commit()


def pandas_frames(source: Target, target: Target, _folder: Path) -> None:
    """pandas: `read_sql` in chunks, `to_sql` with many rows a statement."""
    import pandas
    from sqlalchemy import create_engine, text

    sender, receiver = create_engine(_spoken(source)), create_engine(_spoken(target))
    with receiver.begin() as connection:
        connection.execute(text("CREATE SCHEMA peer"))
    with sender.connect().execution_options(stream_results=True) as connection:
        for frame in pandas.read_sql("SELECT * FROM lineitem", connection, chunksize=_ROWS_AT_ONCE):
            frame.to_sql(
                "lineitem",
                receiver,
                schema="peer",
                if_exists="append",
                index=False,
                method="multi",
                chunksize=1000,
            )
    sender.dispose()
    receiver.dispose()


PEERS: dict[str, Peer] = {"dlt": dlt_arrow, "adbc": adbc, "dlt_rows": dlt_rows, "pandas": pandas_frames}
