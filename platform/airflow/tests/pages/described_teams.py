"""Two teams' datakits, described: flights, and one that waits for a table of theirs."""

from __future__ import annotations

from flights_datakit import datakit
from sqlmodel_framework.runs.describing import describe
from sqlmodel_framework.runs.description import DescribedLoad, DescribedTable, Description

__all__ = ["FLIGHTS", "PUNCTUALITY"]

FLIGHTS = describe(datakit)

PUNCTUALITY = Description(
    name="punctuality",
    version="1.0",
    description="Who arrives late.",
    fingerprint="0" * 64,
    tables=[DescribedTable(name="reports.late_arrivals", key=["carrier"])],
    loads=[
        DescribedLoad(
            id="reports.late_arrivals",
            name="late_arrivals",
            layer="reports",
            table="reports.late_arrivals",
            reads=["gold.fact_flight"],
            source="gold.fact_flight",
            kind="query",
        )
    ],
)
