"""The image, run as an orchestrator runs it, against a real PostgreSQL in a container."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from datakit_testing.containers import Containers
from datakit_testing.databases import Database
from datakit_testing.readiness import wait_until
from datakit_testing.running import RunImage
from sqlmodel_framework import run_datakit
from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance

STALL = Path(__file__).parents[1] / "stall"
FLIGHTS = Path(__file__).parents[3] / "flights" / "dbt"
RUNNER = "dbt_runner"


@pytest.fixture
def database(postgres: Database) -> Database:
    return postgres.another()


@pytest.fixture
def mounts(tmp_path: Path) -> dict[str, Path]:
    tmp_path.chmod(0o755)
    # The build's own files are links, which lead nowhere inside of a container.
    return {"/dbt": Path(shutil.copytree(STALL, tmp_path / "stall", copy_function=shutil.copyfile))}


def specification(database: Database, step: str = "build", **changes: Any) -> dict[str, Any]:
    target = {
        "name": "warehouse",
        "url": database.inside_url_without_password,
        "password_env": "STALL_PASSWORD",
    }
    return {"run_id": str(uuid4()), "datakit": "stall", "step": step, "target": target} | changes


def test_gold_by_dbt_is_the_gold_of_the_demo_row_by_row(
    database: Database, run_image: RunImage, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    project = Path(shutil.copytree(FLIGHTS, tmp_path / "dbt", copy_function=shutil.copyfile))
    run_datakit("flights_datakit", database.url)
    spec = specification(database, datakit="flights", parameters={"schema": "gold_dbt"})
    done = run_image(RUNNER, spec=spec, env={"STALL_PASSWORD": database.password}, mounts={"/dbt": project})
    assert done.exit_code == 0, done.logs
    assert done.report is not None
    rows = {table["table"]: table["written"] for table in done.report["tables"]}
    assert rows == {
        "gold_dbt.dim_airline": 16,
        "gold_dbt.dim_airport": 1_462,
        "gold_dbt.dim_plane": 4_044,
        "gold_dbt.dim_date": 365,
        "gold_dbt.fact_flight": 336_776,
    }
    assert [check["offending"] for check in done.report["checks"]] == [0] * 15
    assert database.password not in done.logs + done.stdout
    for name, count in rows.items():
        table = name.partition(".")[2]
        columns = columns_of(database, "gold_dbt", table)
        # When the framework wrote a row is no data of the demo, and no column of dbt's.
        assert columns_of(database, "gold", table) ^ columns == AUDIT | (
            REFERENCE if table != FACTS else set()
        )
        assert database.query(f"SELECT count(*) FROM gold.{table}") == [(count,)]
        listed = ", ".join(f'"{column}"' for column, _ in columns)
        for one, other in (("gold", "gold_dbt"), ("gold_dbt", "gold")):
            # ALL counts equal rows as well.
            more = f"SELECT {listed} FROM {one}.{table} EXCEPT ALL SELECT {listed} FROM {other}.{table}"
            assert database.query(f"SELECT count(*) FROM ({more}) AS more") == [(0,)], (one, table)


FACTS = "fact_flight"
AUDIT = {("created_at", "timestamp with time zone"), ("updated_at", "timestamp with time zone")}
REFERENCE = {("loaded_at", "timestamp with time zone"), ("inactivated_at", "timestamp with time zone")}


def columns_of(database: Database, schema: str, table: str) -> set[tuple[str, str]]:
    """Each column with its type."""
    rows = database.query(
        "SELECT column_name, data_type FROM information_schema.columns "
        f"WHERE table_schema = '{schema}' AND table_name = '{table}'"
    )
    return {(str(column), str(kind)) for column, kind in rows}


def test_a_project_comes_in_a_package(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path], tmp_path: Path
) -> None:
    package = tmp_path / "datakits" / "stall_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    mounts["/dbt"].rename(package / "transformations")
    (tmp_path / "secret").write_text(database.password + "\n")
    spec = specification(database, parameters={"project": "stall_package:transformations", "threads": 2})
    spec["target"] = {"url": database.inside_url_without_password, "password_file": "/run/secrets/stall"}
    done = run_image(
        RUNNER, spec=spec, mounts={"/datakits": package.parent, "/run/secrets/stall": tmp_path / "secret"}
    )
    assert done.exit_code == 0, done.logs
    # Without the parameter `schema`, models go where the project's name says.
    assert database.query("SELECT code FROM stall.cheap ORDER BY code") == [("apple",), ("pear",)]


def test_a_test_that_fails_is_a_broken_contract(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path]
) -> None:
    (mounts["/dbt"] / "seeds/raw_good.csv").write_text("code,price\napple,1\napple,2\n")
    done = run_image(
        RUNNER, spec=specification(database), env={"STALL_PASSWORD": database.password}, mounts=mounts
    )
    assert done.exit_code == 65, done.logs
    assert done.report is not None
    assert {"name": "unique_good_code", "offending": 1} in done.report["checks"]
    assert "'unique_good_code' found 1" in done.report["error"]["message"]


def test_a_project_that_is_wrong_is_told(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path]
) -> None:
    (mounts["/dbt"] / "models/good.sql").write_text("select {{ ref( }}")
    done = run_image(
        RUNNER, spec=specification(database), env={"STALL_PASSWORD": database.password}, mounts=mounts
    )
    assert done.exit_code == 64
    assert done.report is not None
    assert "models/good.sql" in done.report["error"]["message"]
    nothing = run_image(RUNNER, spec=specification(database), env={"STALL_PASSWORD": "x"})
    assert nothing.exit_code == 64
    assert nothing.report is not None
    assert "no dbt project at /dbt" in nothing.report["error"]["message"]


def test_a_folder_that_the_images_user_cannot_read_is_said(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path]
) -> None:
    mounts["/dbt"].chmod(0o700)
    done = run_image(
        RUNNER, spec=specification(database), env={"STALL_PASSWORD": database.password}, mounts=mounts
    )
    assert done.exit_code == 64, done.logs
    assert done.report is not None
    assert done.report["error"]["message"] == "/dbt cannot be read: Permission denied"
    assert "10001" in done.report["error"]["hint"]


def test_a_wrong_password_is_refused_without_a_retry(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path]
) -> None:
    done = run_image(
        RUNNER, spec=specification(database), env={"STALL_PASSWORD": "wrong-hush"}, mounts=mounts
    )
    assert done.exit_code == 64
    assert done.report is not None
    assert "password authentication failed" in done.report["error"]["message"]
    assert "hush" not in done.logs + done.stdout


def test_a_sql_server_that_is_not_there_is_worth_a_retry(
    run_image: RunImage, mounts: Mapping[str, Path]
) -> None:
    target = {"name": "erp", "url": "mssql://me@localhost:1/shop", "password_env": "SHOP_PASSWORD"}
    spec = {"run_id": str(uuid4()), "datakit": "stall", "step": "run", "target": target}
    done = run_image(
        RUNNER, "run", "--wait", "0", spec=spec, env={"SHOP_PASSWORD": "hush-hush"}, mounts=mounts
    )
    assert done.exit_code == 69, done.logs
    assert done.report is not None
    # It is the driver that says so: it could be loaded.
    assert "FreeTDS" in done.report["error"]["message"]
    assert "hush" not in done.logs + done.stdout


def test_sigterm_cancels_a_model_in_the_database(
    containers: Containers, database: Database, mounts: Mapping[str, Path]
) -> None:
    (mounts["/dbt"] / "models/cheap.sql").write_text("select code from {{ ref('good') }}, pg_sleep(600)")
    runner = containers.start(
        RUNNER,
        "run",
        env={"DATAKIT_RUN_SPEC": json.dumps(specification(database)), "STALL_PASSWORD": database.password},
        mounts=mounts,
    )
    sleeping = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state = 'active' AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
    )
    wait_until(
        "the model sleeps",
        lambda: database.query(sleeping) == [(1,)],
        still_possible=lambda: runner.ended,
    )
    assert runner.stop() == 143
    assert database.query(sleeping) == [(0,)]
    report = json.loads(runner.output()[0].splitlines()[-1])
    assert report["status"] == "stopped"
    assert "stall.good" in [table["table"] for table in report["tables"]]
    assert database.query("SELECT to_regclass('stall.cheap')") == [(None,)]


class TestConformance(RunnerConformance):
    datakit = "stall"
    step = "build"
    parameters: ClassVar[Mapping[str, Any]] = {"vars": {"highest_price": 5}}

    @pytest.fixture(autouse=True)
    def _runner(self, run_image: RunImage, mounts: dict[str, Path]) -> None:
        self.run_image, self.mounts = run_image, mounts

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = self.run_image(RUNNER, *arguments, env=environment, mounts=self.mounts)
        return Outcome(done.exit_code, done.stdout, done.logs)
