"""A runner's JSON lines read well in a task's log."""

from __future__ import annotations

import logging

import pytest
from datakit_airflow.progress import readable


def test_a_line_says_what_happened_and_its_values() -> None:
    line = '{"event": "load finished", "level": "info", "table": "sales", "read": 3, "run_id": "x"}'

    assert readable(line) == (logging.INFO, "load finished table=sales read=3")


def test_its_level_is_kept() -> None:
    assert readable('{"event": "checked", "level": "warning"}')[0] == logging.WARNING


@pytest.mark.parametrize("line", ["plain words", "[1]", "{", '{"event": 3}'])
def test_what_is_no_event_stands_as_it_is(line: str) -> None:
    assert readable(line) == (logging.INFO, line)
