"""An Airflow with DAGs of two teams."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest
from datakit_testing import Container, Containers, Database, wait_until

sys.path.insert(0, str(Path(__file__).parent))

from described_teams import FLIGHTS, PUNCTUALITY

HOME = "/opt/airflow"
DAGS = Path("platform/airflow/tests/pages/dags")


@pytest.fixture(scope="session")
def airflow(
    containers: Containers, postgres: Database, tmp_path_factory: pytest.TempPathFactory
) -> Container:
    """Airflow on the project's PostgreSQL, everybody an administrator, both DAGs read."""
    folder = tmp_path_factory.mktemp("airflow")
    dags = shutil.copytree(DAGS, folder / "dags")
    for description in (FLIGHTS, PUNCTUALITY):
        (dags / f"{description.name}.json").write_text(description.text())
    url = folder / "url"
    url.write_text(postgres.inside_url)
    for path in (folder, folder.parent, folder.parent.parent, dags):
        path.chmod(0o755)
    for path in (url, *dags.iterdir()):
        path.chmod(0o644)
    container = containers.start(
        "airflow",
        "standalone",
        name="airflow",
        env={
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "read-secret /run/secrets/url",
        },
        mounts={"/run/secrets/url": url, f"{HOME}/dags": dags},
        ports=[8080],
        # LocalExecutor's locks lie in /dev/shm, which is in memory elsewhere too.
        tmpfs=("/tmp", "/dev/shm"),
        volumes={HOME: "home"},
    )
    host, port = container.address(8080)

    def healthy() -> bool:
        with urllib.request.urlopen(f"http://{host}:{port}/api/v2/monitor/health", timeout=5) as response:
            answer = json.load(response)
        return all(answer[part]["status"] == "healthy" for part in ("metadatabase", "scheduler"))

    def both_read() -> bool:
        return postgres.query("SELECT dag_id FROM serialized_dag ORDER BY dag_id") == [
            ("flights",),
            ("punctuality",),
        ]

    for what, probe in (("Airflow is healthy", healthy), ("both DAGs are read", both_read)):
        wait_until(what, probe, seconds=240, interval=0.5, still_possible=lambda: container.ended)
    return container
