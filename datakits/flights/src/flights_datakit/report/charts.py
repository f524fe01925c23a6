"""The charts of the report, as SVG that stands inside an HTML page."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from flights_datakit.report.figures import MIN_HOUR_ARRIVALS, Carrier, Hour, WeatherClass
from flights_datakit.report.statistics import wilson_interval
from flights_datakit.report.words import count, percent

BLUE, ORANGE, GREY, INK = "#2f6690", "#c8553d", "#9aa5b1", "#1f2933"
WIDTH = 7.8

SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "flights-datakit",
    "svg.fonttype": "none",
    # A name with a dollar sign is a name, not a formula.
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.8,
    "figure.constrained_layout.use": True,
}
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


class Drawing:
    """A figure under way and, once drawn, its SVG."""

    def __init__(self, figure: Figure, axes: Axes) -> None:
        self.figure = figure
        self.axes = axes
        self.svg = ""


@contextmanager
def drawing(name: str, height: float) -> Iterator[Drawing]:
    """Give axes to draw on; afterwards the drawing's ``svg`` holds the picture. Heights in inches."""
    with rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH, height))
        FigureCanvasSVG(figure)
        result = Drawing(figure, figure.add_subplot())
        yield result
        text = StringIO()
        figure.savefig(text, format="svg", metadata=NO_METADATA, transparent=True)
        result.svg = _inline(text.getvalue(), name)


def _inline(svg: str, name: str) -> str:
    """Make a stand-alone SVG fit for a page: no prologue, no size, no identifier of another chart."""
    body = svg[svg.index("<svg") :]
    box = re.search(r'viewBox="[^"]+"', body)
    assert box is not None
    body = re.sub(r"<svg[^>]*>", f'<svg {box.group()} aria-hidden="true">', body, count=1)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    return re.sub(r"url\(#", f"url(#{name}-", body)


def _thousands(number: int) -> str:
    """Write a count short: 27k, 1.9k, 342."""
    if number < 1_000:
        return str(number)
    return f"{number / 1_000:.1f}k" if number < 9_950 else f"{number / 1_000:.0f}k"


def _percent_axis(axes: Axes, along: str, top: float) -> None:
    axis = axes.yaxis if along == "y" else axes.xaxis
    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    (axes.set_ylim if along == "y" else axes.set_xlim)(0, top)
    axes.grid(axis="y" if along == "y" else "x")
    axes.tick_params(length=0)


def by_hour(hours: Sequence[Hour], overall: float) -> str:
    """Draw the share of late arrivals by scheduled hour of departure, as bars from zero."""
    shown = [hour for hour in hours if hour.arrived >= MIN_HOUR_ARRIVALS]
    shares = [hour.late_share or 0.0 for hour in shown]
    with drawing("hours", 3.1) as chart:
        axes = chart.axes
        places = range(len(shown))
        axes.bar(places, shares, width=0.78, color=BLUE, zorder=2)
        for place, late in zip(places, shares, strict=True):
            axes.annotate(
                percent(late, 0).removesuffix(" %"),
                (place, late),
                (0, -3),
                textcoords="offset points",
                ha="center",
                va="top",
                color="white",
            )
        axes.axhline(overall, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            f"all: {percent(overall)}",
            (-0.5, overall),
            (0, 3),
            textcoords="offset points",
            ha="left",
            color=INK,
        )
        axes.set_xticks(places, [f"{hour.hour}\n{_thousands(hour.arrived)}" for hour in shown])
        axes.set_xlabel(
            "scheduled hour of departure, local time; below it the number of arrivals (k: thousand)"
        )
        axes.set_ylabel("arrived late")
        axes.set_xlim(-0.6, len(shown) - 0.4)
        _percent_axis(axes, "y", max(shares, default=0.1) * 1.12)
    return chart.svg


