"""The flights datakit as a DAG: deployed, loaded and checked in a real PostgreSQL, each step as a process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from flights_datakit import datakit
from kit.home import DAGS
from kit.orchard import Orchard, clear, go_on, states, xcom
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres
from sqlmodel_framework.runs.describing import describe
from sqlmodel_framework.runs.origin import origin_of_row
from sqlmodel_framework.runs.spec import Requester

DECLARATION = """
dag_id: flights
datakit: flights.json
target: flights_warehouse
schedule: "@daily"
groups: layer
deploy: gated
retries: 1
retry_delay: 0
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Target]:
    with embedded_postgres(tmp_path / "server", throwaway=True) as target:
        yield target


@pytest.fixture
def connected(server: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    url = server.url
    connection = {
        "conn_type": "postgres",
        "login": url.username,
        "schema": url.database,
        "extra": {"host": url.query["host"], "port": url.query["port"]},
    }
    monkeypatch.setenv("AIRFLOW_CONN_FLIGHTS_WAREHOUSE", json.dumps(connection))
    return server


def programs(folder: Path) -> Path:
    """A folder with the runner, which has the packages of this test."""
    program = folder / "sqlmodel-runner"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sqlmodel_runner "$@"\n')
    program.chmod(0o755)
    return folder


def counted(server: Target, table: str) -> int:
    host, port = server.url.query["host"], server.url.query["port"]
    with psycopg2.connect(host=host, port=port, user="postgres", dbname="postgres") as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])  # type: ignore[index]


@pytest.mark.usefixtures("airflow_database")
def test_flights_from_csv_files_to_a_star_and_again_after_clearing(connected: Target, tmp_path: Path) -> None:
    (DAGS / "datakit_airflow.toml").write_text(
        f'execution = "process"\n[process]\nfolder = "{programs(tmp_path)}"\n'
        f'environment = {{ PYTHONPATH = "{os.pathsep.join(path for path in sys.path if path)}" }}\n'
    )
    (DAGS / "flights.json").write_text(describe(datakit).text())
    (DAGS / "flights.yaml").write_text(DECLARATION)
    file = DAGS / "flights.py"
    file.write_text(
        "from pathlib import Path\nfrom datakit_airflow import DatakitDag\n"
        "dag = DatakitDag(Path(__file__).with_suffix('.yaml'))\n"
    )
    dag = Orchard(DAGS, tmp_path).read(file, "flights")
    run = dag.test()

    assert states(run) == dict.fromkeys(
        ("pin", "plan", "approve", "deploy", "bronze", "silver", "gold", "check"), "success"
    )
    assert counted(connected, "silver.flights") == 336_776
    assert counted(connected, "gold.fact_flight") == 336_776
    silver = {table["table"]: table for table in xcom(run, "silver")["tables"]}
    assert silver["flights"]["read"] == 336_776

    assert len(xcom(run, "deploy")["details"]["plan_hash"]) == 64

    origin = origin_of_row(datakit, connected, "gold.dim_airline", {"carrier": "UA"})
    assert str(origin.run_id) == xcom(run, "gold")["run_id"]
    asked = {"system": "airflow", "workflow": "flights", "workflow_run": run.run_id, "task": "gold"}
    assert origin.requested_by == Requester(**asked, attempt=1)

    clear(run, "gold")
    go_on(dag, run)

    assert states(run)["gold"] == "success"
    assert xcom(run, "gold")["repeated"] is False
    assert counted(connected, "gold.fact_flight") == 336_776
