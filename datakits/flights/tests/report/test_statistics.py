"""Shares and intervals, against what defines them."""

from math import sqrt

import pytest
from flights_datakit.report.statistics import Z_95, share, wilson_interval


def test_a_share_of_nothing_is_no_share() -> None:
    assert share(0, 0) is None
    assert share(1, 4) == 0.25


@pytest.mark.parametrize(("part", "whole"), [(10, 20), (1, 10), (7, 29), (80_100, 327_346)])
def test_each_end_of_the_interval_lies_as_far_from_the_share_as_it_would_scatter_itself(
    part: int, whole: int
) -> None:
    low, high = wilson_interval(part, whole)
    assert low < part / whole < high
    for end in (low, high):
        assert abs(part / whole - end) == pytest.approx(Z_95 * sqrt(end * (1 - end) / whole))


def test_an_interval_stays_between_nothing_and_all() -> None:
    assert wilson_interval(0, 10)[0] == pytest.approx(0.0)
    assert wilson_interval(10, 10)[1] == pytest.approx(1.0)
    assert wilson_interval(0, 0) == (0.0, 1.0)
