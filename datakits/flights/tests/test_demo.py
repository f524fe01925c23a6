"""The demo, as a person starts it: one command from nothing, and the same command again."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from flights_datakit import datakit

FOLDER = Path(__file__).parents[1]
# Of the test's environment; a person's shell has none of it.
NOT_A_SHELLS = ("DATAKIT_", "PYTHONSAFEPATH")
PROGRAM = "./bazelw run //datakits/flights:datakit --"
READ = {"airlines": 16, "airports": 1_458, "planes": 3_322, "weather": 26_115, "flights": 336_776}
KEYS = {"table", "layer", "read", "accepted", "rejected", "loaded"}


def run(program: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, FOLDER / program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(NOT_A_SHELLS)},
    )
    assert done.returncode == code, done.stderr
    return done


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_command_does_everything_from_nothing_and_again_it_does_nothing(tmp_path: Path) -> None:
    first = lines(run("demo.py", "--folder", tmp_path, "--json"))
    assert [(one["layer"], one["table"]) for one in first] == [(one.layer, one.name) for one in datakit.loads]
    for one in first:
        assert set(one) >= KEYS
        assert one["read"] == one["accepted"] + one["rejected"]
        assert one["loaded"] == one["accepted"]
    assert {one["table"]: one["read"] for one in first if one["layer"] == "bronze"} == READ
    assert (tmp_path / "database" / "PG_VERSION").exists()
    report = (tmp_path / "report.html").read_bytes()
    assert len(report) > 50_000

    again = run("demo.py", "--folder", tmp_path)
    assert "nothing new: 0 rows loaded" in again.stdout + again.stderr
    assert (tmp_path / "report.html").read_bytes() == report

    # What it says about a query is what a user types.
    hint = next(line for line in again.stdout.splitlines() if line.startswith("Query it: "))
    command = hint.removeprefix(f"Query it: {PROGRAM} ")
    assert command != hint
    assert "\n5 rows\n" in run("datakit.py", *shlex.split(command)).stdout


def test_a_mistake_is_one_line_and_an_exit_code() -> None:
    done = run("demo.py", "--target", "nowhere", code=64)
    assert done.stderr.startswith("error: there is no target 'nowhere'")
    assert done.stdout == ""