def by_carrier(carriers: Sequence[Carrier]) -> str:
    """Draw the share of late arrivals by airline, its 95 % interval, and the share to be expected."""
    shown = list(reversed(carriers))
    with drawing("carriers", 0.9 + 0.27 * len(shown)) as chart:
        axes = chart.axes
        places = list(range(len(shown)))
        shares = [one.late_share or 0.0 for one in shown]
        intervals = [wilson_interval(one.late, one.arrived) for one in shown]
        axes.barh(places, shares, height=0.7, color=BLUE)
        axes.hlines(
            places, [low for low, _ in intervals], [high for _, high in intervals], color=INK, linewidth=1.1
        )
        axes.plot(
            [one.expected_share or 0.0 for one in shown],
            places,
            linestyle="none",
            marker="D",
            markersize=4.5,
            markerfacecolor="white",
            markeredgecolor=ORANGE,
            markeredgewidth=1.4,
        )
        top = max([high for _, high in intervals], default=0.1)
        for place, one in zip(places, shown, strict=True):
            axes.annotate(
                f"{percent(one.late_share)} (n = {count(one.arrived)})",
                (top * 1.02, place),
                va="center",
                annotation_clip=False,
            )
        axes.set_yticks(places, [one.name for one in shown])
        axes.set_xlabel("arrived late (n: arrivals; line: 95 % interval; diamond: expected)")
        axes.set_ylim(-0.6, len(shown) - 0.4)
        _percent_axis(axes, "x", top * 1.3)
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= top])
    return chart.svg


WEATHER_LINES = (
    ("wet", "precipitation", ORANGE),
    ("dry", "dry, but windy or hazy", GREY),
    ("fair", "fair", BLUE),
)


def by_hour_and_weather(hours: Sequence[Hour]) -> str:
    """Draw the share of late arrivals by hour, a line with its 95 % interval for each kind of weather."""
    with drawing("weather-hours", 3.3) as chart:
        axes = chart.axes
        last = max((hour.hour for hour in hours), default=0)
        top = 0.1
        for weather, label, colour in WEATHER_LINES:
            line = [hour for hour in hours if hour.weather == weather and hour.arrived >= MIN_HOUR_ARRIVALS]
            if not line:
                continue
            places = [hour.hour for hour in line]
            top = max(top, *(wilson_interval(hour.late, hour.arrived)[1] for hour in line))
            shares = [hour.late_share or 0.0 for hour in line]
            intervals = [wilson_interval(hour.late, hour.arrived) for hour in line]
            axes.fill_between(
                places,
                [low for low, _ in intervals],
                [high for _, high in intervals],
                color=colour,
                alpha=0.18,
                linewidth=0,
            )
            axes.plot(places, shares, color=colour, linewidth=1.8, marker="o", markersize=3)
            arrivals = sum(hour.arrived for hour in line)
            axes.annotate(
                f"{label}\nn = {count(arrivals)}",
                (places[-1], shares[-1]),
                (8, 0),
                textcoords="offset points",
                va="center",
                color=colour if colour != GREY else "#5b6772",
                annotation_clip=False,
            )
        axes.set_xlabel("scheduled hour of departure, local time (n: arrivals; band: 95 % interval)")
        axes.set_ylabel("arrived late")
        first = min((hour.hour for hour in hours if hour.arrived >= MIN_HOUR_ARRIVALS), default=0)
        axes.set_xticks(range(first, last + 1))
        axes.set_xlim(first - 0.4, last + 0.4)
        _percent_axis(axes, "y", top * 1.05)
    return chart.svg


def by_weather_class(classes: Sequence[WeatherClass]) -> str:
    """Draw for each class of weather the share of late arrivals beside that in fair weather."""
    shown = [one for one in reversed(classes) if one.arrived]
    with drawing("weather-classes", 1.1 + 0.32 * len(shown)) as chart:
        axes = chart.axes
        places = list(range(len(shown)))
        observed = [one.late_share or 0.0 for one in shown]
        expected = [one.expected_share or 0.0 for one in shown]
        axes.hlines(places, expected, observed, color=GREY, linewidth=2)
        axes.plot(
            expected, places, "o", color=BLUE, markersize=6, label="same airports and hours in fair weather"
        )
        axes.plot(observed, places, "o", color=ORANGE, markersize=6, label="in this weather")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, borderaxespad=0)
        top = max(observed + expected, default=0.1)
        for place, one in zip(places, shown, strict=True):
            axes.annotate(
                f"n = {count(one.arrived)}", (top * 1.06, place), va="center", annotation_clip=False
            )
        axes.set_yticks(places, [f"{one.measure}, {one.label}" for one in shown])
        axes.set_xlabel("arrived late (n: arrivals)")
        axes.set_ylim(-0.6, len(shown) - 0.4)
        _percent_axis(axes, "x", top * 1.25)
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= top * 1.03])
    return chart.svg
