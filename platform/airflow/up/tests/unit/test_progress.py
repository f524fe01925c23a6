"""A start is followed to its end, whichever that is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from local_airflow.progress import Progress, follow, write_progress
from rich.console import Console


def test_each_step_is_shown_until_all_is_up(tmp_path: Path) -> None:
    file, shown = tmp_path / "progress", io.StringIO()
    steps: Iterator[Progress] = iter([Progress("one"), Progress("two"), Progress("ready", ready=True)])

    def goes_on() -> bool:
        write_progress(file, next(steps))
        return True

    told = follow(file, goes_on, Console(file=shown))
    assert told == Progress("ready", ready=True)
    assert shown.getvalue().splitlines() == ["starting: 0 s", "one: 0 s", "two: 0 s"]


def test_a_process_that_ended_without_a_word_is_noticed(tmp_path: Path) -> None:
    assert follow(tmp_path / "progress", lambda: False, Console(file=io.StringIO())) is None


def test_the_last_words_of_a_process_that_ended_count(tmp_path: Path) -> None:
    failed = Progress("failed", failed="no room")
    write_progress(tmp_path / "progress", failed)
    assert follow(tmp_path / "progress", lambda: False, Console(file=io.StringIO())) == failed
