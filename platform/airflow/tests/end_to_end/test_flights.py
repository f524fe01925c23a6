"""The flights datakit as a DAG: deployed, loaded and checked in a real PostgreSQL, each step as a process."""

from __future__ import annotations

from flights_datakit import datakit
from kit.orchard import clear, go_on, states, xcom
from kit.processes import Processes, Warehouse
from sqlmodel_framework.runs.origin import origin_of_row
from sqlmodel_framework.runs.spec import Requester

DECLARATION = """
schedule: "@daily"
groups: layer
deploy: gated
retries: 1
"""


def counted(warehouse: Warehouse, table: str) -> int:
    [(number,)] = warehouse.query(f"SELECT count(*) FROM {table}")
    return int(number)


def test_flights_from_csv_files_to_a_star_and_again_after_clearing(
    processes: Processes, warehouse: Warehouse
) -> None:
    dag = processes.declare("flights", "flights", DECLARATION, target=warehouse.name)
    run = dag.test()

    assert states(run) == dict.fromkeys(
        ("pin", "plan", "approve", "deploy", "bronze", "silver", "gold", "check"), "success"
    )
    assert counted(warehouse, "silver.flights") == 336_776
    assert counted(warehouse, "gold.fact_flight") == 336_776
    silver = {table["table"]: table for table in xcom(run, "silver")["tables"]}
    assert silver["flights"]["read"] == 336_776

    assert len(xcom(run, "deploy")["details"]["plan_hash"]) == 64

    target = warehouse.server.url.set(database=warehouse.name)
    origin = origin_of_row(datakit, target, "gold.dim_airline", {"carrier": "UA"})
    assert str(origin.run_id) == xcom(run, "gold")["run_id"]
    asked = {"system": "airflow", "workflow": "flights", "workflow_run": run.run_id, "task": "gold"}
    assert origin.requested_by == Requester(**asked, attempt=1)

    clear(run, "gold")
    go_on(dag, run)

    assert states(run)["gold"] == "success"
    assert xcom(run, "gold")["repeated"] is False
    assert counted(warehouse, "gold.fact_flight") == 336_776
