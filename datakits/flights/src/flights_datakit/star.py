"""How the star is made: one select for each gold table."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import Date, DateTime, Integer, Select, cast, extract, func, select, union
from sqlalchemy.sql.elements import ColumnElement, SQLColumnExpression
from sqlmodel import col

from flights_datakit.gold import UNKNOWN_PLANE
from flights_datakit.silver import SilverAirline, SilverAirport, SilverFlight, SilverPlane, SilverWeather

Rows: TypeAlias = "Select[*tuple[Any, ...]]"

TIME_ZONE = "America/New_York"
LATE_FROM_MINUTES = 15
FAIR_VISIBILITY_MILES = 10
FAIR_WIND_BELOW_MPH = 15


def airlines() -> Rows:
    """Return the rows of ``dim_airline``."""
    return select(col(SilverAirline.carrier), col(SilverAirline.name))


def airports() -> Rows:
    """Return the rows of ``dim_airport``: the listed ones, and one for each other code on a flight."""
    used = union(select(col(SilverFlight.origin).label("faa")), select(col(SilverFlight.dest))).subquery()
    every = union(select(col(SilverAirport.faa).label("faa")), select(used.c.faa)).subquery()
    return select(
        every.c.faa,
        col(SilverAirport.name),
        col(SilverAirport.lat),
        col(SilverAirport.lon),
        col(SilverAirport.alt),
        col(SilverAirport.tzone),
        col(SilverAirport.faa).is_not(None).label("listed"),
    ).outerjoin_from(every, SilverAirport, col(SilverAirport.faa) == every.c.faa)


def tail_number() -> ColumnElement[str]:
    """Return the plane of a flight: its tail number, or the member that stands for "none recorded"."""
    return func.coalesce(col(SilverFlight.tailnum), UNKNOWN_PLANE)


def planes() -> Rows:
    """Return the rows of ``dim_plane``: the listed ones, and one for each other plane that flew."""
    every = union(
        select(col(SilverPlane.tailnum).label("tailnum")), select(tail_number().label("tailnum"))
    ).subquery()
    return select(
        every.c.tailnum,
        col(SilverPlane.year),
        col(SilverPlane.type),
        col(SilverPlane.manufacturer),
        col(SilverPlane.model),
        col(SilverPlane.engines),
        col(SilverPlane.seats),
        col(SilverPlane.engine),
        col(SilverPlane.tailnum).is_not(None).label("listed"),
    ).outerjoin_from(every, SilverPlane, col(SilverPlane.tailnum) == every.c.tailnum)


def new_york(moment: SQLColumnExpression[datetime]) -> ColumnElement[datetime]:
    """Return a moment as the clocks of New York show it."""
    return func.timezone(TIME_ZONE, moment, type_=DateTime)


def flight_date() -> ColumnElement[date]:
    """Return the local day on which a flight is scheduled to leave."""
    return cast(new_york(col(SilverFlight.time_hour)), Date)


def dates() -> Rows:
    """Return the rows of ``dim_date``: each day from the first flight to the last."""
    span = select(
        func.generate_series(
            func.min(flight_date()), func.max(flight_date()), func.make_interval(0, 0, 0, 1)
        ).label("moment")
    ).subquery()
    day = cast(span.c.moment, Date)

    def part(name: str) -> ColumnElement[int]:
        return cast(extract(name, day), Integer)

    return select(
        day.label("day_date"),
        part("year").label("year"),
        part("quarter").label("quarter"),
        part("month").label("month"),
        part("day").label("day"),
        part("isodow").label("weekday"),
        (part("isodow") >= 6).label("weekend"),
    )


def flights() -> Rows:
    """Return the rows of ``fact_flight``: every flight once, with the weather of its origin and hour."""
    weather_known = col(SilverWeather.origin).is_not(None)
    fair = (
        (col(SilverWeather.precip) == 0)
        & (col(SilverWeather.visib) >= FAIR_VISIBILITY_MILES)
        & (col(SilverWeather.wind_speed) < FAIR_WIND_BELOW_MPH)
    )
    return select(
        col(SilverFlight.time_hour),
        col(SilverFlight.carrier),
        col(SilverFlight.flight),
        flight_date().label("flight_date"),
        col(SilverFlight.hour).label("departure_hour"),
        col(SilverFlight.origin),
        col(SilverFlight.dest),
        tail_number().label("tailnum"),
        col(SilverFlight.distance),
        col(SilverFlight.dep_delay),
        col(SilverFlight.arr_delay),
        col(SilverFlight.air_time),
        col(SilverFlight.dep_time).is_(None).label("cancelled"),
        (col(SilverFlight.arr_delay) >= LATE_FROM_MINUTES).label("late"),
        weather_known.label("weather_known"),
        col(SilverWeather.temp),
        col(SilverWeather.humid),
        col(SilverWeather.wind_speed),
        col(SilverWeather.wind_gust),
        col(SilverWeather.precip),
        col(SilverWeather.pressure),
        col(SilverWeather.visib),
        fair.label("fair_weather"),
    ).outerjoin_from(
        SilverFlight,
        SilverWeather,
        (col(SilverWeather.origin) == col(SilverFlight.origin))
        & (col(SilverWeather.time_hour) == col(SilverFlight.time_hour)),
    )
