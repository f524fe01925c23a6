"""What the test of containers measured is found in what it wrote."""

import pytest
from containers import figures_of

OUTPUT = """
tests/containers/test_flights.py .
flights_end_to_end 93.4 s, of it:
  deploy                 2.10 s,   0.70 s by its report
container_overhead -0.25 s a step (deploy 1.00, check 1.20)
"""


def test_each_figure_is_found() -> None:
    assert [(figure.case, figure.value) for figure in figures_of(OUTPUT)] == [
        ("flights_end_to_end", 93.4),
        ("container_overhead", -0.25),
    ]


def test_a_figure_that_is_not_there_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="nothing of container_overhead"):
        list(figures_of(OUTPUT.replace("overhead", "cost")))
