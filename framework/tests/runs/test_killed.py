"""A run that is killed leaves tables as they were or as they should be; the next run finishes the work."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import Target

if TYPE_CHECKING:
    from conftest import Ask, Shop

ROWS = 20_000

# `datakit` with the arguments given, but it stops at POINT, says "here", and waits to be told to go on.
SCRIPT = """
import dataclasses, io, os, sys
from pathlib import Path
import shop_datakit
from sqlmodel_framework.cli.main import main
from sqlmodel_framework.engines.postgres import loader
from sqlmodel_framework.runs import ledger
from sqlmodel_framework.runs.run import _Run

def here():
    print("here", flush=True)
    sys.stdin.readline()

class Slow(io.BytesIO):
    def read(self, size=-1):
        if self.tell() > 100_000:
            here()
        return super().read(size)

def stop_at_call(module, name, number):
    original, calls = getattr(module, name), []
    def stopping(*arguments, **more):
        calls.append(name)
        if len(calls) == number:
            here()
        return original(*arguments, **more)
    setattr(module, name, stopping)

point = os.environ["POINT"]
if point == "copy":
    content = Path(os.environ["SHOP_CSV"]).read_bytes()
    kit = shop_datakit.datakit
    source = dataclasses.replace(kit.loads[0].source, open=lambda: Slow(content))
    loads = (dataclasses.replace(kit.loads[0], source=source), *kit.loads[1:])
    shop_datakit.datakit = dataclasses.replace(kit, loads=loads)
stops = {
    "after deploy": (ledger, "record_start", 1),
    "before commit of bronze": (ledger, "record_load", 1),
    "between loads": (_Run, "_load", 2),
    "before merge": (loader, "write", 1),
    "before commit of silver": (ledger, "record_load", 2),
    "after loads": (_Run, "_check", 1),
}
if point in stops:
    stop_at_call(*stops[point])
sys.exit(main(sys.argv[1:]))
"""

# Rows in bronze and in silver right after the kill.
POINTS = {
    "after deploy": (0, 0),
    "copy": (0, 0),
    "before commit of bronze": (0, 0),
    "between loads": (ROWS, 0),
    "before merge": (ROWS, 0),
    "before commit of silver": (ROWS, 0),
    "after loads": (ROWS, ROWS - 1),
}
BRONZE = "SELECT count(*) AS n FROM shop_bronze.raw_item"
SILVER = "SELECT count(*) AS n FROM shop.item"

QUIET_RUN = ("run", "shop_datakit", "--progress", "none")


def fill(shop: Shop) -> None:
    lines = [f"{number},{number % 100}" for number in range(ROWS - 1)]
    # One row goes to quarantine, to be counted as well.
    shop.write("\n".join(["code,price", *lines[:10], "bad,-1", *lines[10:], ""]))


def reach(shop: Shop, point: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    process = shop.start(*arguments, script=SCRIPT, POINT=point, **environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_is_finished_by_the_next(
    shop: Shop, database: Target, ask: Ask, point: str
) -> None:
    fill(shop)
    url = database.secret_url().render_as_string(hide_password=False)
    process = reach(shop, point, "run", "shop_datakit", "--target", url)
    process.kill()
    process.communicate()
    # The server rolls back when it notices; the next run waits for that as well, on the lock.
    assert (ask(database, BRONZE)[0][0], ask(database, SILVER)[0][0]) == POINTS[point]

    done = shop.run("run", "shop_datakit", "--target", url)
    assert done.returncode == 0, done.stderr
    assert (ask(database, BRONZE), ask(database, SILVER)) == ([(ROWS,)], [(ROWS - 1,)])
    assert ask(database, "SELECT count(*) FROM datakit.quarantine") == [(1,)]
    statuses = ask(database, "SELECT status FROM datakit.run ORDER BY started_at")
    assert statuses == [*([] if point == "after deploy" else [("abandoned",)]), ("succeeded",)]


@pytest.mark.parametrize("point", ["copy", "before commit of silver"])
def test_a_run_that_is_killed_with_its_embedded_server_is_finished_by_the_next(
    shop: Shop, tmp_path: Path, point: str
) -> None:
    fill(shop)
    folder = tmp_path / "db"
    process = reach(shop, point, "run", "shop_datakit", "--folder", str(folder))
    os.kill(server_pid(folder), signal.SIGKILL)
    process.kill()
    process.communicate()
    finish(shop, folder)


def test_a_server_that_dies_is_worth_a_retry_and_the_next_run_finishes(shop: Shop, tmp_path: Path) -> None:
    fill(shop)
    folder = tmp_path / "db"
    process = reach(shop, "before commit of silver", *QUIET_RUN, "--folder", str(folder))
    os.kill(server_pid(folder), signal.SIGKILL)
    _, errors = process.communicate("go on\n", timeout=60)
    assert process.returncode == 69, errors
    assert errors.startswith(f"error: target PostgreSQL in {folder}: the connection was lost: ")
    assert len(errors.splitlines()) == 1
    finish(shop, folder)


@pytest.mark.parametrize("point", ["copy", "before commit of silver"])
def test_sigterm_rolls_back_stops_the_server_and_exits_with_143(
    shop: Shop, tmp_path: Path, point: str
) -> None:
    fill(shop)
    folder = tmp_path / "db"
    process = reach(shop, point, *QUIET_RUN, "--folder", str(folder))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert errors.splitlines() == [
        "error: stopped by SIGTERM",
        "hint: what was under way was rolled back; run again to finish it",
    ]
    assert not (folder / "database" / "postmaster.pid").exists()
    finish(shop, folder)


def finish(shop: Shop, folder: Path) -> None:
    done = shop.run("run", "shop_datakit", "--folder", str(folder))
    assert done.returncode == 0, done.stderr
    for sql, rows in ((BRONZE, ROWS), (SILVER, ROWS - 1)):
        counted = shop.run("query", sql, "--folder", str(folder), "--json")
        assert counted.stdout == f'{{"n": {rows}}}\n'


def server_pid(folder: Path) -> int:
    return int((folder / "database" / "postmaster.pid").read_text().split()[0])
