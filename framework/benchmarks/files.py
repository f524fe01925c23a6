"""Files appended to a typed table, against COPY of the equivalent CSV into an equal one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from database import connected, execute
from figure import Figure
from sqlalchemy import BigInteger, Numeric, Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Append,
    CsvSource,
    Datakit,
    Load,
    ParquetSource,
    Target,
    deploy_datakit,
    run_datakit,
)
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.testing.plugin import fresh_database
from tpch import make_file
from turns import seconds, smallest

__all__ = ["files"]

_PRICE = Numeric(15, 2)


class Line(SQLModel, table=True):
    """Lineitem, typed and keyed."""

    __tablename__ = "line"
    __table_args__ = {"schema": "files"}
    l_orderkey: int = Field(primary_key=True, sa_type=BigInteger)
    l_partkey: int = Field(sa_type=BigInteger)
    l_suppkey: int = Field(sa_type=BigInteger)
    l_linenumber: int = Field(primary_key=True)
    l_quantity: Decimal = Field(sa_type=_PRICE)
    l_extendedprice: Decimal = Field(sa_type=_PRICE)
    l_discount: Decimal = Field(sa_type=_PRICE)
    l_tax: Decimal = Field(sa_type=_PRICE)
    l_returnflag: str = Field(sa_type=Text)
    l_linestatus: str = Field(sa_type=Text)
    l_shipdate: date
    l_commitdate: date
    l_receiptdate: date
    l_shipinstruct: str = Field(sa_type=Text)
    l_shipmode: str = Field(sa_type=Text)
    l_comment: str = Field(sa_type=Text)


def files(server: Target, scale: float, times: int, *, folder: Path) -> Iterator[Figure]:
    """Rows per second of our append by those of COPY, both into an empty table."""
    csv, parquet = (make_file(folder, scale, form) for form in ("csv", "parquet"))
    with fresh_database(server) as target:
        deploy_datakit(_kit(CsvSource(open=lambda: csv.open("rb"), name="x")), target)

        def copy() -> float:
            execute(target, "TRUNCATE files.line")
            return seconds(lambda: _copy(target, csv))

        def ours(source: OutsideSource) -> float:
            execute(target, "TRUNCATE files.line")
            return seconds(lambda: run_datakit(_kit(source), target, parts=["load"]))

        by_hand, of_csv, of_parquet = smallest(
            times,
            copy,
            lambda: ours(CsvSource(open=lambda: csv.open("rb"), name="lineitem.csv")),
            lambda: ours(ParquetSource(path=parquet)),
        )
        ((rows,),) = execute(target, "SELECT count(*) FROM files.line")
    yield Figure("csv", round(by_hand / of_csv, 2), "", 0.8, "higher", f"{rows / of_csv:,.0f} rows/s")
    yield Figure(
        "parquet", round(by_hand / of_parquet, 2), "", 0.8, "higher", f"{rows / of_parquet:,.0f} rows/s"
    )


def _kit(source: OutsideSource) -> Datakit:
    load = Load(table=Line, name="line", layer="silver", source=source, mode=Append(), contract="enforce")
    return Datakit(name="files", version="1.0", tables=(Line,), loads=(load,))


def _copy(target: Target, path: Path) -> None:
    with connected(target) as connection, connection.cursor() as cursor, path.open("rb") as file:
        cursor.copy_expert("COPY files.line FROM STDIN (FORMAT csv, HEADER)", file, size=1 << 18)
        connection.commit()
