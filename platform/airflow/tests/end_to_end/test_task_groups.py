"""A DAG of a team's own: two datakits, and one of them into two targets, each a task group in it."""

from __future__ import annotations

from collections.abc import Callable

from kit.orchard import clear, go_on, states, xcom
from kit.processes import Processes, Warehouse

DAG_FILE = """\
from pathlib import Path

from airflow.sdk import DAG
from datakit_airflow import datakit_task_group

here = Path(__file__).parent

with DAG("groups", schedule=None):
    north = datakit_task_group(here / "north.yaml", group_id="north")
    south = datakit_task_group(here / "south.yaml", group_id="south")
    till = datakit_task_group(here / "till.yaml")
    [north, south] >> till
"""
STALL = ("pin", "plan", "approve", "deploy", "silver.fruit")
TILL = ("pin", "deploy", "bronze.sales", "verify")


def test_task_groups_run_beside_and_after_each_other(
    processes: Processes, make_warehouse: Callable[[], Warehouse]
) -> None:
    shop, north, south = make_warehouse(), make_warehouse(), make_warehouse()
    shop.query("CREATE TABLE sale (number integer PRIMARY KEY, price integer)")
    shop.query("INSERT INTO sale VALUES (1, 10), (2, 20)")
    for dag_id, datakit, target, text in (
        ("north", "stall", north, "deploy: gated\n"),
        ("south", "stall", south, "deploy: gated\n"),
        ("till", "till", north, f"verify: true\nsources: {{till: {shop.name}}}\n"),
    ):
        processes.write(dag_id, datakit, text, target=target.name)
    dag = processes.read("groups", DAG_FILE)
    run = dag.test()

    tasks = [f"{group}.{task}" for group in ("north", "south") for task in STALL]
    assert states(run) == dict.fromkeys([*tasks, *(f"till.{task}" for task in TILL)], "success")
    for warehouse in (north, south):
        assert warehouse.query("SELECT code FROM stall.fruit ORDER BY code") == [("apple",), ("pear",)]
        assert warehouse.query("SELECT DISTINCT datakit FROM datakit.run WHERE datakit = 'stall'")
    assert north.query("SELECT number FROM till.sale ORDER BY number") == [("1",), ("2",)]
    assert south.query("SELECT to_regclass('till.sale')") == [(None,)]
    targets = [xcom(run, f"{group}.silver.fruit")["target"] for group in ("north", "south")]
    assert targets == [north.name, south.name]

    before = xcom(run, "south.silver.fruit")["run_id"]
    clear(run, "north.silver.fruit")
    go_on(dag, run)
    assert xcom(run, "south.silver.fruit")["run_id"] == before
    assert xcom(run, "north.silver.fruit")["repeated"] is False
