"""What a person sees of datakits in Airflow: every task in the DAG's graph, every table in that of assets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from datakit_testing import Browser, Page, wait_until
from described_teams import FLIGHTS, PUNCTUALITY

# What flights' dbt project makes: a table for each model.
MODELS = {
    f"flights.{name}" for name in ("dim_airline", "dim_airport", "dim_date", "dim_plane", "fact_flight")
}

# The nodes of the graph on a page: what each is called, and the text in it.
NODES = """
Object.fromEntries(
  [...document.querySelectorAll(".react-flow__node")].map(node => [node.dataset.id, node.innerText]))
"""
# Whether all of the graph is in sight.
IN_SIGHT = """
(() => {
  const sight = document.querySelector(".react-flow").getBoundingClientRect();
  const boxes = [...document.querySelectorAll(".react-flow__node")].map(node => node.getBoundingClientRect());
  return boxes.every(box =>
    box.left >= sight.left && box.right <= sight.right && box.top >= sight.top && box.bottom <= sight.bottom);
})()
"""


def nodes(page: Page) -> dict[str, str]:
    """The nodes of the graph on a page, by what each is called, with the text in it."""
    found: dict[str, str] = page.evaluate(NODES)
    return found


def keep_picture(page: Page, name: str) -> None:
    """Brings all of the graph into sight, and puts a picture of the page among the test's outputs."""

    def fits() -> bool:
        page.click("Fit View")
        return bool(page.evaluate(IN_SIGHT))

    wait_until("all of the graph is in sight", fits, seconds=30, interval=1)
    Path(os.environ["TEST_UNDECLARED_OUTPUTS_DIR"], name).write_bytes(page.still_screenshot())


@pytest.mark.usefixtures("airflow")
def test_every_task_is_in_the_graph_of_the_dag(browser: Browser) -> None:
    tasks = {"pin", "deploy", "dbt_build", "check", *(load.id for load in FLIGHTS.loads)}
    with browser.open("http://airflow:8080/dags/flights", width=1600, height=900) as page:
        page.click("Show Graph (Press g)")
        page.click("Collapse Details Panel")
        page.click("Expand all task groups")
        wait_until("every task is in the graph", lambda: tasks <= nodes(page).keys(), seconds=60)
        shown = nodes(page)
        keep_picture(page, "airflow-dag.png")
    assert shown.keys() - tasks == {load.layer for load in FLIGHTS.loads}, "besides tasks, there are groups"
    names = {task: task.rpartition(".")[2] for task in tasks}
    assert {task: text.splitlines()[0] for task, text in shown.items() if task in tasks} == names


@pytest.mark.usefixtures("airflow")
def test_every_table_is_in_the_graph_of_assets(browser: Browser) -> None:
    tables = {load.table for team in (FLIGHTS, PUNCTUALITY) for load in team.loads}
    names = {f"warehouse/{table}" for table in tables | MODELS}
    with browser.open("http://airflow:8080/assets", width=1600, height=900) as page:
        page.click("warehouse/gold.fact_flight")
        page.wait_for(*names, FLIGHTS.name, PUNCTUALITY.name)
        shown = nodes(page)
        keep_picture(page, "airflow-assets.png")
    assets = {text.strip() for node, text in shown.items() if node.startswith("asset:")}
    assert assets == names
    assert {f"dag:{team.name}" for team in (FLIGHTS, PUNCTUALITY)} <= shown.keys()
