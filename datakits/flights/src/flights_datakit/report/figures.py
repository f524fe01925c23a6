"""The figures of the report, each asked of the gold tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar

from flights_datakit.report import queries
from flights_datakit.report.statistics import share

Query = Callable[[str], list[dict[str, Any]]]
Row = TypeVar("Row")

MIN_ROUTE_ARRIVALS = 365
MIN_HOUR_ARRIVALS = 30
MIN_CARRIER_ARRIVALS = 100
ROUTES_SHOWN = 10


@dataclass(frozen=True)
class Counted:
    """How many flights of a group were scheduled, arrived, were late and were cancelled."""

    flights: int
    arrived: int
    late: int
    cancelled: int

    @property
    def late_share(self) -> float | None:
        """Late of arrived, between 0 and 1."""
        return share(self.late, self.arrived)

    @property
    def cancelled_share(self) -> float | None:
        """Cancelled of scheduled, between 0 and 1."""
        return share(self.cancelled, self.flights)


@dataclass(frozen=True)
class Totals(Counted):
    """The whole data. ``arrived`` flights have an arrival delay, ``lost`` ones left and have none."""

    lost: int
    first_day: date | None
    last_day: date | None
    airlines: int
    origins: int
    destinations: int
    mean_delay: float | None
    median_delay: float | None


@dataclass(frozen=True)
class Hour(Counted):
    """One scheduled hour of departure, in one kind of weather where that is asked."""

    hour: int
    weather: str


@dataclass(frozen=True)
class Carrier(Counted):
    """One airline. ``expected``: late arrivals if it were late as often as all at its airports and hours."""

    carrier: str
    name: str
    expected: float
    mean_delay: float | None

    @property
    def expected_share(self) -> float | None:
        """Expected late of arrived, between 0 and 1."""
        return share(self.expected, self.arrived)


@dataclass(frozen=True)
class Route(Counted):
    """One origin and destination. ``dest_name`` is None where the airport is not listed."""

    origin: str
    dest: str
    dest_name: str | None
    mean_delay: float | None


@dataclass(frozen=True)
class WeatherClass(Counted):
    """One class of weather. ``expected``: late arrivals as in fair weather at the same airports and hours."""

    measure: str
    label: str
    expected: float

    @property
    def expected_share(self) -> float | None:
        """Expected late of arrived, between 0 and 1."""
        return share(self.expected, self.arrived)

    @property
    def excess(self) -> float:
        """Late arrivals above the expected ones."""
        return self.late - self.expected


@dataclass(frozen=True)
class Day(Counted):
    """One day of departure."""

    day: date


@dataclass(frozen=True)
class Gaps:
    """Flights whose references lead nowhere, and flights without weather."""

    unlisted_destination: int
    unlisted_plane: int
    no_tail_number: int
    no_weather: int


@dataclass(frozen=True)
class Stored:
    """How many rows a table holds."""

    layer: str
    name: str
    rows: int


@dataclass(frozen=True)
class Figures:
    """All that the report says about the data."""

    totals: Totals
    hours: Sequence[Hour]
    hours_by_weather: Sequence[Hour]
    carriers: Sequence[Carrier]
    routes: Sequence[Route]
    weather: Sequence[WeatherClass]
    wet: WeatherClass
    not_fair: WeatherClass
    not_fair_within_month: WeatherClass
    days: Sequence[Day]
    gaps: Gaps
    stored: Sequence[Stored]

    @property
    def fair(self) -> Counted:
        """All flights in fair weather."""
        hours = [hour for hour in self.hours_by_weather if hour.weather == "fair"]
        return Counted(
            flights=sum(hour.flights for hour in hours),
            arrived=sum(hour.arrived for hour in hours),
            late=sum(hour.late for hour in hours),
            cancelled=sum(hour.cancelled for hour in hours),
        )

    @property
    def ranked_routes(self) -> list[Route]:
        """Routes with enough arrivals to be compared, the latest first."""
        enough = [route for route in self.routes if route.arrived >= MIN_ROUTE_ARRIVALS]
        return sorted(enough, key=lambda route: (-(route.late_share or 0), route.origin, route.dest))

    @property
    def ranked_carriers(self) -> list[Carrier]:
        """Airlines with any arrival, the latest first."""
        some = [carrier for carrier in self.carriers if carrier.arrived]
        return sorted(some, key=lambda carrier: (-(carrier.late_share or 0), carrier.carrier))


def _rows(query: Query, statement: str, kind: type[Row]) -> list[Row]:
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return [kind(**{name: row[name] for name in names}) for row in query(statement)]


def collect(query: Query) -> Figures:
    """Ask the database for every figure of the report.

    Args:
        query: runs one statement and returns its rows as dictionaries.
    """

    def compare(condition: str, strata: str) -> WeatherClass:
        return _rows(query, queries.compared(condition, strata), WeatherClass)[0]

    return Figures(
        totals=_rows(query, queries.TOTALS, Totals)[0],
        hours=_rows(query, queries.HOURS, Hour),
        hours_by_weather=_rows(query, queries.HOURS_BY_WEATHER, Hour),
        carriers=_rows(query, queries.CARRIERS, Carrier),
        routes=_rows(query, queries.ROUTES, Route),
        weather=_rows(query, queries.WEATHER, WeatherClass),
        wet=compare(queries.WET, queries.STRATA),
        not_fair=compare(queries.NOT_FAIR, queries.STRATA),
        not_fair_within_month=compare(queries.NOT_FAIR, queries.MONTH_STRATA),
        days=_rows(query, queries.DAYS, Day),
        gaps=_rows(query, queries.GAPS, Gaps)[0],
        stored=_rows(query, queries.stored(), Stored),
    )
