"""The whole job on the real data: every row is counted, and every imperfection has its rule."""

from pathlib import Path
from typing import Any

import pytest
from flights_datakit import datakit
from sqlmodel_framework import RunResult, Target, run_datakit

READ = {
    ("bronze", "airlines"): 16,
    ("bronze", "airports"): 1_458,
    ("bronze", "planes"): 3_322,
    ("bronze", "weather"): 26_115,
    ("bronze", "flights"): 336_776,
    ("silver", "airlines"): 16,
    ("silver", "airports"): 1_458,
    ("silver", "planes"): 3_322,
    ("silver", "weather"): 26_115,
    ("silver", "flights"): 336_776,
    ("gold", "dim_airline"): 16,
    ("gold", "dim_airport"): 1_458 + 4,
    ("gold", "dim_plane"): 3_322 + 721 + 1,
    ("gold", "dim_date"): 365,
    ("gold", "fact_flight"): 336_776,
}
REJECTED = {("silver", "weather"): 1}


def by_load(result: RunResult, attribute: str) -> dict[tuple[str, str], Any]:
    return {(load.layer, load.table): getattr(load, attribute) for load in result.loads}


def test_every_row_of_every_source_is_read(first_run: RunResult) -> None:
    assert by_load(first_run, "read") == READ


def test_what_was_read_was_accepted_or_rejected_to_the_row(first_run: RunResult) -> None:
    rejected = {key: REJECTED.get(key, 0) for key in READ}
    assert by_load(first_run, "rejected") == rejected
    assert by_load(first_run, "accepted") == {key: read - rejected[key] for key, read in READ.items()}


def test_a_first_run_loads_all_that_it_accepts(first_run: RunResult, query: Any) -> None:
    assert by_load(first_run, "loaded") == by_load(first_run, "accepted")
    for load in datakit.loads:
        (stored,) = query(f"SELECT count(*) AS rows FROM {load.full_table_name}")
        assert stored["rows"] == by_load(first_run, "loaded")[load.layer, load.name]


@pytest.mark.parametrize(
    ("load", "rule", "rows"),
    [
        (("silver", "flights"), "dest", 7_602),
        (("silver", "flights"), "tailnum", 50_094),
        (("silver", "weather"), "(origin, year, month, day, hour)", 3),
        (("gold", "fact_flight"), "dest", 7_602),
        (("gold", "fact_flight"), "tailnum", 52_606),
    ],
)
def test_an_imperfection_is_kept_by_a_declared_rule_and_counted(
    first_run: RunResult, load: tuple[str, str], rule: str, rows: int
) -> None:
    kept = by_load(first_run, "kept")[load]
    assert [count for text, count in kept.items() if text.startswith(f"{rule} ")] == [rows]


def test_flights_without_a_listed_plane_have_an_unknown_tail_number_or_none(query: Any) -> None:
    (row,) = query("""
        SELECT count(*) FILTER (WHERE tailnum IS NULL) AS none_recorded,
               count(*) FILTER (WHERE tailnum IS NOT NULL AND NOT EXISTS
                   (SELECT 1 FROM silver.planes WHERE planes.tailnum = flights.tailnum)) AS not_listed
        FROM silver.flights""")
    assert row == {"none_recorded": 2_512, "not_listed": 50_094}


def test_the_wind_that_cannot_be_is_in_quarantine_with_its_reason_and_its_values(query: Any) -> None:
    rows = query("SELECT * FROM datakit.quarantine")
    assert len(rows) == 1
    text = str(rows[0])
    assert "wind_speed" in text
    assert "1048.36058" in text
    assert "2013-02-12T08:00:00Z" in text


def test_silver_keeps_the_hour_that_comes_twice(query: Any) -> None:
    rows = query("""
        SELECT origin, count(*) AS hours FROM silver.weather
        WHERE (year, month, day, hour) = (2013, 11, 3, 1) GROUP BY origin ORDER BY origin""")
    assert rows == [{"origin": origin, "hours": 2} for origin in ("EWR", "JFK", "LGA")]


def test_gold_infers_the_airports_that_are_not_listed(query: Any) -> None:
    rows = query("SELECT faa, name FROM gold.dim_airport WHERE NOT listed ORDER BY faa")
    assert rows == [{"faa": faa, "name": None} for faa in ("BQN", "PSE", "SJU", "STT")]


def test_gold_has_real_foreign_keys(query: Any) -> None:
    rows = query("""
        SELECT count(*) AS keys FROM pg_constraint
        WHERE contype = 'f' AND conrelid = 'gold.fact_flight'::regclass""")
    assert rows == [{"keys": 5}]


def test_flights_without_weather_are_facts_all_the_same(query: Any) -> None:
    rows = query(
        "SELECT count(*) AS facts, count(precip) AS seen FROM gold.fact_flight WHERE NOT weather_known"
    )
    assert rows == [{"facts": 1_556, "seen": 0}]


def test_cancelled_flights_are_neither_late_nor_on_time(query: Any) -> None:
    rows = query("SELECT count(*) AS facts, count(late) AS judged FROM gold.fact_flight WHERE cancelled")
    assert rows == [{"facts": 8_255, "judged": 0}]


def test_every_check_ran_and_holds(first_run: RunResult) -> None:
    assert [check.name for check in first_run.checks] == [check.name for check in datakit.checks]
    assert {check.offending for check in first_run.checks} == {0}


def test_a_second_run_loads_nothing_and_changes_nothing(
    first_run: RunResult, real_target: Target, query: Any, digests: Any, tmp_path: Path
) -> None:
    before = digests(query, audit=True)
    second = run_datakit(datakit, real_target, folder=tmp_path)
    assert by_load(second, "read") == by_load(first_run, "read")
    assert by_load(second, "rejected") == by_load(first_run, "rejected")
    assert by_load(second, "kept") == by_load(first_run, "kept")
    assert set(by_load(second, "loaded").values()) == {0}
    assert digests(query, audit=True) == before
    assert first_run.report is not None
    assert second.report is not None
    assert second.report.read_bytes() == first_run.report.read_bytes()
