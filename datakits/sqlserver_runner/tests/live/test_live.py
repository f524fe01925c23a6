"""A real SQL Server, where `MSSQL_URL` names one: `mssql://user:password@host:port/database?options`.

The user makes and drops tables in the database. Whatever `MSSQL_URL` names is not reached otherwise.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlmodel_framework.errors import TargetError, TerminalError
from sqlmodel_framework.loading.extraction import ColumnWindow, Extraction
from sqlmodel_framework.targets.target import Target
from sqlserver_runner.connection import open_connection
from sqlserver_runner.reading import stream

URL = os.environ.get("MSSQL_URL", "")

pytestmark = pytest.mark.skipif(not URL, reason="MSSQL_URL names no SQL Server")

# Types and values as T-SQL writes them, and the text that they have to become.
VALUES = [
    ("bit", "1", "true"),
    ("tinyint", "255", "255"),
    ("bigint", "-9223372036854775808", "-9223372036854775808"),
    ("decimal(38,10)", "-1234567890.123456789", "-1234567890.1234567890"),
    ("money", "-1.2345", "-1.2345"),
    ("smallmoney", "0.5", "0.5000"),
    ("real", "0.1", "0.1"),
    ("float", "1e20", "1e+20"),
    ("float", "1", "1"),
    ("date", "'2024-02-29'", "2024-02-29"),
    ("time(7)", "'01:02:03.1234567'", "01:02:03.1234567"),
    ("smalldatetime", "'2024-02-29T01:02:00'", "2024-02-29 01:02:00"),
    ("datetime", "'2024-02-29T01:02:03.003'", "2024-02-29 01:02:03.003"),
    ("datetime2(7)", "'2024-02-29T01:02:03.1234567'", "2024-02-29 01:02:03.1234567"),
    ("datetime2(0)", "'0001-01-01'", "0001-01-01 00:00:00"),
    ("datetimeoffset(7)", "'2024-02-29T01:02:03.5-05:30'", "2024-02-29 06:32:03.5+00"),
    ("char(5)", "'ab'", "ab"),
    ("nchar(5)", "N'ä'", "ä"),
    ("varchar(20)", "'c  '", "c  "),
    ("nvarchar(20)", "N'€😀'", "€😀"),
    ("nvarchar(max)", "REPLICATE(CAST(N'ü' AS nvarchar(max)), 100000)", "ü" * 100_000),
    ("text", "'long ago'", "long ago"),
    ("ntext", "N'ä'", "ä"),
    ("xml", "'<a>1</a>'", "<a>1</a>"),
    ("varbinary(20)", "0x00FF", "\\x00ff"),
    (
        "varbinary(max)",
        "CAST(REPLICATE(CAST('z' AS varchar(max)), 9000) AS varbinary(max))",
        "\\x" + "7a" * 9000,
    ),
    ("uniqueidentifier", "'6F1C4A52-2F0B-4A53-9D3A-0A7E4EF3A0C1'", "6f1c4a52-2f0b-4a53-9d3a-0a7e4ef3a0c1"),
    ("hierarchyid", "'/1/'", "\\x58"),
]
NAMES = [f"c{number}" for number in range(len(VALUES))]

KIT = '''
from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, Datakit

class Raw(BronzeTableMixin, table=True):
    """Rows as the source has them."""
    __table_args__ = {"schema": "live_bronze"}
    c0: str | None = Field(default=None, sa_type=Text)
    c16: str | None = Field(default=None, sa_type=Text)

datakit = Datakit(name="live", version="1", tables=(Raw,))
'''


@pytest.fixture
def source() -> Target:
    return Target(URL, name="MSSQL_URL")


@pytest.fixture
def table(source: Target) -> Iterator[str]:
    """A table with a row of values and a row of nulls."""
    name = f"datakit_live_{uuid4().hex}"
    columns = ", ".join(f"{column} {kind} NULL" for column, (kind, _, _) in zip(NAMES, VALUES, strict=True))
    # A table cannot be changed in every way by a transaction that reads a snapshot.
    connection = open_connection(Target(URL, options={"isolation": "read_committed"}))
    try:
        connection.execute(f"CREATE TABLE dbo.{name} ({columns})")
        connection.execute(f"INSERT INTO dbo.{name} SELECT {', '.join(value for _, value, _ in VALUES)}")
        connection.execute(f"INSERT INTO dbo.{name} (c0) VALUES (NULL)")
        connection.commit()
        yield f"dbo.{name}"
    finally:
        connection.rollback()
        connection.execute(f"DROP TABLE IF EXISTS dbo.{name}")
        connection.commit()
        connection.close()


def rows_of(source: Target, extraction: Extraction) -> list[list[str]]:
    with stream(source, extraction) as file:
        return list(csv.reader(io.TextIOWrapper(file, "utf-8", newline="")))[1:]


def test_every_type_becomes_postgresqls_text(source: Target, table: str) -> None:
    rows = sorted(rows_of(source, Extraction(table=table, columns=tuple(NAMES))))
    assert rows[0] == [""] * len(NAMES)
    for name, (kind, _, expected), found in zip(NAMES, VALUES, rows[1], strict=True):
        assert found == expected, (name, kind)


@pytest.mark.parametrize("kind", ["date", "smalldatetime", "datetime", "datetime2(7)", "datetimeoffset(7)"])
@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        (datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC), 1),
        (datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC), 0),
    ],
)
def test_a_window_takes_the_rows_in_it(
    source: Target, table: str, kind: str, start: datetime, end: datetime, count: int
) -> None:
    column = NAMES[[each for each, _, _ in VALUES].index(kind)]
    window = ColumnWindow(column=column, start=start, end=end)
    assert len(rows_of(source, Extraction(table=table, columns=(column,), window=window))) == count


def test_what_is_not_there_is_named(source: Target, table: str) -> None:
    with pytest.raises(TerminalError, match="no such table: .*dbo.gone"):
        rows_of(source, Extraction(table="dbo.gone", columns=("a",)))
    with pytest.raises(TerminalError, match="no such column: .*'gone'"):
        rows_of(source, Extraction(table=table, columns=("gone",)))


def test_a_wrong_password_is_refused(source: Target) -> None:
    wrong = Target(source.url, name="erp", password="wrong-hush")
    with pytest.raises(TargetError, match="Login failed") as caught:
        open_connection(wrong)
    assert "hush" not in caught.value.message


def test_the_runner_fills_a_bronze_table(
    source: Target, table: str, datakit_target: Target, tmp_path: Path
) -> None:
    (tmp_path / "live_datakit.py").write_text(KIT)
    warehouse = datakit_target.secret_url()
    secrets = {"ERP": str(source.secret_url().password), "WAREHOUSE": str(warehouse.password or "")}

    def run(step: str, parameters: dict[str, object]) -> None:
        options = dict(source.url.query)
        spec = {
            "run_id": str(uuid4()),
            "datakit": "live_datakit",
            "step": step,
            "source": {
                "name": "erp",
                "url": source.url.set(query={}).render_as_string(),
                "options": options,
                "password_env": "ERP",
            },
            "target": {
                "url": datakit_target.url.render_as_string(),
                "password_env": "WAREHOUSE",
            },
            "parameters": parameters,
        }
        done = subprocess.run(
            [sys.executable, "-m", "sqlserver_runner", "run"],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                **secrets,
                "DATAKIT_RUN_SPEC": json.dumps(spec),
                "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
            },
        )
        assert done.returncode == 0, done.stderr
        assert secrets["ERP"] not in done.stdout + done.stderr

    run("deploy", {})
    run("extract", {"tables": {"live_bronze.raw": table}})
    assert found(datakit_target, "SELECT c0, c16 FROM live_bronze.raw ORDER BY c0") == [
        ("true", "ab"),
        (None, None),
    ]


def found(target: Target, sql: str) -> Sequence[tuple[object, ...]]:
    engine = create_engine(target.secret_url(), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]
    finally:
        engine.dispose()
