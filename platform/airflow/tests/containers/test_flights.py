"""Flights as a DAG: deployed, loaded, built and checked in a real PostgreSQL, each step in its container."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from airflow.models.dagrun import DagRun
from datakit_testing import Containers, Database
from flights_datakit import datakit
from kit.docked import Docked, connection
from kit.home import HOME
from kit.orchard import instance, states, xcom
from observed import Observed, observed

LOADS = [load.id for load in datakit.loads]
GOLD = {"dim_airline": 16, "dim_airport": 1_462, "dim_plane": 4_044, "dim_date": 365, "fact_flight": 336_776}
DECLARATION = f"""
schedule: "@daily"
groups: load
dbt:
  parameters: {{schema: gold_dbt}}
  tables: {[f"gold_dbt.{table}" for table in GOLD]}
"""


@dataclass(frozen=True)
class Ran:
    """A DagRun that is done, and what was seen of it."""

    run: DagRun
    database: Database
    images: dict[str, str]
    seen: Observed
    said: str
    seconds: float

    def reports(self) -> dict[str, Any]:
        """The report of each step, by its task."""
        return {name: xcom(self.run, name) for name in states(self.run) if name != "pin"}


@pytest.fixture(scope="module")
def ran(docked: Docked, postgres: Database, request: pytest.FixtureRequest) -> Iterator[Ran]:
    database = postgres.another()
    images = {"sqlmodel": docked.api.reference("flights"), "dbt": docked.api.reference("flights_dbt")}
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")
    capture.read_global_capture()
    with connection("flights_warehouse", database) as target, observed(docked.api) as seen:
        dag = docked.declare("flights", datakit, DECLARATION, target=target, images=images)
        start = time.monotonic()
        run = dag.test()
        seconds = time.monotonic() - start
        said = "".join(capture.read_global_capture())
        sys.stdout.write(said[-20_000:])
        yield Ran(run, database, images, seen, said, seconds)


def test_every_step_succeeds_in_a_container_of_its_own(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    expected = {"pin", "deploy", *LOADS, "dbt_build", "check"}
    assert states(ran.run) == dict.fromkeys(expected, "success")
    started = {one["Config"]["Labels"]["datakit.task_id"] for one in ran.seen.containers.values()}
    assert started == expected - {"pin"}
    with capsys.disabled():
        sys.stdout.write(f"\nflights_end_to_end {ran.seconds:.1f} s, of it:\n")
        for name in ["deploy", *LOADS, "dbt_build", "check"]:
            task, report = instance(ran.run, name).duration, xcom(ran.run, name)
            sys.stdout.write(f"  {name:20} {task:6.2f} s, {report['seconds']:6.2f} s by its report\n")


def test_what_is_loaded_is_what_the_files_hold(ran: Ran) -> None:
    def counted(table: str) -> int:
        return int(ran.database.query(f"SELECT count(*) FROM {table}")[0][0])

    for table, count in {
        "dim_airline": 16,
        "dim_airport": 1_462,
        "dim_plane": 4_044,
        "dim_date": 365,
    }.items():
        assert (counted(f"gold.{table}"), counted(f"gold_dbt.{table}")) == (count, count)
    assert (counted("gold.fact_flight"), counted("gold_dbt.fact_flight")) == (336_776, 336_776)


def test_loads_run_after_what_they_read_and_dbt_after_all_of_them(ran: Ran) -> None:
    def began(name: str) -> Any:
        return instance(ran.run, name).start_date

    def ended(name: str) -> Any:
        return instance(ran.run, name).end_date

    assert ended("deploy") <= min(began(name) for name in LOADS)
    assert ended("silver.flights") <= began("gold.fact_flight")
    assert max(ended(name) for name in LOADS) <= began("dbt_build")
    assert ended("dbt_build") <= began("check")


def test_reports_are_what_tasks_leave_behind(ran: Ran) -> None:
    reports = ran.reports()
    assert {report["status"] for report in reports.values()} == {"succeeded"}
    (facts,) = reports["gold.fact_flight"]["tables"]
    assert (facts["layer"], facts["read"], facts["written"]) == ("gold", 336_776, 336_776)
    assert [check["offending"] for check in reports["check"]["checks"]] == [0] * len(datakit.checks)


def test_the_ledger_knows_the_image_of_each_run(ran: Ran) -> None:
    digest = ran.images["sqlmodel"].partition("@")[2]
    reports = ran.reports()
    assert ran.images["dbt"].endswith(reports.pop("dbt_build")["image_digest"])
    recorded = dict(ran.database.query("SELECT run_id::text, image_digest FROM datakit.run"))
    assert recorded == {report["run_id"]: digest for report in reports.values()}


def test_the_images_that_ran_are_those_of_the_build(ran: Ran, containers: Containers) -> None:
    started = {
        one["Config"]["Labels"]["datakit.task_id"]: one["Image"].removeprefix("sha256:")
        for one in ran.seen.containers.values()
    }
    assert started.pop("dbt_build") == containers.images["flights_dbt"].id
    assert set(started.values()) == {containers.images["flights"].id}


def test_a_change_of_a_table_is_told_with_its_counts(ran: Ran) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        events = session.scalars(select(AssetEvent).filter_by(source_dag_id="flights"))
        told: dict[str | None, dict[str, dict[str, Any]]] = {}
        for event in events:
            told.setdefault(event.source_task_id, {})[event.asset.name] = event.extra
    assert set(told) == {*LOADS, "dbt_build"}
    assert set(told["dbt_build"]) == {f"flights_warehouse/gold_dbt.{table}" for table in GOLD}
    facts = told["gold.fact_flight"]["flights_warehouse/gold.fact_flight"]
    assert (facts["read"], facts["written"], facts["rejected"]) == (336_776, 336_776, 0)
    assert facts["image_digest"] == ran.images["sqlmodel"].partition("@")[2]
    assert told["silver.weather"]["flights_warehouse/silver.weather"]["rejected"] == 1


def test_the_log_of_a_step_comes_as_it_is_said(ran: Ran) -> None:
    assert "load finished" in ran.said
    assert "336776" in ran.said


def test_the_password_is_nowhere(ran: Ran, docked: Docked) -> None:
    spellings = [ran.database.password.encode(), quote(ran.database.password, safe="").encode()]
    assert ran.seen.environments
    assert any(b"sqlmodel-runner" in line for line in ran.seen.command_lines)
    kept = {str(path): path.read_bytes() for path in HOME.rglob("*") if path.is_file()}
    assert any(name.endswith("airflow.db") for name in kept)  # XComs, rendered fields, states
    places = {**kept, "the log": ran.said.encode(), "what others see": ran.seen.everything()}
    for place, content in places.items():
        for spelling in spellings:
            assert spelling not in content, place
    assert list(docked.folder.iterdir()) == []


def test_containers_can_do_no_more_than_they_need_and_are_gone(ran: Ran, docked: Docked) -> None:
    for told in ran.seen.containers.values():
        settings = told["HostConfig"]
        assert settings["ReadonlyRootfs"] is True
        assert not settings["Privileged"]
        assert told["Config"]["User"] == "10001:10001"
        assert [(one["Destination"], one["RW"]) for one in told["Mounts"] if one["Type"] == "bind"] == [
            ("/run/secrets/datakit", False)
        ]
    assert docked.api.started() == []
