"""What an orchestrator reads of the flights: every load, after those whose tables it reads."""

from __future__ import annotations

from flights_datakit import datakit
from sqlmodel_framework.runs.describing import describe


def test_every_load_goes_after_what_it_reads() -> None:
    described = describe(datakit)
    assert described.load_order() == [f"{load.layer}.{load.name}" for load in datakit.loads]
    assert described.outside_reads == []
    assert described.upstream_of("silver.weather") == ["bronze.weather", "silver.airports"]
    assert described.upstream_of("gold.fact_flight") == [
        "silver.airports",
        "silver.planes",
        "silver.weather",
        "silver.flights",
        "gold.dim_airline",
        "gold.dim_airport",
        "gold.dim_plane",
        "gold.dim_date",
    ]


def test_every_table_has_a_key_and_the_star_its_references() -> None:
    tables = {table.name: table for table in describe(datakit).tables}
    assert all(table.key for table in tables.values())
    assert tables["gold.fact_flight"].references == [
        "gold.dim_airline",
        "gold.dim_airport",
        "gold.dim_date",
        "gold.dim_plane",
    ]
