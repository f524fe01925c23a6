"""Silver: the same five tables typed, bounded and keyed.

Bounds follow the documented meaning of a column. Where a measure has no documented range, the bound is what
nothing real has passed: no wind above 253 mph was ever measured, so a row that claims one is a broken row.
"""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import DateTime, String
from sqlmodel import Field
from sqlmodel_framework import ReferenceTableMixin, TransactionalTableMixin

# SQLModel hands `schema_extra` to pydantic; its own `regex` argument does not get there.
CARRIER_CODE: dict[str, Any] = {"pattern": r"^[A-Z0-9]{2}$"}
AIRPORT_CODE: dict[str, Any] = {"pattern": r"^[A-Z0-9]{3,4}$"}
TAIL_NUMBER: dict[str, Any] = {"pattern": r"^[A-Z0-9]{3,6}$"}

SCHEMA = {"schema": "silver"}
UTC_HOUR = DateTime(timezone=True)


class SilverAirline(ReferenceTableMixin, table=True):
    """An airline; key: its two-character carrier code."""

    __tablename__ = "airlines"
    __table_args__ = SCHEMA

    carrier: str = Field(primary_key=True, schema_extra=CARRIER_CODE)
    name: str = Field(max_length=100)


class SilverAirport(ReferenceTableMixin, table=True):
    """An airport; key: its FAA code.

    Latitude and longitude in degrees, altitude in feet, tz in hours from UTC.
    """

    __tablename__ = "airports"
    __table_args__ = SCHEMA

    faa: str = Field(primary_key=True, schema_extra=AIRPORT_CODE)
    name: str = Field(max_length=100)
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    alt: int = Field(ge=-1_500, le=30_000)
    tz: float = Field(ge=-12, le=14)
    dst: Literal["A", "N", "U"] = Field(sa_type=String)
    tzone: str | None = Field(default=None, max_length=64)


class SilverPlane(ReferenceTableMixin, table=True):
    """A plane; key: its tail number. Year of manufacture; cruising speed in mph."""

    __tablename__ = "planes"
    __table_args__ = SCHEMA

    tailnum: str = Field(primary_key=True, schema_extra=TAIL_NUMBER)
    year: int | None = Field(default=None, ge=1903, le=2100)
    type: str = Field(max_length=50)
    manufacturer: str = Field(max_length=100)
    model: str = Field(max_length=50)
    engines: int = Field(ge=1, le=12)
    seats: int = Field(ge=1, le=1_000)
    speed: int | None = Field(default=None, gt=0, le=2_500)
    engine: str = Field(max_length=50)


class SilverWeather(TransactionalTableMixin, table=True):
    """The weather of one hour at one airport; key: the airport and the hour in UTC.

    Year to hour are New York time. Temperature and dew point in degrees Fahrenheit, humidity in per cent,
    wind direction in degrees, speed and gust in mph, precipitation in inches, pressure in millibars,
    visibility in miles.
    """

    __tablename__ = "weather"
    __table_args__ = SCHEMA

    origin: str = Field(primary_key=True, schema_extra=AIRPORT_CODE)
    time_hour: datetime = Field(primary_key=True, sa_type=UTC_HOUR)
    year: int = Field(ge=1900, le=2100)
    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    hour: int = Field(ge=0, le=23)
    temp: float | None = Field(default=None, ge=-130, le=135)
    dewp: float | None = Field(default=None, ge=-130, le=100)
    humid: float | None = Field(default=None, ge=0, le=100)
    wind_dir: int | None = Field(default=None, ge=0, le=360)
    wind_speed: float | None = Field(default=None, ge=0, le=253)
    wind_gust: float | None = Field(default=None, ge=0, le=253)
    precip: float = Field(ge=0, le=15)
    pressure: float | None = Field(default=None, ge=850, le=1_090)
    visib: float = Field(ge=0, le=100)


class SilverFlight(TransactionalTableMixin, table=True):
    """A scheduled flight; key: its scheduled hour in UTC, its carrier and its number.

    Clock times are local, written HHMM, and midnight may be 2400. Delays and air time in minutes, early is
    negative. Distance in miles. A flight that never left has no departure time.
    """

    __tablename__ = "flights"
    __table_args__ = SCHEMA

    time_hour: datetime = Field(primary_key=True, sa_type=UTC_HOUR)
    carrier: str = Field(primary_key=True, schema_extra=CARRIER_CODE)
    flight: int = Field(primary_key=True, ge=1, le=9_999)
    year: int = Field(ge=1987, le=2100)
    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    dep_time: int | None = Field(default=None, ge=0, le=2_400)
    sched_dep_time: int = Field(ge=0, le=2_400)
    dep_delay: int | None = Field(default=None, ge=-1_440, le=2_880)
    arr_time: int | None = Field(default=None, ge=0, le=2_400)
    sched_arr_time: int = Field(ge=0, le=2_400)
    arr_delay: int | None = Field(default=None, ge=-1_440, le=2_880)
    tailnum: str | None = Field(default=None, schema_extra=TAIL_NUMBER)
    origin: str = Field(schema_extra=AIRPORT_CODE)
    dest: str = Field(schema_extra=AIRPORT_CODE)
    air_time: int | None = Field(default=None, gt=0, le=1_440)
    distance: int = Field(gt=0, le=12_450)
    hour: int = Field(ge=0, le=23)
    minute: int = Field(ge=0, le=59)
