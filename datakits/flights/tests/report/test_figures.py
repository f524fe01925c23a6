"""Gold and the report give the figures that plain Python finds in the source files."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from flights_datakit.report.figures import Figures, collect
from flights_datakit.sources import opener

Row = dict[str, str]


def read(name: str) -> Iterator[Row]:
    with opener(name)() as stream, io.TextIOWrapper(stream, "utf-8") as lines:
        yield from csv.DictReader(lines)


@pytest.fixture(scope="module")
def flights() -> list[Row]:
    return list(read("flights"))


@pytest.fixture(scope="module")
def figures(query: Any) -> Figures:
    return collect(query)


def arrived(row: Row) -> bool:
    return row["arr_delay"] != "NA"


def late(row: Row) -> bool:
    return arrived(row) and int(row["arr_delay"]) >= 15


def test_the_totals(flights: list[Row], figures: Figures) -> None:
    totals = figures.totals
    delays = sorted(int(row["arr_delay"]) for row in flights if arrived(row))
    assert totals.flights == len(flights)
    assert totals.arrived == len(delays)
    assert totals.late == sum(delay >= 15 for delay in delays)
    assert totals.cancelled == sum(row["dep_time"] == "NA" for row in flights)
    assert totals.lost == len(flights) - totals.arrived - totals.cancelled
    assert totals.mean_delay == pytest.approx(sum(delays) / len(delays))
    assert totals.median_delay == delays[len(delays) // 2]


def test_late_arrivals_by_hour(flights: list[Row], figures: Figures) -> None:
    every = Counter(int(row["hour"]) for row in flights if arrived(row))
    some = Counter(int(row["hour"]) for row in flights if late(row))
    found = {hour.hour: (hour.arrived, hour.late) for hour in figures.hours if hour.arrived}
    assert found == {hour: (every[hour], some[hour]) for hour in every}


def test_late_and_cancelled_flights_by_airline(flights: list[Row], figures: Figures) -> None:
    every = Counter(row["carrier"] for row in flights if arrived(row))
    some = Counter(row["carrier"] for row in flights if late(row))
    none = Counter(row["carrier"] for row in flights if row["dep_time"] == "NA")
    names = {row["carrier"]: row["name"] for row in read("airlines")}
    found = {one.carrier: (one.name, one.arrived, one.late, one.cancelled) for one in figures.carriers}
    assert found == {code: (names[code], every[code], some[code], none[code]) for code in names}


def test_the_latest_and_the_most_punctual_route(flights: list[Row], figures: Figures) -> None:
    every = Counter((row["origin"], row["dest"]) for row in flights if arrived(row))
    some = Counter((row["origin"], row["dest"]) for row in flights if late(row))
    shares = sorted((some[route] / count, route) for route, count in every.items() if count >= 365)
    ranked = figures.ranked_routes
    assert len(ranked) == len(shares)
    assert (ranked[0].late_share, (ranked[0].origin, ranked[0].dest)) == shares[-1]
    assert (ranked[-1].late_share, (ranked[-1].origin, ranked[-1].dest)) == shares[0]


def test_late_arrivals_in_precipitation_beside_the_same_hours_in_fair_weather(
    flights: list[Row], figures: Figures
) -> None:
    weather = {(row["origin"], row["time_hour"]): row for row in read("weather")}

    def seen(row: Row) -> Row | None:
        return weather.get((row["origin"], row["time_hour"]))

    def fair(row: Row) -> bool:
        sky = seen(row)
        return (
            sky is not None
            and float(sky["precip"]) == 0
            and float(sky["visib"]) >= 10
            and sky["wind_speed"] != "NA"
            and float(sky["wind_speed"]) < 15
        )

    def wet(row: Row) -> bool:
        sky = seen(row)
        return sky is not None and float(sky["precip"]) > 0

    def place(row: Row) -> tuple[str, str]:
        return row["origin"], row["hour"]

    every = Counter(place(row) for row in flights if arrived(row) and fair(row))
    some = Counter(place(row) for row in flights if late(row) and fair(row))
    rain = [row for row in flights if arrived(row) and wet(row)]
    assert figures.wet.arrived == len(rain)
    assert figures.wet.late == sum(map(late, rain))
    assert figures.wet.expected == pytest.approx(sum(some[place(row)] / every[place(row)] for row in rain))
    assert figures.fair.arrived == sum(every.values())
    assert figures.fair.late == sum(some.values())


def test_gaps(flights: list[Row], figures: Figures) -> None:
    airports = {row["faa"] for row in read("airports")}
    planes = {row["tailnum"] for row in read("planes")}
    hours = {(row["origin"], row["time_hour"]) for row in read("weather")}
    gaps = figures.gaps
    assert gaps.unlisted_destination == sum(row["dest"] not in airports for row in flights)
    assert gaps.unlisted_plane == sum(row["tailnum"] not in planes for row in flights)
    assert gaps.no_tail_number == sum(row["tailnum"] == "NA" for row in flights)
    assert gaps.no_weather == sum((row["origin"], row["time_hour"]) not in hours for row in flights)
