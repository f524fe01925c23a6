"""The demo, as a person starts it: one command from nothing, and the same command again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flights_datakit import datakit

DEMO = Path(__file__).parents[1] / "demo.py"
KEYS = {"table", "layer", "read", "accepted", "rejected", "loaded"}


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, DEMO, "--folder", folder, *options],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("DATAKIT_")},
    )
    assert done.returncode == 0, done.stderr
    return done


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(folder: Path) -> list[dict[str, Any]]:
    return lines(run(folder, "--json"))


def test_from_nothing_it_prints_one_object_for_each_table_and_layer(first: list[dict[str, Any]]) -> None:
    assert [(one["layer"], one["table"]) for one in first] == [(one.layer, one.name) for one in datakit.loads]
    for one in first:
        assert set(one) >= KEYS
        assert one["read"] == one["accepted"] + one["rejected"]
        assert one["loaded"] == one["accepted"]
    bronze = {one["table"]: one["read"] for one in first if one["layer"] == "bronze"}
    assert bronze == {
        "airlines": 16,
        "airports": 1_458,
        "planes": 3_322,
        "weather": 26_115,
        "flights": 336_776,
    }


def test_the_folder_holds_the_database_and_the_report(first: list[dict[str, Any]], folder: Path) -> None:
    assert first
    assert (folder / "database" / "PG_VERSION").exists()
    assert (folder / "report.html").stat().st_size > 50_000


def test_again_it_loads_nothing_and_says_so(first: list[dict[str, Any]], folder: Path) -> None:
    before = (folder / "report.html").read_bytes()
    again = run(folder)
    assert first
    assert "nothing new: 0 rows loaded" in again.stdout + again.stderr
    assert (folder / "report.html").read_bytes() == before
