"""The answer in plain words. Every figure and every comparison in it comes from the data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from flights_datakit.report.figures import (
    MIN_CARRIER_ARRIVALS,
    MIN_HOUR_ARRIVALS,
    MIN_ROUTE_ARRIVALS,
    Counted,
    Figures,
    Totals,
)
from flights_datakit.report.statistics import share
from flights_datakit.star import LATE_FROM_MINUTES

Group = TypeVar("Group", bound=Counted)

NOTHING = "No flight in this data arrived, so there is nothing to compare."
NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Answer:
    """The answer: a headline, then a sentence or two for each part of the question."""

    headline: str
    hours: str = ""
    carriers: str = ""
    routes: str = ""
    weather: str = ""
    rain: str = ""
    cancelled: str = ""


def count(number: float) -> str:
    """Write a count: 336,776."""
    return f"{number:,.0f}"


def percent(part: float | None, digits: int = 1) -> str:
    """Write a share between 0 and 1 as per cent: 24.5 %; a dash where there is none."""
    return NONE if part is None else f"{100 * part:.{digits}f} %"


def minutes(value: float | None) -> str:
    """Write minutes with one digit and a true minus sign; a dash where there is none."""
    return NONE if value is None else f"{value:.1f}".replace("-", MINUS)


def early_or_late(value: float | None) -> str:
    """Write a delay in minutes in words: 5.0 minutes early; a dash where there is none."""
    return NONE if value is None else f"{abs(value):.1f} minutes {'early' if value < 0 else 'late'}"


def clock(hour: int) -> str:
    """Write an hour of the day as the span of time that it is."""
    return f"{hour}:00 to {hour}:59"


def from_least_late(groups: Iterable[Group], arrivals: int) -> list[Group]:
    """Return the groups with at least so many arrivals, the least late first."""
    kept = [group for group in groups if group.arrived >= max(arrivals, 1)]
    return sorted(kept, key=lambda group: group.late_share or 0)


def answer(figures: Figures) -> Answer:
    """Answer the question of the report from its figures."""
    totals = figures.totals
    if not totals.arrived:
        return Answer(headline=NOTHING)
    return Answer(
        headline=(
            f"Of {count(totals.arrived)} flights that left New York and arrived, {count(totals.late)} came "
            f"{LATE_FROM_MINUTES} minutes or more behind schedule: {percent(totals.late_share)}."
        ),
        hours=_hours(figures),
        carriers=_carriers(figures),
        routes=_routes(figures),
        weather=_weather(figures),
        rain=_rain(figures),
        cancelled=_cancelled(figures.totals),
    )


def _hours(figures: Figures) -> str:
    hours = from_least_late(figures.hours, MIN_HOUR_ARRIVALS)
    if len(hours) < 2:
        return ""
    best, worst = hours[0], hours[-1]
    return (
        f"Of the flights scheduled to leave from {clock(best.hour)}, {percent(best.late_share)} were late, "
        f"the smallest share of the day; from {clock(worst.hour)} it is {percent(worst.late_share)}, "
        "the largest."
    )


def _carriers(figures: Figures) -> str:
    carriers = from_least_late(figures.carriers, MIN_CARRIER_ARRIVALS)
    if len(carriers) < 2:
        return ""
    best, worst = carriers[0], carriers[-1]
    return (
        f"Of the {len(carriers)} airlines with at least {count(MIN_CARRIER_ARRIVALS)} arrivals, {worst.name} "
        f"was late most often, on {percent(worst.late_share)} of {count(worst.arrived)} arrivals; "
        f"{best.name} least often, on {percent(best.late_share)} of {count(best.arrived)}. "
        f"From the airports and hours of their flights alone one would expect "
        f"{percent(worst.expected_share)} and {percent(best.expected_share)}."
    )


def _routes(figures: Figures) -> str:
    routes = from_least_late(figures.routes, MIN_ROUTE_ARRIVALS)
    if len(routes) < 2:
        return ""
    best, worst = routes[0], routes[-1]
    return (
        f"Of the {len(routes)} routes with at least {count(MIN_ROUTE_ARRIVALS)} arrivals, "
        f"{worst.origin} to {worst.dest} was late most often ({percent(worst.late_share)}), "
        f"{best.origin} to {best.dest} least often ({percent(best.late_share)})."
    )


def weather_excess(figures: Figures) -> float | None:
    """Return the late arrivals that weather which is not fair adds, as a share of all late arrivals."""
    return share(figures.not_fair.excess, figures.totals.late)


def weather_excess_within_month(figures: Figures) -> float | None:
    """Return the same share when flights are compared within the same month as well."""
    return share(figures.not_fair_within_month.excess, figures.totals.late)


def verdict(excess: float) -> str:
    """Say how much an excess of this share of all late arrivals explains."""
    if excess < 0.05:
        return "Hardly"
    if excess < 0.35:
        return "In part, but not most of it"
    if excess < 0.65:
        return "About half of it"
    return "Most of it"


def _weather(figures: Figures) -> str:
    excess, usual, other = weather_excess(figures), figures.fair, figures.not_fair
    if excess is None or not usual.arrived or not other.arrived:
        return ""
    return (
        f"{verdict(excess)}, as far as the weather at departure tells. In fair weather "
        f"{percent(usual.late_share)} were late; in other weather {percent(other.late_share)}, where the "
        f"same airports and hours in fair weather give {percent(other.expected_share)}. The difference is "
        f"{count(other.excess)} flights: {percent(excess)} of all late arrivals."
    )


def _rain(figures: Figures) -> str:
    wet = figures.wet
    if not wet.arrived:
        return ""
    return (
        f"With precipitation at departure {percent(wet.late_share)} were late, where the same airports and "
        f"hours in fair weather give {percent(wet.expected_share)}; "
        f"{percent(share(wet.arrived, figures.totals.arrived))} of all arrivals had left in precipitation."
    )


def _cancelled(totals: Totals) -> str:
    all_late = share(totals.late + totals.cancelled + totals.lost, totals.flights)
    return (
        f"{count(totals.cancelled)} flights never left ({percent(totals.cancelled_share)}), and "
        f"{count(totals.lost)} left but have no arrival delay (diverted, or not recorded). They are in no "
        f"share of late arrivals and in no average. Counted as late, they would turn the share of "
        f"{percent(totals.late_share)} into {percent(all_late)}."
    )
