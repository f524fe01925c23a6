"""A plan that destroys something, from the datakit's next version to the tables of a real PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG
from kit.home import DAGS
from kit.orchard import Orchard, answer, clear, go_on, instance, kept, states, xcom
from kit.processes import Processes, Warehouse

GATED = "deploy: gated\nretries: 3\n"
TASKS = ("pin", "plan", "approve", "deploy", "silver.fruit")
FIRST_ROWS = [("apple", 1, "red"), ("pear", 2, "green")]


def asked_for_the_second_version(processes: Processes, warehouse: Warehouse) -> tuple[DAG, DagRun]:
    """The first version deployed and loaded; and a DagRun of the second one, as far as it goes by itself."""
    first = processes.declare("stall", "stall", GATED, target=warehouse.name).test()
    assert states(first) == dict.fromkeys(TASKS, "success")
    assert rows(warehouse) == FIRST_ROWS

    processes.settle(STALL="2.0")
    dag = processes.declare("stall", "stall", GATED, target=warehouse.name)
    run = Orchard(DAGS, processes.folder).begin(dag)
    go_on(dag, run)
    assert states(run)["approve"] == "awaiting_input"
    assert rows(warehouse) == FIRST_ROWS
    return dag, run


def rows(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.query("SELECT code, price, note FROM stall.fruit ORDER BY code")


def columns(warehouse: Warehouse) -> set[str]:
    found = warehouse.query(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'stall' AND table_name = 'fruit'"
    )
    return {name for (name,) in found}


def test_a_plan_that_is_approved_is_carried_out(processes: Processes, warehouse: Warehouse) -> None:
    dag, run = asked_for_the_second_version(processes, warehouse)
    plan_hash = xcom(run, "plan")["details"]["plan_hash"]

    asked = answer(run, "approve", "Approve")
    go_on(dag, run)

    assert plan_hash in asked["body"]
    assert "note" in asked["body"]
    assert states(run) == dict.fromkeys(TASKS, "success")
    assert xcom(run, "deploy")["details"]["plan_hash"] == plan_hash
    assert kept(run, "deploy", "datakit_deployed") == {**xcom(run, "pin"), "plans": [plan_hash]}
    assert (plan_hash,) in warehouse.query("SELECT plan_hash FROM datakit.deployment")
    assert "note" not in columns(warehouse)
    prices = warehouse.query("SELECT code, price FROM stall.fruit ORDER BY code")
    assert prices == [("apple", 1), ("pear", 3)]


def test_a_plan_that_is_rejected_changes_nothing(processes: Processes, warehouse: Warehouse) -> None:
    dag, run = asked_for_the_second_version(processes, warehouse)

    answer(run, "approve", "Reject")
    go_on(dag, run)

    assert states(run) == {
        "pin": "success",
        "plan": "success",
        "approve": "failed",
        "deploy": "upstream_failed",
        "silver.fruit": "upstream_failed",
    }
    assert rows(warehouse) == FIRST_ROWS


def test_an_approval_is_for_one_plan_and_not_for_what_would_be_done_now(
    processes: Processes, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    dag, run = asked_for_the_second_version(processes, warehouse)
    approved = xcom(run, "plan")["details"]["plan_hash"]
    warehouse.query("ALTER TABLE stall.fruit ADD COLUMN weight integer NOT NULL DEFAULT 7")

    answer(run, "approve", "Approve")
    go_on(dag, run)

    assert states(run)["deploy"] == "failed"
    assert states(run)["silver.fruit"] == "upstream_failed"
    assert instance(run, "deploy").try_number == 1
    report = xcom(run, "deploy")
    assert report["exit_code"] == 65
    assert f"the plan that was approved, {approved}, is another one" in report["error"]["message"]
    assert "(clear the task 'plan' and those after it: " in capsys.readouterr().out
    assert rows(warehouse) == FIRST_ROWS
    assert "weight" in columns(warehouse)

    clear(run, "plan", "approve", "deploy", "silver.fruit")
    go_on(dag, run)
    assert states(run)["approve"] == "awaiting_input"
    assert xcom(run, "plan")["details"]["plan_hash"] == report["details"]["plan_hash"] != approved
    answer(run, "approve", "Approve")
    go_on(dag, run)
    assert states(run) == dict.fromkeys(TASKS, "success")
    assert "note" not in columns(warehouse)


def test_without_a_gate_what_destroys_something_is_refused(
    processes: Processes, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = "retries: 3\n"
    processes.declare("ungated", "stall", plain, target=warehouse.name).test()
    processes.settle(STALL="2.0")
    run = processes.declare("ungated", "stall", plain, target=warehouse.name).test()

    assert states(run) == {"pin": "success", "deploy": "failed", "silver.fruit": "upstream_failed"}
    assert instance(run, "deploy").try_number == 1
    assert xcom(run, "deploy")["error"]["class_name"] == "RefusedChangesError"
    assert rows(warehouse) == FIRST_ROWS
    told = capsys.readouterr().out
    assert "drop column stall.fruit.note (loses 2 values) (declare `deploy: gated`, and" in told
