"""What goes wrong in a step's container: what the task then is, and what is left behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import market
import pytest
from datakit_testing import Containers, Database, wait_until
from datakit_testing.databases import start_postgres
from kit.docked import Docked, connection
from kit.home import DAGS
from kit.orchard import Orchard, clear, go_on, instance, states, xcom

PYTHON = "/opt/datakit/bin/python"
NO_CHECK = "check: false\n"


def begun(docked: Docked, dag: Any) -> Any:
    """A DagRun of a DAG in which nothing has run yet."""
    return Orchard(DAGS, docked.folder).begin(dag)


@pytest.fixture
def images(docked: Docked) -> dict[str, str]:
    return {"sqlmodel": docked.api.reference("market")}


def test_a_broken_contract_fails_at_once_and_says_why(
    usual: Docked, warehouse: str, images: dict[str, str], database: Database
) -> None:
    usual.settle(MARKET="unknown column")
    dag = usual.declare("broken", market.datakit, "retries: 3\n", target=warehouse, images=images)
    run = dag.test()

    assert states(run)["bronze.offers"] == "failed"
    assert instance(run, "bronze.offers").try_number == 1
    report = xcom(run, "bronze.offers")
    assert (report["status"], report["exit_code"]) == ("failed", 65)
    assert "cost" in report["error"]["message"]
    assert states(run)["silver.goods"] == states(run)["check"] == "upstream_failed"
    assert database.query("SELECT count(*) FROM market_bronze.offer") == [(0,)]


def test_a_database_that_is_away_is_tried_again_by_the_same_run(
    docked: Docked, containers: Containers, images: dict[str, str]
) -> None:
    database = start_postgres(containers, name="away")
    with connection("away_warehouse", database) as target:
        text = "retries: 1\n" + NO_CHECK
        dag = docked.declare("away", market.datakit, text, target=target, images=images)
        run = begun(docked, dag)
        go_on(dag, run, rounds=2)
        assert (states(run)["pin"], states(run)["deploy"]) == ("success", "success")

        database.container.stop()
        # Somebody of its name who does not answer: to find out that a name is nobody's takes a minute here.
        nobody = containers.start(
            "rubbish", "-c", "import time; time.sleep(600)", name="away", entrypoint=PYTHON
        )
        go_on(dag, run, rounds=1)
        nobody.remove()
        assert states(run)["bronze.offers"] == "up_for_retry"
        failed = xcom(run, "bronze.offers")
        assert (failed["status"], failed["exit_code"]) == ("failed", 69)

        database.container.start_again()
        back = database.again()
        go_on(dag, run)

    assert states(run)["silver.goods"] == "success"
    assert instance(run, "bronze.offers").try_number == 2
    assert xcom(run, "bronze.offers")["run_id"] == failed["run_id"]
    assert back.query("SELECT count(*) FROM market.good") == [(3,)]


@contextmanager
def terminated(when: Any) -> Iterator[None]:
    """This process, which runs the task, gets a SIGTERM as soon as something is so."""

    def terminate() -> None:
        try:
            wait_until("there is something to interrupt", when, seconds=90)
            seen.set()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # a task that nobody ends would go on for ever

    seen = threading.Event()
    thread = threading.Thread(target=terminate)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert seen.is_set()


def test_a_task_that_is_killed_stops_its_container_and_leaves_the_target_as_it_was(
    usual: Docked, warehouse: str, images: dict[str, str], database: Database
) -> None:
    usual.settle(MARKET="endless")
    text = "retries: 0\n" + NO_CHECK
    dag = usual.declare("killed", market.datakit, text, target=warehouse, images=images)
    run = begun(usual, dag)
    go_on(dag, run, rounds=2)

    def loads() -> bool:
        return bool(database.query("SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 0"))

    with terminated(loads):
        go_on(dag, run)

    assert states(run)["bronze.offers"] == "failed"
    report = xcom(run, "bronze.offers")
    assert (report["status"], report["exit_code"]) == ("stopped", 143)
    assert usual.api.started() == []
    assert list(usual.folder.iterdir()) == []
    assert database.query("SELECT count(*) FROM market_bronze.offer") == [(0,)]

    usual.settle()
    dag = usual.declare("killed", market.datakit, text, target=warehouse, images=images)
    clear(run, "bronze.offers", "silver.goods")
    go_on(dag, run)
    assert states(run)["silver.goods"] == "success"
    assert xcom(run, "bronze.offers")["run_id"] != report["run_id"]
    assert database.query("SELECT count(*) FROM market.good") == [(3,)]


def test_what_an_image_says_that_is_no_report_fails_for_good(docked: Docked, warehouse: str) -> None:
    images = {"sqlmodel": docked.api.reference("rubbish")}
    text = "retries: 3\n"
    run = docked.declare("rubbish", market.datakit, text, target=warehouse, images=images).test()

    assert states(run)["deploy"] == "failed"
    assert instance(run, "deploy").try_number == 1
    assert set(states(run).values()) == {"success", "failed", "upstream_failed"}


def test_an_image_that_says_nothing_and_ends_badly_fails(docked: Docked, warehouse: str) -> None:
    images = {"sqlmodel": docked.api.reference("postgres")}
    text = "retries: 1\n"
    run = docked.declare("mute", market.datakit, text, target=warehouse, images=images).test()

    assert states(run)["deploy"] == "failed"
    assert instance(run, "deploy").try_number == 2
    assert xcom(run, "deploy") is None


def test_an_image_that_is_not_there_fails_for_good(docked: Docked, warehouse: str) -> None:
    images = {"sqlmodel": docked.api.reference("market").partition("@")[0] + f"@sha256:{'0' * 64}"}
    run = docked.declare("absent", market.datakit, "retries: 3\n", target=warehouse, images=images).test()

    assert states(run)["deploy"] == "failed"
    assert instance(run, "deploy").try_number == 1
