"""A datakit in Airflow whose extraction and job are done by Spark's executors, on a standalone cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import stalls
from datakit_testing import Containers, Database
from kit.docked import Docked, connection
from kit.orchard import instance, states, xcom
from spark_cluster import SHORT_STARTS, Cluster, running_cluster
from sqlmodel_framework.runs.origin import origin_of_run

SALES = 400
SOURCE = f"CREATE TABLE sale AS SELECT n AS number, n % 5 AS stall FROM generate_series(1, {SALES}) AS n"
CONF = {**SHORT_STARTS, **Cluster.conf}
EXTRACT: dict[str, Any] = {
    "step": "extract",
    "image": "spark",
    "source": "tills",
    "tables": "stalls_bronze.sale",
    "parameters": {
        "tables": {"stalls_bronze.sale": "sale"},
        "partition_column": "number",
        "partitions": 4,
        "conf": CONF,
    },
}
JOB: dict[str, Any] = {
    "step": "job",
    "image": "spark",
    "after": "silver",
    "tables": "stalls.total",
    "parameters": {"job": "stalls_job:totals", "conf": CONF},
}


@pytest.fixture(scope="module")
def cluster(containers: Containers) -> Iterator[Cluster]:
    with running_cluster(containers, "stalls") as made:
        yield made


@pytest.fixture(scope="module")
def tills(postgres: Database) -> Iterator[str]:
    database = postgres.another()
    database.query(SOURCE)
    with connection("tills", database) as name:
        yield name


@pytest.fixture(scope="module")
def database(postgres: Database) -> Database:
    return postgres.another()


@pytest.fixture
def warehouse(database: Database) -> Iterator[str]:
    with connection("stalls_warehouse", database) as name:
        yield name


@pytest.fixture
def images(usual: Docked) -> dict[str, str]:
    """The runner of Spark has the framework's steps as well."""
    return dict.fromkeys(("sqlmodel", "spark"), usual.api.reference("stalls"))


def text(**steps: dict[str, Any]) -> str:
    return f"steps: {json.dumps(steps)}\nretries: 0\n"


@pytest.mark.usefixtures("tills")
def test_an_extraction_a_load_and_a_job_in_one_dag(
    usual: Docked, cluster: Cluster, warehouse: str, database: Database, images: dict[str, str]
) -> None:
    usual.settle(SPARK_MASTER_URL=cluster.url)
    declared = text(extract=EXTRACT, totals=JOB)
    run = usual.declare("stalls", stalls.datakit, declared, target=warehouse, images=images).test()

    assert states(run) == dict.fromkeys(("pin", "deploy", "extract", "silver.stalls", "totals"), "success")
    [extracted] = xcom(run, "extract")["tables"]
    assert (extracted["read"], extracted["written"]) == (SALES, SALES)
    totals = xcom(run, "totals")
    assert totals["details"]["machines"] == sorted(cluster.workers)
    assert [table["table"] for table in totals["tables"]] == ["stalls.total"]
    assert database.query("SELECT stall, sales FROM stalls.total ORDER BY stall") == [
        (stall, SALES // 5) for stall in range(5)
    ]
    # What the master tells: each was an application of its own.
    assert cluster.master.logs().count("Registered app") == 2

    for task in ("extract", "totals"):
        origin = origin_of_run(xcom(run, task)["run_id"], database.url)
        assert origin.image_digest == images["spark"].partition("@")[2]
        assert origin.requested_by is not None
        assert (origin.requested_by.workflow, origin.requested_by.task) == ("stalls", task)


def test_a_job_that_fails_fails_its_task_and_says_where(
    usual: Docked, cluster: Cluster, warehouse: str, images: dict[str, str]
) -> None:
    usual.settle(SPARK_MASTER_URL=cluster.url)
    parameters = {**JOB["parameters"], "arguments": {"stall": 9}}
    declared = text(totals={**JOB, "parameters": parameters}) + "deploy: none\n"
    run = usual.declare("no_stall", stalls.datakit, declared, target=warehouse, images=images).test()

    assert states(run)["totals"] == "failed"
    report = xcom(run, "totals")
    assert (report["status"], report["exit_code"]) == ("failed", 70)
    assert "there is no stall 9" in report["error"]["message"]
    assert "stalls_job.py" in report["error"]["message"]


def test_a_cluster_that_is_away_is_tried_again(usual: Docked, warehouse: str, images: dict[str, str]) -> None:
    usual.settle(SPARK_MASTER_URL="spark://postgres:1")
    declared = text(totals=JOB).replace("retries: 0", "retries: 1") + "deploy: none\n"
    run = usual.declare("away", stalls.datakit, declared, target=warehouse, images=images).test()

    assert instance(run, "totals").try_number == 2
    report = xcom(run, "totals")
    assert report["exit_code"] == 69
    assert "the master spark://postgres:1 cannot be reached" in report["error"]["message"]
