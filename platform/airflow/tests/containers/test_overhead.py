"""The same steps in containers and as processes: the same reports, and what a container costs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from typing import Any

import market
import pytest
from datakit_testing import Database
from kit.docked import Docked, connection
from kit.home import DAGS
from kit.orchard import instance, states, xcom

STEPS = ("deploy", "bronze.offers", "silver.goods", "check")
TOLD = ("status", "tables", "checks", "exit_code", "datakit", "step")


def as_processes(folder: Path) -> None:
    """Steps are carried out by the runner that is beside this test, from now on."""
    program = folder / "sqlmodel-runner"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sqlmodel_runner "$@"\n')
    program.chmod(0o755)
    environment = {
        "PYTHONPATH": os.pathsep.join([str(Path(market.__file__).parent), *sys.path]),
        # An image has its modules compiled; here the first step compiles them for those that follow.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    variables = ", ".join(f'{name} = "{value}"' for name, value in environment.items())
    (DAGS / "datakit_airflow.toml").write_text(
        f'execution = "process"\n[process]\nfolder = "{folder}"\nenvironment = {{ {variables} }}\n'
    )


def without_times(report: dict[str, Any]) -> dict[str, Any]:
    """What a report tells that is the same each time."""
    told = {name: report[name] for name in TOLD}
    told["tables"] = [{**table, "seconds": None} for table in report["tables"]]
    return told


def test_a_step_says_the_same_as_a_process_and_in_a_container(
    usual: Docked, postgres: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = {"sqlmodel": usual.api.reference("market")}
    inside, outside = postgres.another(), postgres.another()
    with connection("inside", inside) as target:
        in_containers = usual.declare("in_containers", market.datakit, target=target, images=images).test()
    as_processes(tmp_path)
    with connection("outside", outside, inside=False) as target:
        in_processes = usual.declare("in_processes", market.datakit, target=target, images=images).test()

    assert states(in_containers) == states(in_processes) == dict.fromkeys(("pin", *STEPS), "success")
    costs = []
    for step in STEPS:
        told, expected = (without_times(xcom(run, step)) for run in (in_containers, in_processes))
        assert told == expected
        container, process = (instance(run, step).duration for run in (in_containers, in_processes))
        costs.append(container - process)  # type: ignore[operator]
    with capsys.disabled():
        each = ", ".join(f"{step} {cost:.2f}" for step, cost in zip(STEPS, costs, strict=True))
        sys.stdout.write(f"\ncontainer_overhead {median(costs):.2f} s a step ({each})\n")
