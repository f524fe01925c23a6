"""A killed run leaves every table as it was or as it should be, and the next run finishes the work."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flights_datakit import datakit
from sqlalchemy import create_engine
from sqlmodel_framework import RunResult, Target, run_datakit

PROGRAM = """
import os, signal, sys
from flights_datakit import datakit
from sqlmodel_framework import Target, run_datakit
from sqlmodel_framework.runs.events import LoadFinished, LoadProgressed

def in_the_middle_of_a_file(event):
    return isinstance(event, LoadProgressed) and event.table == "flights" and event.bytes_read > 10_000_000

def before_the_last_table(event):
    return isinstance(event, LoadFinished) and event.result.table == "dim_date"

def die(event):
    if moment(event):
        os.kill(os.getpid(), signal.SIGKILL)

moment = globals()[sys.argv[2]]
run_datakit(datakit, Target(sys.argv[1]), on_event=die)
"""


def run_and_die(target: Target, moment: str) -> None:
    url = target.secret_url().render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", PROGRAM, url, moment], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_run_that_is_killed_twice_is_finished_by_the_next_one(
    first_run: RunResult,
    query: Any,
    new_target: Callable[[str], Target],
    digests: Callable[[Any], dict[str, str]],
    rows_of: Callable[..., list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    target = new_target("killed")
    engine = create_engine(target.secret_url())

    def rows(table: str) -> int:
        return int(rows_of(engine, f"SELECT count(*) AS rows FROM {table}")[0]["rows"])

    run_and_die(target, "in_the_middle_of_a_file")
    assert rows("bronze.weather") == 26_115
    assert rows("bronze.flights") == 0

    run_and_die(target, "before_the_last_table")
    assert rows("silver.flights") == 336_776
    assert rows("gold.fact_flight") == 0

    result = run_datakit(datakit, target, folder=tmp_path)
    loaded = {(load.layer, load.table): load.loaded for load in result.loads}
    assert loaded.pop(("gold", "fact_flight")) == 336_776
    assert set(loaded.values()) == {0}
    assert digests(lambda statement: rows_of(engine, statement)) == digests(query)
    assert result.report is not None
    assert first_run.report is not None
    assert result.report.read_bytes() == first_run.report.read_bytes()
    engine.dispose()
