"""Gold: a small star.

Dimensions keep their natural keys, and every key of the fact table is a real foreign key. A flight may name
an airport or a plane that its reference table does not list. The dimension then gets an inferred member
(``listed`` is false): the flight stays, and the gap stays visible.
"""

from datetime import date, datetime

from sqlalchemy import DateTime
from sqlmodel import Field
from sqlmodel_framework import ReferenceTableMixin, TransactionalTableMixin

SCHEMA = {"schema": "gold"}
UNKNOWN_PLANE = "unknown"


class DimAirline(ReferenceTableMixin, table=True):
    """An airline."""

    __tablename__ = "dim_airline"
    __table_args__ = SCHEMA

    carrier: str = Field(primary_key=True)
    name: str


class DimAirport(ReferenceTableMixin, table=True):
    """An airport: all that are listed, and those that a flight names without their being listed."""

    __tablename__ = "dim_airport"
    __table_args__ = SCHEMA

    faa: str = Field(primary_key=True)
    name: str | None = None
    lat: float | None = None
    lon: float | None = None
    alt: int | None = None
    tzone: str | None = None
    listed: bool


class DimPlane(ReferenceTableMixin, table=True):
    """A plane: all that are listed, those that are only flown, and one for "no tail number"."""

    __tablename__ = "dim_plane"
    __table_args__ = SCHEMA

    tailnum: str = Field(primary_key=True)
    year: int | None = None
    type: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    engines: int | None = None
    seats: int | None = None
    engine: str | None = None
    listed: bool


class DimDate(ReferenceTableMixin, table=True):
    """A day, from the first flight to the last without a gap. Weekday: 1 is Monday, 7 is Sunday."""

    __tablename__ = "dim_date"
    __table_args__ = SCHEMA

    day_date: date = Field(primary_key=True)
    year: int
    quarter: int
    month: int
    day: int
    weekday: int
    weekend: bool


class FactFlight(TransactionalTableMixin, table=True):
    """A scheduled flight with its delays, and the weather at its origin in its scheduled hour of departure.

    ``departure_hour`` is local. ``cancelled``: it has no departure time. ``late``: it arrived 15 minutes or
    more behind schedule, as the US Department of Transportation counts; null when no arrival delay is known.
    Weather is null where no observation fits. ``fair_weather``: dry, 10 miles of sight, wind below 15 mph;
    null when that cannot be told. Units as in silver.
    """

    __tablename__ = "fact_flight"
    __table_args__ = SCHEMA

    time_hour: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    carrier: str = Field(primary_key=True, foreign_key="gold.dim_airline.carrier")
    flight: int = Field(primary_key=True)
    flight_date: date = Field(foreign_key="gold.dim_date.day_date")
    departure_hour: int
    origin: str = Field(foreign_key="gold.dim_airport.faa")
    dest: str = Field(foreign_key="gold.dim_airport.faa")
    tailnum: str = Field(foreign_key="gold.dim_plane.tailnum")
    distance: int
    dep_delay: int | None = None
    arr_delay: int | None = None
    air_time: int | None = None
    cancelled: bool
    late: bool | None = None
    weather_known: bool
    temp: float | None = None
    humid: float | None = None
    wind_speed: float | None = None
    wind_gust: float | None = None
    precip: float | None = None
    pressure: float | None = None
    visib: float | None = None
    fair_weather: bool | None = None
