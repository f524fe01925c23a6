"""Types in the words of the catalog."""

from typing import Any

import pytest
from sqlalchemy import Column, Enum, LargeBinary, String, Text, Unicode
from sqlalchemy.dialects import mssql
from sqlmodel_framework.engines.sqlserver.types import (
    declared_type,
    formatted_type,
    is_text,
    only_grows,
    reported_type,
)

from .nowhere import DIALECT


@pytest.mark.parametrize(
    ("compiled", "name"),
    [
        ("NUMERIC(10, 2)", "decimal(10,2)"),
        ("DECIMAL(5)", "decimal(5,0)"),
        ("NUMERIC", "decimal(18,0)"),
        ("INTEGER", "int"),
        ("DOUBLE PRECISION", "float"),
        ("FLOAT(24)", "real"),
        ("FLOAT(53)", "float"),
        ("DATETIME2", "datetime2(7)"),
        ("DATETIMEOFFSET(3)", "datetimeoffset(3)"),
        ("TIME", "time(7)"),
        ("NVARCHAR(max)", "nvarchar(max)"),
        ("VARCHAR(5) COLLATE Latin1_General_100_BIN2", "varchar(5)"),
        ("VARCHAR(5) COLLATE Greek_CI_AS", "varchar(5) collate Greek_CI_AS"),
        ("CHAR", "char(1)"),
        ("geography", "geography"),
    ],
)
def test_one_name_for_a_type(compiled: str, name: str) -> None:
    assert formatted_type(compiled) == name
    assert formatted_type(name) == name


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        (String(4000), "nvarchar(4000)"),
        (String(4001), "nvarchar(max)"),
        (Unicode(3), "nvarchar(3)"),
        (Text(), "nvarchar(max)"),
        (String(3, collation="Greek_CI_AS"), "nvarchar(3) collate Greek_CI_AS"),
        (Enum("a", "bcd", name="e"), "nvarchar(3)"),
        (LargeBinary(5), "varbinary(5)"),
        (mssql.VARCHAR(3), "varchar(3)"),
        (mssql.NVARCHAR(3), "nvarchar(3)"),
        (mssql.DATETIME(), "datetime"),
        (mssql.SMALLMONEY(), "smallmoney"),
        (mssql.XML(), "xml"),
    ],
)
def test_a_declared_type(type_: Any, name: str) -> None:
    assert declared_type(Column("x", type_), DIALECT) == name


@pytest.mark.parametrize(
    ("name", "length", "precision", "scale", "collation", "schema", "told"),
    [
        ("nvarchar", 20, 0, 0, "Latin1_General_100_BIN2", None, "nvarchar(10)"),
        ("nvarchar", -1, 0, 0, "Greek_CI_AS", None, "nvarchar(max) collate Greek_CI_AS"),
        ("varchar", 20, 0, 0, None, None, "varchar(20)"),
        ("numeric", 9, 12, 3, None, None, "decimal(12,3)"),
        ("datetime2", 8, 27, 7, None, None, "datetime2(7)"),
        ("time", 5, 16, 0, None, None, "time(0)"),
        ("int", 4, 10, 0, None, None, "int"),
        ("uniqueidentifier", 16, 0, 0, None, None, "uniqueidentifier"),
        ("phone", 20, 0, 0, "Greek_CI_AS", "dbo", "dbo.phone"),
    ],
)
def test_a_reported_type(
    name: str, length: int, precision: int, scale: int, collation: str | None, schema: str | None, told: str
) -> None:
    assert told == reported_type(
        name, max_length=length, precision=precision, scale=scale, collation=collation, schema=schema
    )


def test_only_text_has_a_collation() -> None:
    assert is_text("nvarchar(5)")
    assert is_text("varchar(max) collate Greek_CI_AS")
    assert not is_text("varbinary(5)")


@pytest.mark.parametrize(
    ("have", "want", "grows"),
    [
        ("nvarchar(5)", "nvarchar(6)", True),
        ("nvarchar(5)", "nvarchar(max)", True),
        ("nvarchar(max)", "nvarchar(5)", False),
        ("nvarchar(5)", "nvarchar(4)", False),
        ("nvarchar(5)", "nvarchar(6) collate Greek_CI_AS", False),
        ("char(5)", "char(6)", False),
        ("varchar(5)", "nvarchar(6)", False),
        ("int", "bigint", False),
    ],
)
def test_what_only_gets_more_room(have: str, want: str, grows: bool) -> None:
    assert only_grows(have, want) is grows
