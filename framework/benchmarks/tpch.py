"""TPC-H's lineitem, as `tpchgen-cli` makes it, in files and in a database that is read from."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from database import connected
from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, Target
from sqlmodel_framework.testing.plugin import fresh_database

__all__ = ["COLUMNS", "KEY", "Lineitem", "filled_source", "make_file"]

COLUMNS = {
    "l_orderkey": "bigint",
    "l_partkey": "bigint",
    "l_suppkey": "bigint",
    "l_linenumber": "integer",
    "l_quantity": "numeric(15,2)",
    "l_extendedprice": "numeric(15,2)",
    "l_discount": "numeric(15,2)",
    "l_tax": "numeric(15,2)",
    "l_returnflag": "text",
    "l_linestatus": "text",
    "l_shipdate": "date",
    "l_commitdate": "date",
    "l_receiptdate": "date",
    "l_shipinstruct": "text",
    "l_shipmode": "text",
    "l_comment": "text",
}
KEY = ("l_orderkey", "l_linenumber")


def _kept_as_text() -> type[BronzeTableMixin]:
    members = {name: Field(default=None, sa_type=Text) for name in COLUMNS}
    described = {"__tablename__": "lineitem", "__table_args__": {"schema": "bronze"}, "__module__": __name__}
    annotations = {"__annotations__": dict.fromkeys(COLUMNS, str | None)}
    metaclass: Any = type(BronzeTableMixin)
    made: type[BronzeTableMixin] = metaclass(
        "Lineitem", (BronzeTableMixin,), {**members, **described, **annotations}, table=True
    )
    return made


Lineitem = _kept_as_text()
"""The table that keeps lineitem as it comes."""


def make_file(folder: Path, scale: float, form: str) -> Path:
    """Write lineitem into a folder.

    Args:
        folder: where to.
        scale: TPC-H's: 1 is six million rows.
        form: "csv" or "parquet".
    """
    subprocess.run(
        [_program(), form, "-s", str(scale), "-T", "lineitem", f"--output-dir={folder}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / f"lineitem.{form}"


def _program() -> str:
    # Beside the packages where nothing was installed, and else where programs are.
    beside = Path(str(distribution("tpchgen-cli").locate_file("bin/tpchgen-cli")))
    return str(beside if beside.exists() else Path(sysconfig.get_path("scripts"), "tpchgen-cli"))


@contextmanager
def filled_source(server: Target, scale: float) -> Iterator[Target]:
    """A database with lineitem, keyed, in its schema `public`."""
    declared = ", ".join(f"{name} {type_} NOT NULL" for name, type_ in COLUMNS.items())
    with fresh_database(server) as source, connected(source) as connection:
        folder = Path(server.name.removeprefix("PostgreSQL in ")) / "lineitem"
        folder.mkdir(exist_ok=True)
        with connection.cursor() as cursor, make_file(folder, scale, "csv").open("rb") as file:
            cursor.execute(f"CREATE TABLE lineitem ({declared}, PRIMARY KEY ({', '.join(KEY)}))")
            cursor.copy_expert("COPY lineitem FROM STDIN (FORMAT csv, HEADER)", file)
            cursor.execute("ANALYZE lineitem")
        connection.commit()
        yield source
