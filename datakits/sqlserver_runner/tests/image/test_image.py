"""The image, run as an orchestrator runs it, between a server that speaks TDS and a real PostgreSQL."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from datakit_testing.containers import Container, Containers
from datakit_testing.databases import Database
from datakit_testing.readiness import wait_until
from datakit_testing.running import RunImage, RunResult
from sqlmodel_framework.testing.certificates import write_certificate
from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance

TESTS = Path(__file__).parents[1]
RUNNER = "sqlserver_runner"
PYTHON = "/opt/datakit/bin/python"
GOODS = {
    "goods": {
        "columns": [["code", "char(5)"], ["price", "float"], ["changed", "datetimeoffset(7)"]],
        "rows": [
            ["tea  ", 2.5, [108_000_000_007, 738000, 330]],
            ["salt ", 1e20, None],
            ["milk ", -1.0, None],
        ],
    }
}


@pytest.fixture
def database(postgres: Database) -> Database:
    return postgres.another()


@pytest.fixture
def mounts(tmp_path: Path) -> dict[str, Path]:
    tmp_path.chmod(0o755)
    # The build's own files are links, which lead nowhere inside of a container.
    shutil.copytree(TESTS / "kit", tmp_path / "kit")
    return {"/datakits": tmp_path / "kit"}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = write_certificate(tmp_path / "erp.pem", "erp")
    file.chmod(0o644)
    return file


def start_server(containers: Containers, mounts: Mapping[str, Path], **settings: Any) -> Container:
    """A server that speaks TDS, as `erp` on the network."""
    server = containers.start(
        RUNNER,
        "/datakits/tds_server.py",
        json.dumps({"port": 1433, **settings}),
        name="erp",
        entrypoint=PYTHON,
        mounts=mounts,
    )
    wait_until(
        "the server listens",
        lambda: "listening" in server.output()[0],
        still_possible=lambda: server.ended,
    )
    return server


def specification(database: Database, step: str = "extract", **source: Any) -> dict[str, Any]:
    return {
        "run_id": str(uuid4()),
        "datakit": "stall_datakit",
        "step": step,
        "source": {"name": "erp", "url": "mssql://reader@erp:1433/sales", "password_env": "ERP_PASSWORD"}
        | source,
        "target": {
            "name": "warehouse",
            "url": database.inside_url_without_password,
            "password_env": "WAREHOUSE_PASSWORD",
        },
        "parameters": {"tables": {"stall_bronze.raw_good": "goods"}} if step == "extract" else {},
    }


def run(
    run_image: RunImage, database: Database, spec: Mapping[str, Any], mounts: Mapping[str, Path]
) -> RunResult:
    env = {"ERP_PASSWORD": "hush-hush", "WAREHOUSE_PASSWORD": database.password}
    done = run_image(RUNNER, "run", "--wait", "5", spec=spec, env=env, mounts=mounts)
    assert "hush-hush" not in done.stdout + done.logs
    assert done.report is not None, done.logs
    return done


def test_the_driver_is_in_the_image(containers: Containers) -> None:
    code = "import pyodbc; print(pyodbc.drivers())"
    done = containers.run(RUNNER, "-c", code, entrypoint=PYTHON)
    assert done.stdout.strip() == "['FreeTDS']", done.stderr


def test_rows_go_from_tds_to_postgresql(
    containers: Containers,
    run_image: RunImage,
    database: Database,
    mounts: Mapping[str, Path],
    certificate: Path,
) -> None:
    mounts = {**mounts, "/erp.pem": certificate}
    server = start_server(containers, mounts, certificate="/erp.pem", tables=GOODS)
    try:
        deployed = run(run_image, database, specification(database, "deploy"), mounts)
        assert deployed.exit_code == 0, deployed.logs
        done = run(run_image, database, specification(database, options={"ca_file": "/erp.pem"}), mounts)
        assert done.exit_code == 0, done.logs
        assert done.report is not None
        assert [(t["table"], t["read"], t["written"]) for t in done.report["tables"]] == [("goods", 3, 3)]
        rows = "SELECT code, price, changed, source_system FROM stall_bronze.raw_good ORDER BY code"
        assert database.query(rows) == [
            ("milk", "-1", None, "erp"),
            ("salt", "1e+20", None, "erp"),
            ("tea", "2.5", "2021-07-30 03:00:00.0000007+00", "erp"),
        ]
        again = run(run_image, database, specification(database, options={"ca_file": "/erp.pem"}), mounts)
        assert again.report is not None
        assert [(t["read"], t["written"]) for t in again.report["tables"]] == [(3, 0)]
        loaded = run(run_image, database, specification(database, "load"), mounts)
        assert loaded.exit_code == 0, loaded.logs
        assert database.query("SELECT code FROM stall.good ORDER BY code") == [("salt",), ("tea",)]
    finally:
        server.remove()


def test_a_certificate_that_nobody_vouches_for_is_refused(
    containers: Containers,
    run_image: RunImage,
    database: Database,
    mounts: Mapping[str, Path],
    certificate: Path,
) -> None:
    mounts = {**mounts, "/erp.pem": certificate}
    server = start_server(containers, mounts, certificate="/erp.pem")
    try:
        done = run(run_image, database, specification(database), mounts)
        assert done.exit_code == 64
        assert done.report is not None
        assert "not trusted: self-signed certificate" in done.report["error"]["message"]
        assert '"login"' not in server.output()[0]
    finally:
        server.remove()


def test_no_password_is_sent_in_the_clear(
    containers: Containers, run_image: RunImage, database: Database, mounts: Mapping[str, Path]
) -> None:
    server = start_server(containers, mounts)
    try:
        done = run(run_image, database, specification(database), mounts)
        assert done.exit_code == 64
        assert done.report is not None
        assert "the server does not encrypt" in done.report["error"]["message"]
        assert '"pre_login"' in server.output()[0]
        assert '"login"' not in server.output()[0]
    finally:
        server.remove()


def test_a_wrong_password_is_refused_without_a_retry(
    containers: Containers,
    run_image: RunImage,
    database: Database,
    mounts: Mapping[str, Path],
    certificate: Path,
) -> None:
    mounts = {**mounts, "/erp.pem": certificate}
    refusal = [18456, "Login failed for user 'reader'."]
    server = start_server(containers, mounts, certificate="/erp.pem", refusal=refusal)
    try:
        spec = specification(database, options={"ca_file": "/erp.pem"})
        done = run(run_image, database, spec, mounts)
        assert done.exit_code == 64
        assert done.report is not None
        assert done.report["error"]["message"] == "SQL Server erp: Login failed for user 'reader'."
        assert server.output()[0].count('"login"') == 1
    finally:
        server.remove()


def test_nobody_there_is_worth_a_retry_and_is_waited_for(
    run_image: RunImage, database: Database, mounts: Mapping[str, Path]
) -> None:
    spec = specification(database, url="mssql://reader@127.0.0.1:1/sales")
    started = time.monotonic()
    done = run(run_image, database, spec, mounts)
    assert time.monotonic() - started >= 5
    assert done.exit_code == 69
    assert done.report is not None
    assert done.report["error"]["message"] == "SQL Server erp: nobody answers at 127.0.0.1:1"
    assert '"waiting"' in done.logs


def test_microsofts_driver_that_is_not_there_is_said(
    run_image: RunImage, database: Database, mounts: Mapping[str, Path]
) -> None:
    spec = specification(database, options={"driver": "ODBC Driver 18 for SQL Server"})
    done = run(run_image, database, spec, mounts)
    assert done.exit_code == 64
    assert done.report is not None
    assert "its ODBC driver cannot be loaded" in done.report["error"]["message"]
    assert "an image of your own" in done.report["error"]["hint"]


def test_sigterm_cancels_a_query_that_does_not_answer(
    containers: Containers, database: Database, mounts: Mapping[str, Path], certificate: Path
) -> None:
    mounts = {**mounts, "/erp.pem": certificate}
    server = start_server(containers, mounts, certificate="/erp.pem", silent=["goods"])
    try:
        env = {"ERP_PASSWORD": "hush-hush", "WAREHOUSE_PASSWORD": database.password}

        def start(spec: Mapping[str, Any]) -> Container:
            return containers.start(
                RUNNER, "run", env={**env, "DATAKIT_RUN_SPEC": json.dumps(spec)}, mounts=mounts
            )

        assert start(specification(database, "deploy")).wait() == 0
        runner = start(specification(database, options={"ca_file": "/erp.pem"}))
        wait_until(
            "the query is under way",
            lambda: '"batch": "SELECT code, price, changed' in server.output()[0],
            still_possible=lambda: runner.ended,
        )
        assert runner.stop() == 143
        assert '"attention"' in server.output()[0]
        assert json.loads(runner.output()[0].splitlines()[-1])["status"] == "stopped"
        assert database.query("SELECT count(*) FROM stall_bronze.raw_good") == [(0,)]
    finally:
        server.remove()


class TestConformance(RunnerConformance):
    datakit = "stall_datakit"
    step = "extract"
    unreachable: ClassVar = {"name": "nobody", "url": "mssql://me@127.0.0.1:1/db"}

    @pytest.fixture(autouse=True)
    def _runner(self, run_image: RunImage, mounts: dict[str, Path]) -> None:
        self.run_image, self.mounts = run_image, mounts

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = self.run_image(RUNNER, *arguments, env=environment, mounts=self.mounts)
        return Outcome(done.exit_code, done.stdout, done.logs)
