"""Images move on; a DagRun keeps to those that it was started with, and to its window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import market
import pytest
import till
from datakit_airflow.configuration import ConfigurationError
from datakit_airflow.dag import plan_dag
from datakit_testing import Database
from kit.docked import Docked, connection
from kit.home import DAGS
from kit.orchard import clear, go_on, kept, states, xcom
from sqlmodel_framework.runs.origin import origin_of_row

DECLARATION = 'schedule: "@daily"\ncheck: false\n'
FIRST, SECOND, THIRD = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3))


def sell(shop: Database, number: int, day: datetime) -> None:
    shop.query(f"INSERT INTO sale VALUES ({number}, '{day.isoformat()}'::timestamptz + interval '9 hours')")


def sold(database: Database) -> list[int]:
    return [number for (number,) in database.query("SELECT number::int FROM till_bronze.sale ORDER BY 1")]


def test_an_old_dag_run_is_repeated_with_its_image_over_its_window(
    usual: Docked, postgres: Database, database: Database
) -> None:
    shop = postgres.another()
    shop.query("CREATE TABLE sale (number integer PRIMARY KEY, sold_at timestamptz NOT NULL)")
    sell(shop, 1, FIRST)
    sell(shop, 2, SECOND)
    usual.settle(TILL=shop.inside_url_without_password)
    before, after = (usual.api.reference(name) for name in ("market", "market_next"))
    assert before != after

    with connection("till_warehouse", database) as target:
        declared: dict[str, Any] = {"target": target, "text": DECLARATION}
        dag = usual.declare("till", till.datakit, images={"sqlmodel": before}, **declared)
        run = dag.test(logical_date=SECOND)  # about the day before
        first = xcom(run, "bronze.sales")
        assert sold(database) == [1]
        deployed = kept(run, "deploy", "datakit_deployed")
        assert deployed["fingerprint"] == till.datakit.fingerprint()
        assert deployed["plans"] == [xcom(run, "deploy")["details"]["plan_hash"]]

        sell(shop, 11, FIRST)
        sell(shop, 12, SECOND)
        moved_on = usual.declare("till", till.datakit, images={"sqlmodel": after}, **declared)
        clear(run)
        go_on(moved_on, run)
        again = xcom(run, "bronze.sales")
        assert states(run) == dict.fromkeys(("pin", "deploy", "bronze.sales"), "success")
        assert sold(database) == [1, 11]
        assert kept(run, "deploy", "datakit_deployed") == deployed
        assert deployed["images"] == {"sqlmodel": before}

        new = xcom(moved_on.test(logical_date=THIRD), "bronze.sales")
        assert sold(database) == [1, 2, 11, 12]

    digests = [before.partition("@")[2], before.partition("@")[2], after.partition("@")[2]]
    assert [report["image_digest"] for report in (first, again, new)] == digests
    assert len({report["run_id"] for report in (first, again, new)}) == 3
    recorded = dict(database.query("SELECT run_id::text, image_digest FROM datakit.run"))
    assert [recorded[report["run_id"]] for report in (first, again, new)] == digests

    # From a row to the DagRun, the task and the image; 11 came with the repetition.
    origin = origin_of_row(till.datakit, database.url, "till_bronze.sale", {"number": "11"})
    assert (str(origin.run_id), origin.image_digest) == (again["run_id"], digests[1])
    by = origin.requested_by
    assert by is not None
    assert (by.workflow, by.workflow_run, by.task) == ("till", run.run_id, "bronze.sales")


def test_an_image_by_tag_is_refused_in_production(usual: Docked) -> None:
    by_tag = {"sqlmodel": "localhost/market:latest"}
    usual.declare("tagged", market.datakit, target="market_warehouse", images=by_tag)
    usual.settle(production=True)

    with pytest.raises(ConfigurationError) as caught:
        plan_dag(DAGS / "tagged.yaml")
    (problem,) = caught.value.problems
    assert problem.field == "images.sqlmodel"
    assert "names no digest" in problem.message
