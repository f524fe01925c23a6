from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.loading.extraction import ColumnWindow, Extraction

Ask = Callable[..., list[tuple[object, ...]]]
EASTERN = timezone(timedelta(hours=-5))


def window(column: str) -> ColumnWindow:
    start = datetime(2024, 1, 1, tzinfo=EASTERN)
    return ColumnWindow(column=column, start=start, end=start + timedelta(days=1, microseconds=1))


def test_names_are_quoted_as_the_database_quotes_them() -> None:
    extraction = Extraction(table="Shop.it%em", columns=('a"b', "c]d`"))
    assert extraction.sql("postgresql").split("\n") == [
        'SELECT CAST("a""b" AS TEXT) AS "a""b", CAST("c]d`" AS TEXT) AS "c]d`" ',
        'FROM "Shop"."it%em"',
    ]
    assert "CAST(`c]d``` AS CHAR) AS `c]d```" in extraction.sql("mariadb")
    assert 'SELECT [a"b], [c]]d`]' in extraction.sql("mssql")


@pytest.mark.parametrize("type_", ["timestamp", "timestamptz", "date"])
def test_a_window_means_the_same_for_every_type_of_column(database: Target, ask: Ask, type_: str) -> None:
    ask(database, f"CREATE TABLE moment (id int, at {type_})")
    rows = [
        "2024-01-01 04:59:59.999999+00",
        "2024-01-01 05:00:00+00",
        "2024-01-02 00:00:00+00",
        "2024-01-02 05:00:00+00",
        "2024-01-02 05:00:00.000001+00",
    ]
    for number, moment in enumerate(rows):
        ask(
            database,
            "INSERT INTO moment SELECT :n, CAST(:at AS timestamptz) AT TIME ZONE 'UTC'",
            n=number,
            at=moment,
        )
    # A day begins at midnight, which lies before or in the window.
    expected = ["2", "3", "4"] if type_ == "date" else ["1", "2", "3"]
    sql = Extraction(table="moment", columns=("id",), window=window("at")).sql("postgresql")
    found = ask(database, f"SELECT id FROM ({sql}) AS r ORDER BY id")
    assert [row[0] for row in found] == expected


def test_sql_server_compares_moments_with_all_their_digits() -> None:
    sql = Extraction(table="t", columns=("c",), window=window("at")).sql("mssql")
    assert "WHERE at >= CAST('2024-01-01 05:00:00' AS DATETIME2(7)) AND at <" in " ".join(sql.split())


def test_values_are_text_and_what_comes_beside_them_is_not(database: Target, ask: Ask) -> None:
    ask(database, "CREATE TABLE thing (yes bool, n numeric, gone int)")
    ask(database, "INSERT INTO thing VALUES (true, 1.50, NULL)")
    extraction = Extraction(table="public.thing", columns=("yes", "n", "gone"))
    assert ask(database, extraction.sql("postgresql", also=("gone", "yes"))) == [
        ("true", "1.50", None, None, True)
    ]
    assert extraction.method == "full"
    assert Extraction(table="t", columns=("c",), window=window("at")).method == "incremental"
    assert window("at").start.astimezone(UTC).hour == 5
