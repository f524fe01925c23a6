"""A declaration becomes a DAG of Airflow's own, without asking anything but files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.serialization.serialized_objects import DagSerialization
from datakit_airflow import DatakitDag, datakit_task_group
from datakit_airflow.airflow_version import require_airflow
from datakit_airflow.assets import asset_of
from datakit_airflow.configuration import ConfigurationError
from datakit_airflow.environment import Environment
from kit.described import SHOP, described, load, write
from sqlmodel_framework.errors import UnsupportedVersionError

IMAGE = "registry.example/sqlmodel@sha256:" + "a" * 64
DOCKER = Environment(execution="docker", production=True)


def declared(folder: Path, text: str = "", description: Any = SHOP) -> Path:
    write(description, folder)
    path = folder / "shop.yaml"
    path.write_text(
        f"dag_id: shop\ndatakit: {description.name}.json\ntarget: warehouse\n"
        f"images: {{sqlmodel: '{IMAGE}'}}\n{text}"
    )
    return path


def upstream(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: task.upstream_task_ids for task in dag.tasks}


def test_each_step_is_a_task_in_the_group_of_its_layer(tmp_path: Path) -> None:
    dag = DatakitDag(declared(tmp_path), environment=DOCKER)

    assert upstream(dag) == {
        "pin": set(),
        "deploy": {"pin"},
        "bronze.orders": {"deploy"},
        "bronze.items": {"deploy"},
        "silver.sales": {"bronze.orders", "bronze.items"},
        "check": {"silver.sales"},
    }
    assert set(dag.task_group.children) == {"pin", "deploy", "bronze", "silver", "check"}


@pytest.mark.parametrize("execution", ["docker", "kubernetes", "process"])
def test_the_same_declaration_serves_every_execution(tmp_path: Path, execution: Any) -> None:
    dag = DatakitDag(declared(tmp_path, "deploy: gated\n"), environment=Environment(execution=execution))
    again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))

    assert again.task_ids == dag.task_ids
    assert {"plan", "approve", "deploy"} <= set(dag.task_ids)


def test_loads_have_their_tables_as_outlets(tmp_path: Path) -> None:
    dag = DatakitDag(declared(tmp_path), environment=DOCKER)

    assert dag.task_dict["silver.sales"].outlets == [asset_of("warehouse", "silver.sales")]
    assert dag.task_dict["check"].outlets == []


def test_a_schedule_gives_every_run_a_span_of_time(tmp_path: Path) -> None:
    daily = DatakitDag(declared(tmp_path, "schedule: '@daily'\n"), environment=DOCKER)
    hourly = DatakitDag(declared(tmp_path, "schedule: 1h\n"), environment=DOCKER)

    assert isinstance(daily.timetable, CronDataIntervalTimetable)
    assert isinstance(hourly.timetable, DeltaDataIntervalTimetable)


def test_a_dag_can_be_started_by_another_team_s_tables(tmp_path: Path) -> None:
    description = described(load("gold.totals", "silver.sales"), name="reports")
    dag = DatakitDag(declared(tmp_path, "schedule: assets\n", description), environment=DOCKER)

    assert asset_of("warehouse", "silver.sales").uri in str(dag.timetable.asset_condition)


def test_retries_pool_and_owner_are_those_of_the_declaration(tmp_path: Path) -> None:
    text = "retries: 5\nretry_delay: 3m\npool: shop\nowner: sales\ntimeout: 2h\n"
    task: Any = DatakitDag(declared(tmp_path, text), environment=DOCKER).task_dict["silver.sales"]

    assert (task.retries, task.retry_delay.total_seconds(), task.pool, task.owner) == (
        5,
        180,
        "shop",
        "sales",
    )
    assert task.execution_timeout.total_seconds() == 7200


def test_its_page_shows_steps_and_images(tmp_path: Path) -> None:
    text = DatakitDag(declared(tmp_path), environment=DOCKER).doc_md

    assert f"| silver.sales | silver.sales | silver.sales | bronze.items, bronze.orders | {IMAGE} |" in str(
        text
    )


def test_it_belongs_to_the_file_that_asks_for_it(tmp_path: Path) -> None:
    assert DatakitDag(declared(tmp_path), environment=DOCKER).fileloc == __file__


def test_a_task_group_fits_into_a_dag_of_one_s_own(tmp_path: Path) -> None:
    with DAG("own", schedule=None) as dag:
        datakit_task_group(declared(tmp_path, "deploy: gated\n"), group_id="sales", environment=DOCKER)

    assert upstream(dag)["sales.silver.sales"] == {"sales.bronze.orders", "sales.bronze.items"}
    deploy: Any = dag.task_dict["sales.deploy"]
    work = deploy.work
    assert (work.pin_task, work.plan_task) == ("sales.pin", "sales.plan")


def test_a_description_that_cannot_be_read_is_a_mistake_of_the_declaration(tmp_path: Path) -> None:
    path = declared(tmp_path)
    (tmp_path / "shop.json").write_text("{}")

    with pytest.raises(ConfigurationError) as caught:
        DatakitDag(path, environment=DOCKER)
    assert [(one.place, one.field) for one in caught.value.problems] == [(str(path), "datakit")]


@pytest.mark.parametrize("found", ["2.11.0", "3.0.6", "none"])
def test_an_airflow_that_is_too_old_is_one_clear_error(found: str) -> None:
    with pytest.raises(UnsupportedVersionError, match=f"needs Airflow 3.3 or later, and this is {found}"):
        require_airflow(found)


def test_parsing_imports_no_runner_and_no_driver_of_a_database(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom datakit_airflow import DatakitDag\nfrom datakit_airflow import Environment\n"
        "DatakitDag(sys.argv[1], environment=Environment(execution='process'))\n"
        "print(*[name for name in sys.modules if name.split('.')[0] in ('psycopg2', 'pandas', 'pyarrow')"
        " or name.startswith(('sqlmodel_framework.runner', 'sqlmodel_framework.engines.postgres'))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(declared(tmp_path))], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1].strip() == ""
