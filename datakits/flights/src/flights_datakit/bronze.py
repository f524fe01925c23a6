"""Bronze: the five CSV files as they come, every column as text."""

from sqlmodel_framework import BronzeTableMixin

SCHEMA = {"schema": "bronze"}


class BronzeAirline(BronzeTableMixin, table=True):
    """A line of airlines.csv."""

    __tablename__ = "airlines"
    __table_args__ = SCHEMA

    carrier: str
    name: str


class BronzeAirport(BronzeTableMixin, table=True):
    """A line of airports.csv."""

    __tablename__ = "airports"
    __table_args__ = SCHEMA

    faa: str
    name: str
    lat: str
    lon: str
    alt: str
    tz: str
    dst: str
    tzone: str


class BronzePlane(BronzeTableMixin, table=True):
    """A line of planes.csv."""

    __tablename__ = "planes"
    __table_args__ = SCHEMA

    tailnum: str
    year: str
    type: str
    manufacturer: str
    model: str
    engines: str
    seats: str
    speed: str
    engine: str


class BronzeWeather(BronzeTableMixin, table=True):
    """A line of weather.csv."""

    __tablename__ = "weather"
    __table_args__ = SCHEMA

    origin: str
    year: str
    month: str
    day: str
    hour: str
    temp: str
    dewp: str
    humid: str
    wind_dir: str
    wind_speed: str
    wind_gust: str
    precip: str
    pressure: str
    visib: str
    time_hour: str


class BronzeFlight(BronzeTableMixin, table=True):
    """A line of flights.csv."""

    __tablename__ = "flights"
    __table_args__ = SCHEMA

    year: str
    month: str
    day: str
    dep_time: str
    sched_dep_time: str
    dep_delay: str
    arr_time: str
    sched_arr_time: str
    arr_delay: str
    carrier: str
    flight: str
    tailnum: str
    origin: str
    dest: str
    air_time: str
    distance: str
    hour: str
    minute: str
    time_hour: str
