"""What must hold after the loads: each query counts the rows that break it."""

from typing import Any

from sqlalchemy import Integer, Select, and_, cast, extract, func, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col
from sqlmodel_framework import Check

from flights_datakit.gold import DimAirline, DimAirport, DimDate, DimPlane, FactFlight
from flights_datakit.silver import SilverFlight, SilverWeather
from flights_datakit.star import new_york

MINUTES_A_DAY = 24 * 60
LOCAL_PARTS = ("year", "month", "day", "hour")


def _count(model: type[Any], condition: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(model).where(condition)


def _facts_without(key: Any, reference: Any) -> Select[Any]:
    member = select(1).where(col(key) == col(reference)).correlate(FactFlight).exists()
    return _count(FactFlight, ~member)


def _no_match(model: type[Any], other: type[Any]) -> Select[Any]:
    same = and_(
        col(FactFlight.time_hour) == col(SilverFlight.time_hour),
        col(FactFlight.carrier) == col(SilverFlight.carrier),
        col(FactFlight.flight) == col(SilverFlight.flight),
    )
    return _count(model, ~select(1).select_from(other).where(same).correlate(model).exists())


def _local_time_disagrees(model: Any) -> Select[Any]:
    local = new_york(col(model.time_hour))
    return _count(
        model,
        or_(*(cast(extract(part, local), Integer) != col(getattr(model, part)) for part in LOCAL_PARTS)),
    )


def _minute_of_day(clock: Any) -> ColumnElement[int]:
    """Return the minute of the day of a column of times written HHMM."""
    hours: ColumnElement[int] = cast(func.div(col(clock), 100), Integer)
    return hours * 60 + col(clock) % 100


def _delay_disagrees(actual: Any, scheduled: Any, delay: Any) -> Select[Any]:
    difference = _minute_of_day(actual) - _minute_of_day(scheduled) - col(delay)
    return _count(SilverFlight, difference % MINUTES_A_DAY != 0)


CHECKS = (
    Check(
        name="every flight of silver is a fact",
        statement=_no_match(SilverFlight, FactFlight),
        because="a flight that got lost on the way to gold makes every share wrong",
    ),
    Check(
        name="every fact is a flight of silver",
        statement=_no_match(FactFlight, SilverFlight),
        because="the join with the weather must add no flight, and no old one may stay behind",
    ),
    Check(
        name="every fact has its airline",
        statement=_facts_without(DimAirline.carrier, FactFlight.carrier),
        because="a share by carrier must count every flight",
    ),
    Check(
        name="every fact has its origin",
        statement=_facts_without(DimAirport.faa, FactFlight.origin),
        because="a share by route must count every flight",
    ),
    Check(
        name="every fact has its destination",
        statement=_facts_without(DimAirport.faa, FactFlight.dest),
        because="a destination that no list knows must have become an inferred member",
    ),
    Check(
        name="every fact has its plane",
        statement=_facts_without(DimPlane.tailnum, FactFlight.tailnum),
        because="a plane that no list knows must have become an inferred member",
    ),
    Check(
        name="every fact has its date",
        statement=_facts_without(DimDate.day_date, FactFlight.flight_date),
        because="a share by day must count every flight",
    ),
    Check(
        name="no fact is both cancelled and arrived",
        statement=_count(FactFlight, and_(col(FactFlight.cancelled), col(FactFlight.late).is_not(None))),
        because="a cancelled flight has no arrival delay and stays out of the averages",
    ),
    Check(
        name="clock times have minutes below 60",
        statement=_count(
            SilverFlight,
            or_(
                *(
                    col(clock) % 100 >= 60
                    for clock in (
                        SilverFlight.dep_time,
                        SilverFlight.sched_dep_time,
                        SilverFlight.arr_time,
                        SilverFlight.sched_arr_time,
                    )
                )
            ),
        ),
        because="times are written HHMM: 1275 would be in bounds as a number, but is no time",
    ),
    Check(
        name="scheduled departure is its hour and minute",
        statement=_count(
            SilverFlight,
            col(SilverFlight.sched_dep_time) != col(SilverFlight.hour) * 100 + col(SilverFlight.minute),
        ),
        because="shares by hour use the hour, the delay counts from the time: they must be the same moment",
    ),
    Check(
        name="departure delay is departure minus schedule",
        statement=_delay_disagrees(
            SilverFlight.dep_time, SilverFlight.sched_dep_time, SilverFlight.dep_delay
        ),
        because="the delay is given beside the two times that it comes from; days apart do not matter",
    ),
    Check(
        name="arrival delay is arrival minus schedule",
        statement=_delay_disagrees(
            SilverFlight.arr_time, SilverFlight.sched_arr_time, SilverFlight.arr_delay
        ),
        because="the delay is given beside the two times that it comes from; days apart do not matter",
    ),
    Check(
        name="flight hours in UTC and in New York agree",
        statement=_local_time_disagrees(SilverFlight),
        because="flights meet the weather by the hour in UTC, and are grouped by the local hour",
    ),
    Check(
        name="weather hours in UTC and in New York agree",
        statement=_local_time_disagrees(SilverWeather),
        because="flights meet the weather by the hour in UTC, and are grouped by the local hour",
    ),
)
