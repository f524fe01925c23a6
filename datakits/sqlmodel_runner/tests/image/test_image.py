"""The image, run as an orchestrator runs it, against a real PostgreSQL in a container."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from datakit_testing.containers import Containers
from datakit_testing.databases import Database, start_postgres
from datakit_testing.readiness import wait_until
from datakit_testing.running import RunImage
from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance

KIT = Path(__file__).parent / "kit"
RUNNER = "sqlmodel_runner"


@pytest.fixture
def database(postgres: Database) -> Database:
    return postgres.another()


@pytest.fixture
def mounts(tmp_path: Path) -> dict[str, Path]:
    tmp_path.chmod(0o755)
    (tmp_path / "goods.csv").write_text("code,price\napple,1\npear,-2\nplum,3\n")
    # The build's own files are links, which lead nowhere inside of a container.
    shutil.copytree(KIT, tmp_path / "kit")
    return {"/datakits": tmp_path / "kit", "/data": tmp_path}


def specification(database: Database, step: str = "run", **changes: Any) -> dict[str, Any]:
    target = {
        "name": "stall",
        "url": database.inside_url_without_password,
        "password_env": "STALL_PASSWORD",
    }
    return {"run_id": str(uuid4()), "datakit": "stall_datakit", "step": step, "target": target} | changes


def test_a_mounted_datakit_is_deployed_loaded_and_checked(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path]
) -> None:
    env = {"STALL_PASSWORD": database.password}
    digest = f"sha256:{'0' * 64}"
    spec = specification(database, image_digest=digest)
    done = run_image(RUNNER, spec=spec, env=env, mounts=mounts)
    assert done.exit_code == 0, done.logs
    assert done.report is not None
    assert done.report["status"] == "succeeded"
    counts = [(t["layer"], t["read"], t["written"], t["rejected"]) for t in done.report["tables"]]
    assert counts == [("bronze", 3, 3, 0), ("silver", 3, 2, 1)]
    assert database.query("SELECT code, price FROM stall.good ORDER BY code") == [
        ("apple", 1.0),
        ("plum", 3.0),
    ]
    assert database.query("SELECT run_id::text, image_digest FROM datakit.run") == [(spec["run_id"], digest)]
    assert database.password not in done.logs + done.stdout

    again = run_image(RUNNER, spec=spec, env=env, mounts=mounts)
    assert again.report is not None
    assert (again.exit_code, again.report["repeated"], again.report["tables"]) == (0, True, [])


def test_a_password_comes_from_a_file(
    database: Database, run_image: RunImage, mounts: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(database.password + "\n")
    spec = specification(database, "deploy")
    spec["target"] = {"url": database.inside_url_without_password, "password_file": "/run/secrets/stall"}
    done = run_image(RUNNER, spec=spec, mounts={**mounts, "/run/secrets/stall": tmp_path / "secret"})
    assert done.exit_code == 0, done.logs


def test_airflow_finds_the_report_where_it_looks(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path], tmp_path: Path
) -> None:
    xcom = tmp_path / "xcom"
    xcom.mkdir()
    xcom.chmod(0o777)
    done = run_image(
        RUNNER,
        spec=specification(database, "deploy"),
        env={"STALL_PASSWORD": database.password},
        mounts=mounts,
        writable_mounts={"/airflow/xcom": xcom},
    )
    assert done.exit_code == 0, done.logs
    assert (xcom / "return.json").read_text().strip() == done.stdout.strip()


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


def test_what_the_images_user_cannot_read_is_said(
    database: Database, run_image: RunImage, mounts: Mapping[str, Path], tmp_path: Path
) -> None:
    def error() -> dict[str, Any]:
        env = {"STALL_PASSWORD": database.password}
        done = run_image(RUNNER, spec=specification(database), env=env, mounts=mounts)
        assert done.exit_code == 64, done.logs
        assert done.report is not None
        found: dict[str, Any] = done.report["error"]
        return found

    (tmp_path / "goods.csv").chmod(0o600)
    assert error()["message"] == "goods.csv cannot be opened: Permission denied"
    (tmp_path / "kit").chmod(0o700)
    assert error()["hint"] == "this user cannot read /datakits, where Python looks for it"


def test_a_database_that_starts_later_is_waited_for(
    containers: Containers, mounts: Mapping[str, Path]
) -> None:
    spec = {
        "run_id": str(uuid4()),
        "datakit": "stall_datakit",
        "step": "run",
        "target": {"url": "postgresql://datakit@later:5432/datakit", "password_env": "STALL_PASSWORD"},
    }
    runner = containers.start(
        RUNNER,
        "run",
        "--wait",
        "90",
        env={"DATAKIT_RUN_SPEC": json.dumps(spec), "STALL_PASSWORD": "known before"},
        mounts=mounts,
    )
    wait_until("the runner waits", lambda: '"waiting"' in runner.output()[1])
    later = start_postgres(containers, name="later", password="known before")
    assert runner.wait(90) == 0, runner.output()
    assert later.query("SELECT count(*) FROM stall.good") == [(2,)]


def test_sigterm_ends_a_load_cleanly(
    containers: Containers, database: Database, mounts: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "goods.csv").unlink()
    os.mkfifo(tmp_path / "goods.csv", 0o644)
    runner = containers.start(
        RUNNER,
        "run",
        env={"DATAKIT_RUN_SPEC": json.dumps(specification(database)), "STALL_PASSWORD": database.password},
        mounts=mounts,
    )
    wait_until("the load begins", lambda: '"load started"' in runner.output()[1])
    with (tmp_path / "goods.csv").open("w") as file:
        file.write("code,price\n" + "apple,1\n" * 20_000)
        file.flush()
        copying = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
        wait_until("the load is under way", lambda: database.query(copying) == [(1,)])
        assert runner.stop(10) == 143
    assert json.loads(runner.output()[0].splitlines()[-1])["status"] == "stopped"
    assert database.query("SELECT count(*) FROM stall_bronze.raw_good") == [(0,)]


class TestConformance(RunnerConformance):
    datakit = "stall_datakit"
    step = "run"

    @pytest.fixture(autouse=True)
    def _runner(self, run_image: RunImage, mounts: dict[str, Path]) -> None:
        self.run_image, self.mounts = run_image, mounts

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = self.run_image(RUNNER, *arguments, env=environment, mounts=self.mounts)
        return Outcome(done.exit_code, done.stdout, done.logs)
