"""What changes cost on SQL Server, without a server."""

import pytest
from sqlmodel_framework.engines.sqlserver.cost import effect_of, loses, widens
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.snapshot import ColumnShape

from .nowhere import OfflineEngine, objections

REWRITES = "rewrites the table, and stops its users meanwhile"
READS = "reads the whole table, and stops its writers meanwhile"


@pytest.mark.parametrize(
    ("have", "want"),
    [
        ("int", "bigint"),
        ("bit", "tinyint"),
        ("decimal(8,2)", "decimal(12,4)"),
        ("nvarchar(5)", "nvarchar(max)"),
        ("varchar(5)", "nvarchar(5)"),
        ("varchar(max)", "nvarchar(max)"),
        ("datetime2(3)", "datetime2(7)"),
        ("real", "float"),
        ("date", "datetime2(7)"),
    ],
)
def test_a_wider_type_holds_all_and_nothing_is_counted(have: str, want: str) -> None:
    assert widens(have, want)
    assert not widens(want, have)
    assert loses("x", have, want) is None


@pytest.mark.capability("plan: losses counted and refused", engine="sqlserver", how="compiled")
@pytest.mark.parametrize(
    ("have", "want"),
    [
        ("bigint", "int"),
        ("nvarchar(9)", "nvarchar(3)"),
        ("nvarchar(max)", "int"),
        ("int", "nvarchar(3)"),
        ("datetime2(7)", "date"),
        ("uniqueidentifier", "nvarchar(36)"),
        ("nvarchar(9)", "nvarchar(9) collate Greek_CI_AS"),
        ("int", "uniqueidentifier"),
        ("varbinary(max)", "nvarchar(max)"),
    ],
)
def test_what_does_not_fit_is_counted_in_t_sql(have: str, want: str) -> None:
    engine = OfflineEngine(answer=lambda _sql: [(3,)])
    difference = Difference("column", "a]b", "shop.item", ColumnShape(have), ColumnShape(want))
    assert engine.values_that_change(difference) == 3
    (sql,) = engine.nowhere.asked
    assert sql.startswith("SELECT COUNT_BIG(*) FROM shop.item WHERE [a]]b] IS NOT NULL")
    assert objections(sql) == []


def test_of_an_unlikely_change_nothing_is_promised() -> None:
    assert loses("x", "int", "uniqueidentifier") == "x IS NOT NULL"


NUMBER = ColumnShape("int")


@pytest.mark.parametrize(
    ("difference", "effect"),
    [
        (Difference("column", "x", "t", NUMBER, None), ""),
        (Difference("column", "x", "t", None, NUMBER), ""),
        (Difference("column", "x", "t", None, ColumnShape("datetime2(7)", default="sysutcdatetime()")), ""),
        (Difference("column", "x", "t", None, ColumnShape("int", default="newid()")), REWRITES),
        (Difference("column", "x", "t", None, ColumnShape("int", identity="always")), REWRITES),
        (Difference("column", "x", "t", None, ColumnShape("", generated="(a) PERSISTED")), REWRITES),
        (Difference("column", "x", "t", None, ColumnShape("", generated="(a)")), ""),
        (Difference("column", "x", "t", NUMBER, ColumnShape("", generated="(a)")), REWRITES),
        (Difference("column", "x", "t", NUMBER, ColumnShape("bigint")), REWRITES),
        (Difference("column", "x", "t", ColumnShape("nvarchar(5)"), ColumnShape("nvarchar(6)")), ""),
        (Difference("column", "x", "t", NUMBER, ColumnShape("int", nullable=False)), READS),
        (Difference("column", "x", "t", ColumnShape("int", nullable=False), NUMBER), ""),
        (Difference("primary key", "", "t", (), ("a",)), REWRITES),
        (Difference("primary key", "", "t", ("a",), ()), ""),
        (Difference("unique", "u", "t", None, ("a",)), READS),
        (Difference("versioning", "", "t", False, True), READS),
        (Difference("comment", "", "t", None, "a"), ""),
    ],
)
def test_what_a_change_does_to_others(difference: Difference, effect: str) -> None:
    assert effect_of(difference) == effect
