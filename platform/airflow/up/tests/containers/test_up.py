"""`up` and `down` as their users call them: the flights DAG runs in a real Airflow, and nothing is left."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from datakit_testing import wait_until
from datakit_testing.engine import LAUNCHER_MARKER

ROOT = Path("platform/airflow/up").absolute()
ANY_PORTS = ("--port=0", "--target-port=0")


def command(name: str, folder: Path, *options: str) -> list[str]:
    return [sys.executable, str(ROOT / f"{name}.py"), f"--folder={folder}", *options]


def call(name: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(name, folder, *options), capture_output=True, text=True, timeout=500)


def processes_of(folder: Path) -> list[str]:
    """Command lines of all that runs for this folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder) in text and "/up.py" not in text:
            found.append(text)
    return found


def refuses(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


class Local:
    """A local Airflow that is up."""

    def __init__(self, folder: Path, printed: str) -> None:
        self.folder = folder
        self.printed = printed
        self.told = dict(re.findall(r"^(\S[^\n]{0,11}?) {2,}(.*)$", printed, re.MULTILINE))
        self.token = ""

    @property
    def target_port(self) -> int:
        return int(re.findall(r":(\d+)/", self.told["target"])[0])

    @property
    def port(self) -> int:
        return int(self.told["Airflow"].rpartition(":")[2])

    def api(self, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.told["Airflow"] + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def query(self, sql: str) -> Any:
        password = (self.folder / "secrets" / "target_password").read_text().strip()
        with closing(psycopg2.connect(self.told["target"], password=password)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()


@pytest.fixture(scope="module", autouse=True)
def _in_the_launcher() -> None:
    if not LAUNCHER_MARKER.exists():
        pytest.skip("the local Airflow runs only in the root of ./bazelw")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("local") / "airflow"
    ended = call("up", folder, *ANY_PORTS)
    try:
        assert ended.returncode == 0, ended.stdout + ended.stderr
        yield Local(folder, ended.stdout)
    finally:
        call("down", folder)


def test_the_flights_dag_runs_and_its_rows_are_in_the_target(local: Local) -> None:
    login = {"username": local.told["user"], "password": local.told["password"]}
    local.token = local.api("/auth/token", login)["access_token"]
    # The DAG is there once it was parsed.
    wait_until("the DAG is there", lambda: local.api("/api/v2/dags/flights"), seconds=90, interval=0.5)
    run = local.api("/api/v2/dags/flights/dagRuns", {"logical_date": None})
    path = f"/api/v2/dags/flights/dagRuns/{run['dag_run_id']}"
    state = wait_until(
        "the DagRun ends",
        lambda: (state := local.api(path)["state"]) in ("success", "failed") and state,
        seconds=400,
        interval=1,
    )
    tasks = {task["task_id"]: task["state"] for task in local.api(f"{path}/taskInstances")["task_instances"]}
    assert state == "success", tasks
    assert set(tasks.values()) == {"success"}
    assert local.query("SELECT count(*) FROM gold.fact_flight") == [(336776,)]


def test_no_secret_is_in_a_log_or_a_command_line(local: Local) -> None:
    secrets = [path.read_text().strip() for path in (local.folder / "secrets").iterdir()]
    secrets += [local.told["password"]]
    assert len(secrets) == 8
    lines = "\n".join(file.read_text() for file in Path("/proc").glob("[0-9]*/cmdline"))
    for text in (lines, (local.folder / "log").read_text()):
        assert not [secret for secret in secrets if secret in text]


def test_files_with_secrets_are_for_their_reader_alone(local: Local) -> None:
    files = [*(local.folder / "secrets").iterdir(), *(local.folder / "passwords").iterdir()]
    assert {path.stat().st_mode & 0o777 for path in [*files, local.folder / "password"]} == {0o600}


def test_up_again_tells_where_it_is_and_no_password(local: Local) -> None:
    ended = call("up", local.folder)
    assert ended.returncode == 0
    assert "It is up already." in ended.stderr
    assert local.told["Airflow"] in ended.stdout
    assert local.told["password"] not in ended.stdout


def test_down_leaves_nothing_and_can_be_called_again(local: Local) -> None:
    assert processes_of(local.folder)
    ended = call("down", local.folder)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert not local.folder.exists()
    assert not processes_of(local.folder)
    assert refuses(local.port)
    assert refuses(local.target_port)
    again = call("down", local.folder)
    assert (again.returncode, again.stderr) == (0, f"Nothing is up in {local.folder}.\n")


def test_a_port_that_is_taken_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = call("up", tmp_path / "airflow", f"--port={taken.getsockname()[1]}")
    assert ended.returncode == 69
    assert "cannot be used: Address already in use\nchoose another: --port PORT\n" in ended.stderr
    assert not (tmp_path / "airflow").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_up_that_is_interrupted_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "airflow"
    with subprocess.Popen(command("up", folder, *ANY_PORTS), stderr=subprocess.PIPE, text=True) as process:
        wait_until("it has begun", lambda: (folder / "progress.json").exists(), seconds=60)
        process.send_signal(number)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert told.endswith("interrupted: nothing is left\n")
    assert not folder.exists()
    assert not processes_of(folder)


def test_what_a_killed_one_left_behind_is_removed_by_down(tmp_path: Path) -> None:
    folder = tmp_path / "airflow"
    with subprocess.Popen(command("up", folder, *ANY_PORTS), stderr=subprocess.PIPE, text=True) as process:
        wait_until("it has begun", lambda: (folder / "progress.json").exists(), seconds=60)
        process.kill()
    assert processes_of(folder), "what was started goes on without the command"
    os.kill(json.loads((folder / "state.json").read_text())["pid"], signal.SIGKILL)
    assert call("down", folder).returncode == 0
    assert not folder.exists()
    assert not processes_of(folder)
