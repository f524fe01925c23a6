"""The Airflow image as its users know it: read-only files, nobody's user, PostgreSQL behind it."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from datakit_testing import Container, Containers, Database, wait_until

HOME = "/opt/airflow"
DAGS = Path("platform/airflow/tests/image/dags")
PROVIDERS = {"cncf-kubernetes", "common-sql", "docker", "openlineage", "postgres", "standard"}
PARTS = ("scheduler", "triggerer", "dag_processor")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, postgres: Database) -> dict[str, Any]:
    """How a container is started: the database's URL comes by a file, and so is in no variable."""
    folder = tmp_path_factory.mktemp("secrets")
    url = folder / "url"
    url.write_text(f"{postgres.inside_url}\n")
    for path in (folder, folder.parent, folder.parent.parent):
        path.chmod(0o755)
    return {
        "env": {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "read-secret /run/secrets/url",
        },
        # LocalExecutor's locks lie in /dev/shm, which is in memory elsewhere too.
        "tmpfs": ("/tmp", "/dev/shm"),
        "mounts": {"/run/secrets/url": url, f"{HOME}/dags": DAGS.absolute()},
    }


@pytest.fixture(scope="module")
def migrated(containers: Containers, settings: dict[str, Any], postgres: Database) -> str:
    """What `airflow db migrate` wrote, on an empty database."""
    assert postgres.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    ended = containers.run("airflow", "db", "migrate", seconds=180, volumes={HOME: "migration"}, **settings)
    assert ended.exit_code == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def airflow(containers: Containers, settings: dict[str, Any], migrated: str) -> Container:
    """`airflow standalone`, of which every part says that it is healthy."""
    assert migrated
    container = containers.start(
        "airflow", "standalone", name="airflow", volumes={HOME: "home"}, ports=[8080], **settings
    )

    def all_healthy() -> bool:
        answer = ask(container, "/api/v2/monitor/health")
        return all(answer[part]["status"] == "healthy" for part in ("metadatabase", *PARTS))

    wait_until(
        "every part of Airflow is healthy",
        all_healthy,
        seconds=300,
        interval=0.5,
        still_possible=lambda: container.ended,
    )
    return container


def ask(container: Container, path: str, token: str = "", **body: Any) -> Any:
    """What the API server answers; a body makes it a POST."""
    host, port = container.address(8080)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"http://{host}:{port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def token(airflow: Container) -> str:
    """Of the user whose password the first start wrote to the log."""
    found = re.search(r"Password for user 'admin': (\S+)", airflow.logs())
    assert found
    return str(ask(airflow, "/auth/token", username="admin", password=found[1])["access_token"])


def test_migrating_makes_the_tables_of_airflow(migrated: str, postgres: Database) -> None:
    assert postgres.query("SELECT count(*) FROM alembic_version") == [(1,)]
    assert postgres.password not in migrated


def test_the_health_check_asks_the_parts_that_it_names(airflow: Container) -> None:
    assert airflow.exec("healthcheck", *PARTS).exit_code == 0
    ended = airflow.exec("healthcheck", "nonsense")
    assert (ended.exit_code, ended.stderr) == (1, "nonsense: not there\n")
    elsewhere = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:8080/execution/"}
    assert airflow.exec("healthcheck", env={"AIRFLOW__API__PORT": "1", **elsewhere}).exit_code == 0
    ended = airflow.exec("healthcheck", env={"AIRFLOW__API__PORT": "1"})
    assert ended.exit_code == 1
    assert "Connection refused" in ended.stderr


def test_a_secret_that_is_not_there_is_named(airflow: Container) -> None:
    ended = airflow.exec("read-secret", "/run/secrets/none")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == "read-secret: /run/secrets/none: No such file or directory\n"


def test_no_examples_and_the_dags_that_are_mounted(airflow: Container) -> None:
    ended = airflow.exec("airflow", "dags", "list", "--output=json", seconds=120)
    assert ended.exit_code == 0, ended.stderr
    assert [row["dag_id"] for row in json.loads(ended.stdout.splitlines()[-1])] == ["first"]


def test_the_providers_that_datakits_need(airflow: Container, token: str) -> None:
    listed = ask(airflow, "/api/v2/providers", token)["providers"]
    assert {row["package_name"].removeprefix("apache-airflow-providers-") for row in listed} >= PROVIDERS


def test_a_task_runs_as_the_images_user(airflow: Container, token: str, postgres: Database) -> None:
    ask(airflow, "/api/v2/dags/first/dagRuns", token, logical_date=None)
    state = wait_until(
        "the run of the DAG ends",
        lambda: postgres.query("SELECT state FROM dag_run WHERE state IN ('success', 'failed')"),
        seconds=180,
        still_possible=lambda: airflow.ended,
    )
    assert state == [("success",)]
    assert postgres.query("SELECT value FROM xcom WHERE key = 'return_value'") == [(10001,)]


def test_the_password_is_in_no_log_and_in_no_variable(airflow: Container, postgres: Database) -> None:
    assert postgres.password not in airflow.logs()
    code = "import os; print(*os.environ.values(), open('/proc/1/environ').read())"
    assert postgres.password not in airflow.exec("python", "-c", code).stdout


def test_it_ends_in_good_order(airflow: Container) -> None:
    assert airflow.stop(seconds=60) == 0, "the last test: nothing may ask it afterwards"
    assert "Shutting down components" in airflow.logs()
