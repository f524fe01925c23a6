"""The words follow the figures."""

import pytest
from flights_datakit.report.figures import Counted
from flights_datakit.report.words import count, early_or_late, from_least_late, minutes, percent, verdict


@pytest.mark.parametrize(
    ("excess", "words"),
    [
        (-0.1, "Hardly"),
        (0.04, "Hardly"),
        (0.15, "In part, but not most of it"),
        (0.5, "About half of it"),
        (0.9, "Most of it"),
    ],
)
def test_the_verdict_follows_from_the_share_that_weather_adds(excess: float, words: str) -> None:
    assert verdict(excess) == words


def test_numbers_are_written_for_people() -> None:
    assert count(336_776) == "336,776"
    assert percent(0.2447) == "24.5 %"
    assert percent(None) == minutes(None) == early_or_late(None) == "\N{EN DASH}"
    assert minutes(-9.93) == "\N{MINUS SIGN}9.9"
    assert early_or_late(-5.0) == "5.0 minutes early"
    assert early_or_late(6.9) == "6.9 minutes late"


def test_a_group_with_too_few_arrivals_is_not_ranked() -> None:
    few = Counted(flights=30, arrived=29, late=29, cancelled=1)
    more = Counted(flights=40, arrived=30, late=3, cancelled=0)
    most = Counted(flights=400, arrived=400, late=200, cancelled=0)
    assert from_least_late([most, few, more], 30) == [more, most]
