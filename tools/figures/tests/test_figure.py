"""A limit that is broken is seen, and each figure is printed with its fields."""

from __future__ import annotations

import json

import pytest
from figure import Figure, report


@pytest.mark.parametrize(
    ("value", "limit", "better", "good"),
    [
        (5, 10, "lower", True),
        (10, 10, "lower", True),
        (11, 10, "lower", False),
        (1, 1, "higher", True),
        (0, 1, "higher", False),
        (1000, None, "lower", True),
    ],
)
def test_a_broken_limit_is_seen(
    value: float, limit: float | None, better: str, good: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = Figure("case", value, "s", limit, better)  # type: ignore[arg-type]
    assert report([figure], as_json=False) is good
    assert ("BROKEN" in capsys.readouterr().out) is not good


def test_json_has_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([Figure("first", 1.5, "s", 2), Figure("second", 1, "", 1, "higher")], as_json=True)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"case": "first", "value": 1.5, "unit": "s", "limit": 2, "better": "lower"},
        {"case": "second", "value": 1, "unit": "", "limit": 1, "better": "higher"},
    ]
