"""Rows that break the contract of a table go to quarantine with the reason; all others go on."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from typing import Any, BinaryIO

import pytest
from flights_datakit import datakit
from flights_datakit.sources import opener
from sqlalchemy import create_engine
from sqlmodel_framework import CsvSource, Datakit, Load, RunResult, Target, run_datakit
from sqlmodel_framework.errors import ContractError

Row = dict[str, str]
Rows = dict[str, list[Row]]

BROKEN = [
    ("airlines", "carrier", "9"),
    ("airlines", "name", "NA"),
    ("airports", "lat", "91"),
    ("airports", "lon", "-180.5"),
    ("airports", "dst", "X"),
    ("airports", "alt", "high"),
    ("planes", "seats", "many"),
    ("planes", "engines", "0"),
    ("planes", "year", "1066"),
    ("planes", "tailnum", "N-101"),
    ("weather", "humid", "101"),
    ("weather", "wind_speed", "1048.36058"),
    ("weather", "wind_dir", "361"),
    ("weather", "visib", "NA"),
    ("weather", "precip", "-0.01"),
    ("weather", "origin", "ZZZ"),
    ("weather", "time_hour", "noon"),
    ("flights", "month", "13"),
    ("flights", "hour", "24"),
    ("flights", "minute", "60"),
    ("flights", "dep_delay", "1.5"),
    ("flights", "arr_time", "2401"),
    ("flights", "distance", "0"),
    ("flights", "flight", "NA"),
    ("flights", "carrier", "ZZ"),
    ("flights", "origin", "ZZZ"),
    ("flights", "time_hour", "2013-02-30T10:00:00Z"),
]


def read(name: str) -> Iterator[Row]:
    with opener(name)() as stream, io.TextIOWrapper(stream, "utf-8") as lines:
        yield from csv.DictReader(lines)


def one_day() -> Rows:
    """The real reference tables, and the flights and the weather of the first of January."""
    rows = {name: list(read(name)) for name in ("airlines", "airports", "planes")}
    for name in ("weather", "flights"):
        rows[name] = [row for row in read(name) if row["month"] == row["day"] == "1"]
    return rows


def as_csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def reading(rows: Rows) -> Datakit:
    """The datakit, but with these rows in place of the source files."""

    def changed(load: Load) -> Load:
        if not isinstance(load.source, CsvSource):
            return load
        content = as_csv(rows[load.name])

        def open_rows() -> BinaryIO:
            return io.BytesIO(content)

        return replace(load, source=replace(load.source, open=open_rows))

    return replace(datakit, loads=tuple(map(changed, datakit.loads)))


def break_one_row_each(rows: Rows) -> None:
    """Give each broken value a row of its own, taken from the end; no flight needs the rows that break."""
    broken = dict.fromkeys(rows, 0)
    for name, column, value in BROKEN:
        broken[name] += 1
        rows[name][-broken[name]] = rows[name][-broken[name]] | {column: value}


@pytest.fixture(scope="module")
def broken(
    new_target: Callable[[str], Target], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunResult, Any]]:
    rows = one_day()
    rows["airlines"].append({"carrier": "Q1", "name": "No such airline"})
    rows["airlines"].append({"carrier": "Q2", "name": "No such airline"})
    break_one_row_each(rows)
    rows["flights"].append(dict(rows["flights"][0]))
    target = new_target("broken")
    result = run_datakit(reading(rows), target, folder=tmp_path_factory.mktemp("broken"))
    engine = create_engine(target.secret_url())
    yield result, engine
    engine.dispose()


def test_each_broken_value_puts_its_row_in_quarantine_with_the_column_in_the_reason(
    broken: tuple[RunResult, Any], rows_of: Any
) -> None:
    rows = rows_of(broken[1], "SELECT table_name, reasons, row_values FROM datakit.quarantine")
    for name, column, value in BROKEN:
        offered = None if value == "NA" else value
        found = [
            row["reasons"]
            for row in rows
            if row["table_name"] == f"silver.{name}" and row["row_values"][column] == offered
        ]
        assert len(found) == 1, (name, column, value)
        assert any(column in reason for reason in found[0]), (name, column, value, found)


def test_two_rows_of_one_key_are_both_in_quarantine(broken: tuple[RunResult, Any], rows_of: Any) -> None:
    rows = rows_of(
        broken[1],
        """SELECT row_values FROM datakit.quarantine
           WHERE table_name = 'silver.flights' AND reasons::text LIKE '%key%'""",
    )
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_no_row_is_lost_and_none_is_counted_twice(broken: tuple[RunResult, Any], rows_of: Any) -> None:
    result, engine = broken
    expected = {name: sum(one == name for one, _, _ in BROKEN) for name in ("airlines", "airports", "planes")}
    expected["weather"] = sum(name == "weather" for name, _, _ in BROKEN)
    expected["flights"] = sum(name == "flights" for name, _, _ in BROKEN) + 2
    for load in result.loads:
        assert load.read == load.accepted + load.rejected
        assert load.rejected == (expected[load.table] if load.layer == "silver" else 0)
        assert load.loaded == load.accepted
    (quarantined,) = rows_of(engine, "SELECT count(*) AS rows FROM datakit.quarantine")
    assert quarantined["rows"] == sum(expected.values())


def test_the_rows_that_keep_the_contract_reach_gold(broken: tuple[RunResult, Any], rows_of: Any) -> None:
    (row,) = rows_of(
        broken[1],
        """SELECT (SELECT count(*) FROM silver.flights) AS flights,
                  (SELECT count(*) FROM gold.fact_flight) AS facts""",
    )
    whole_day = len(one_day()["flights"])
    assert row["flights"] == row["facts"] == whole_day - 1 - sum(name == "flights" for name, _, _ in BROKEN)


def test_the_report_names_every_reason(broken: tuple[RunResult, Any]) -> None:
    result = broken[0]
    assert result.report is not None
    text = unescape(result.report.read_text(encoding="utf-8"))
    for load in result.loads:
        for reason in load.reasons:
            assert reason in text


def test_values_that_disagree_fail_a_check_by_its_name(new_target: Callable[[str], Target]) -> None:
    rows = one_day()
    rows["flights"][0] |= {"dep_time": "1275"}
    with pytest.raises(ContractError, match="'clock times have minutes below 60' found 1 "):
        run_datakit(reading(rows), new_target("no_time"))


def test_an_airport_that_is_listed_later_is_no_longer_inferred(
    new_target: Callable[[str], Target], rows_of: Any
) -> None:
    rows = one_day()
    miami = [row for row in rows["airports"] if row["faa"] == "MIA"]
    rows["airports"] = [row for row in rows["airports"] if row["faa"] != "MIA"]
    target = new_target("miami")
    first = run_datakit(reading(rows), target)
    engine = create_engine(target.secret_url())

    def airport() -> dict[str, Any]:
        found: list[dict[str, Any]]
        found = rows_of(engine, "SELECT name, listed FROM gold.dim_airport WHERE faa = 'MIA'")
        assert len(found) == 1
        return found[0]

    assert airport() == {"name": None, "listed": False}
    rows["airports"] += miami
    second = run_datakit(reading(rows), target)
    assert airport() == {"name": "Miami Intl", "listed": True}
    loaded = {(load.layer, load.table): load.loaded for load in second.loads if load.loaded}
    assert loaded == {("bronze", "airports"): 1, ("silver", "airports"): 1, ("gold", "dim_airport"): 1}

    def unlisted(result: RunResult) -> int:
        (flights,) = (load for load in result.loads if (load.layer, load.table) == ("silver", "flights"))
        return next(count for rule, count in flights.kept.items() if rule.startswith("dest "))

    assert unlisted(first) - unlisted(second) == sum(row["dest"] == "MIA" for row in rows["flights"])
    engine.dispose()
