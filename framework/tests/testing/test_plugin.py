import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlmodel_framework import Target

TESTS = """
from sqlalchemy import create_engine, text

def name(target):
    engine = create_engine(target.secret_url())
    with engine.begin() as connection:
        found = connection.execute(text("SELECT current_database()")).scalar()
        connection.execute(text("CREATE TABLE IF NOT EXISTS seen (n int)"))
    engine.dispose()
    return found

def test_one(datakit_target, record):
    record(name(datakit_target))

def test_two(datakit_target, record):
    record(name(datakit_target))
"""
CONFTEST = """
import os
from pathlib import Path
import pytest

@pytest.fixture
def record(request):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    def write(name):
        Path(os.environ["SEEN"], f"{worker}-{request.node.name}").write_text(name)
    return write
"""


def run(folder: Path, *arguments: str, **environment: str) -> dict[str, str]:
    (folder / "test_it.py").write_text(TESTS)
    (folder / "conftest.py").write_text(CONFTEST)
    seen = folder / "seen"
    seen.mkdir()
    command = ["-q", "-p", "no:cacheprovider", "-p", "no:datakit", "-p", "sqlmodel_framework.testing.plugin"]
    base = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, f"--basetemp={folder / 'tmp'}", *arguments, "test_it.py"],
        cwd=folder,
        env={**base, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "SEEN": str(seen), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: path.read_text() for path in seen.iterdir()}


def test_a_session_has_one_database_and_the_server_is_gone_afterwards(tmp_path: Path) -> None:
    seen = run(tmp_path)
    assert sorted(seen) == ["main-test_one", "main-test_two"]
    assert len(set(seen.values())) == 1
    assert not list((tmp_path / "tmp").rglob("postmaster.pid"))


def test_each_worker_has_a_database_of_its_own_on_one_server(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    seen = run(tmp_path, "-n", "2", "--dist=each", "--tx=2*popen")
    assert sorted(seen) == ["gw0-test_one", "gw0-test_two", "gw1-test_one", "gw1-test_two"]
    assert seen["gw0-test_one"] == seen["gw0-test_two"] != seen["gw1-test_one"]
    assert len(list((tmp_path / "tmp").rglob("PG_VERSION"))) > 0
    # It stops after the last worker, which need not be the one that started it and waits for its end.
    deadline = time.monotonic() + 60
    while list((tmp_path / "tmp").rglob("postmaster.pid")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_is_named_is_used_and_left_clean(tmp_path: Path, datakit_server: Target) -> None:
    from sqlmodel_framework.engines.postgres.engine import PostgresEngine

    url = datakit_server.secret_url().render_as_string(hide_password=False)
    seen = run(tmp_path, DATAKIT_TEST_URL=url)
    assert not (tmp_path / "tmp" / "datakit-postgres").exists()
    left = PostgresEngine(datakit_server).read_rows("SELECT datname FROM pg_database")
    assert not {row["datname"] for row in left} & set(seen.values())
