"""The image between real databases in containers: PostgreSQL and MariaDB, each as source and as target."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from datakit_testing.containers import Container, Containers
from datakit_testing.databases import Database, start_mariadb, start_postgres
from datakit_testing.readiness import wait_until
from datakit_testing.running import RunImage, RunResult
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance

KIT = Path(__file__).parent / "kit"
RUNNER = "postgres_runner"

# What the source holds, and what it is in text.
ROWS = [
    ("a1", "apple", "1.50", "2024-01-01 10:00:00"),
    ("a2", "", "0.10", "2024-01-02 00:00:00"),
    ("a3", None, None, None),
    ("a4", 'say "hi",\n', "-3.00", "2024-01-03 23:59:59"),
    ("a5", "ÄÖ 😀 \\N %s", "1000000.25", "2024-01-04 00:00:00"),
    ("a1", "apple", "1.50", "2024-01-01 10:00:00"),
    ("A1", "NULL ", "0.00", "2024-01-02 12:00:00"),
]


@dataclass
class Stall:
    """A source with goods, a target without, and the way from one to the other."""

    run_image: RunImage
    mounts: Mapping[str, Path]
    source: Database
    target: Database
    parameters: dict[str, Any] = field(default_factory=dict)

    def specification(self, step: str = "extract", **changes: Any) -> dict[str, Any]:
        spec: dict[str, Any] = {
            "run_id": str(uuid4()),
            "datakit": "stall_datakit",
            "step": step,
            "target": endpoint(self.target, "warehouse", "TARGET_PASSWORD"),
        }
        if step == "extract":
            spec["source"] = endpoint(self.source, "till", "SOURCE_PASSWORD")
        return spec | changes

    @property
    def environment(self) -> dict[str, str]:
        return {"SOURCE_PASSWORD": self.source.password, "TARGET_PASSWORD": self.target.password}

    def run(self, specification: Mapping[str, Any], *arguments: str) -> RunResult:
        done = self.run_image(
            RUNNER, *arguments, spec=specification, env=self.environment, mounts=self.mounts
        )
        assert self.source.password not in done.logs + done.stdout
        assert self.target.password not in done.logs + done.stdout
        return done

    def deploy(self) -> None:
        done = self.run(self.specification("deploy"))
        assert done.exit_code == 0, done.logs

    def loaded(self, columns: str) -> list[tuple[Any, ...]]:
        return self.target.query(f"SELECT {columns} FROM stall_bronze.good ORDER BY bronze_id")


def endpoint(database: Database, name: str, password: str) -> dict[str, Any]:
    return {"name": name, "url": database.inside_url_without_password, "password_env": password}


def fill(source: Database) -> None:
    source.query(
        "CREATE TABLE good (code varchar(10), label varchar(50), price decimal(12,2), sold_at timestamp NULL)"
    )
    connection = source.connect(**({"charset": "utf8mb4"} if source.kind == "mariadb" else {}))
    with connection.cursor() as cursor:
        if source.kind == "mariadb":
            cursor.execute("SET time_zone = '+00:00'")
        cursor.executemany("INSERT INTO good VALUES (%s, %s, %s, %s)", ROWS)
    connection.commit()
    connection.close()


@pytest.fixture
def databases(postgres: Database, mariadb: Database) -> dict[str, Database]:
    return {"postgres": postgres, "mariadb": mariadb}


@pytest.fixture
def mounts(tmp_path: Path) -> dict[str, Path]:
    tmp_path.chmod(0o755)
    shutil.copytree(KIT, tmp_path / "kit")
    return {"/datakits": tmp_path / "kit"}


def new_target(database: Database) -> Database:
    """A target without tables. In MariaDB a schema is a database, so all tables of the server are gone."""
    if database.kind == "postgres":
        return database.another()
    connection = database.connect(user="root", password=database.root_password)
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS stall_bronze")
        cursor.execute("DROP DATABASE IF EXISTS datakit")
        cursor.execute("CREATE DATABASE datakit")
        cursor.execute(f"GRANT ALL ON *.* TO '{database.user}'@'%'")
    connection.close()
    return database


@pytest.fixture
def stall(databases: Mapping[str, Database], run_image: RunImage, mounts: Mapping[str, Path]) -> Stall:
    source = databases["postgres"].another()
    fill(source)
    return Stall(run_image, mounts, source, databases["postgres"].another())


@pytest.mark.parametrize("source_kind", ["postgres", "mariadb"])
@pytest.mark.parametrize("target_kind", ["postgres", "mariadb"])
def test_rows_arrive_as_they_are_with_the_same_hash_from_and_in_both_databases(
    databases: Mapping[str, Database],
    run_image: RunImage,
    mounts: Mapping[str, Path],
    source_kind: str,
    target_kind: str,
) -> None:
    target = new_target(databases[target_kind])
    source = databases[source_kind].another()
    fill(source)
    stall = Stall(run_image, mounts, source, target)
    stall.deploy()
    spec = stall.specification(image_digest=f"sha256:{'0' * 64}")
    done = stall.run(spec)
    assert done.exit_code == 0, done.logs
    assert done.report is not None
    assert [(t["table"], t["read"], t["written"]) for t in done.report["tables"]] == [("good", 7, 7)]
    assert done.report["bytes"] > 100
    assert stall.loaded("code, label, price, sold_at") == ROWS
    assert [bytes(row[0]) for row in stall.loaded("row_hash")] == [row_hash(row) for row in ROWS]
    origin = ("till", "good", source.inside_host, "full")
    assert set(stall.loaded("source_system, source_table, source_host, extraction_method")) == {origin}
    assert {str(row[0]) for row in stall.loaded("run_id")} == {spec["run_id"]}
    ledger = target.query("SELECT status, image_digest FROM datakit.run ORDER BY started_at, image_digest")
    assert sorted(ledger, key=str)[0] == ("succeeded", spec["image_digest"])

    repeated = stall.run(spec).report
    assert repeated is not None
    assert (repeated["repeated"], repeated["tables"]) == (True, [])
    source.query("INSERT INTO good VALUES ('a1', 'apple', 1.5, '2024-01-01 10:00:00')")
    again = stall.run(stall.specification()).report
    assert again is not None
    assert [(t["read"], t["written"]) for t in again["tables"]] == [(8, 1)]


@pytest.mark.parametrize("source_kind", ["postgres", "mariadb"])
def test_a_window_takes_its_rows(databases: Mapping[str, Database], stall: Stall, source_kind: str) -> None:
    stall.source = databases[source_kind].another()
    fill(stall.source)
    stall.deploy()
    window = {"start": "2024-01-02T01:00:00+01:00", "end": "2024-01-04T00:00:00Z"}
    done = stall.run(stall.specification(window=window, parameters={"window_column": "sold_at"}))
    assert done.exit_code == 0, done.logs
    assert [row[0] for row in stall.loaded("code")] == ["a2", "a4", "A1"]
    assert set(stall.loaded("extraction_method")) == {("incremental",)}


@pytest.mark.parametrize("source_kind", ["postgres", "mariadb"])
def test_what_is_wrong_with_the_source_is_one_line(
    databases: Mapping[str, Database], stall: Stall, source_kind: str
) -> None:
    stall.source = databases[source_kind].another()
    stall.source.query("CREATE TABLE good (code varchar(10))")
    stall.deploy()
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "label"),
        ({"parameters": {"tables": {"stall_bronze.good": "absent"}}}, "absent"),
        ({"source": stall.specification()["source"] | {"password_env": "TARGET_PASSWORD"}}, "till"),
    ]
    for changes, expected in cases:
        if "source" in changes and source_kind == "postgres":
            continue  # both databases are of one server, and so of one password
        done = stall.run(stall.specification(**changes))
        assert done.exit_code == 64, done.logs
        assert done.report is not None
        assert expected in done.report["error"]["message"]
    assert stall.loaded("code") == []


def start(containers: Containers, stall: Stall, table: str) -> Container:
    spec = stall.specification(parameters={"tables": {"stall_bronze.good": table}})
    env = {**stall.environment, "DATAKIT_RUN_SPEC": json.dumps(spec)}
    return containers.start(RUNNER, "run", env=env, mounts=stall.mounts)


def slow_goods(source: Database) -> None:
    """A source that gives rows for a while, and then works for ten minutes."""
    slow = "pg_sleep(600)" if source.kind == "postgres" else "sleep(600)"
    rows = "SELECT 'x' AS code, repeat('y', 40) AS label, 1 AS price, NULL AS sold_at " + (
        "FROM generate_series(1, 50000)" if source.kind == "postgres" else "FROM seq_1_to_50000"
    )
    source.query(f"CREATE VIEW slow AS {rows} UNION ALL SELECT CAST({slow} AS char), 'end', 1, NULL")


@pytest.mark.parametrize("source_kind", ["postgres", "mariadb"])
def test_sigterm_ends_an_extraction_cleanly_in_both_databases(
    containers: Containers, databases: Mapping[str, Database], stall: Stall, source_kind: str
) -> None:
    stall.source = databases[source_kind].another()
    slow_goods(stall.source)
    stall.deploy()
    runner = start(containers, stall, "slow")
    at_work = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY (%'"
        " AND state = 'active'"
        if source_kind == "postgres"
        else "SELECT count(*) FROM information_schema.processlist "
        "WHERE info LIKE 'SELECT CAST(%' AND db = database()"
    )
    wait_until("the source is at work", lambda: stall.source.query(at_work) == [(1,)])
    assert runner.stop(10) == 143
    assert json.loads(runner.output()[0].splitlines()[-1])["status"] == "stopped"
    assert stall.loaded("code") == []
    wait_until("the source is at rest", lambda: stall.source.query(at_work) == [(0,)], seconds=30)


@pytest.mark.parametrize("victim", ["postgres source", "mariadb source", "postgres target"])
def test_a_database_that_goes_away_in_the_middle_is_worth_a_retry_and_nothing_is_loaded(
    containers: Containers, databases: Mapping[str, Database], stall: Stall, victim: str
) -> None:
    kind, role = victim.split()
    start_database = start_postgres if kind == "postgres" else start_mariadb
    doomed = start_database(containers, kind, name=f"doomed-{kind}-{role}")
    if role == "source":
        stall.source = doomed
        slow_goods(doomed)
    else:
        stall.target = doomed
        # Only who writes notices that nobody reads.
        stall.source.query(
            "CREATE VIEW slow AS SELECT n AS code, repeat('y', 10000) AS label, 1 AS price, "
            "CAST(pg_sleep(0.01) AS text) AS sold_at FROM generate_series(1, 10000) AS n"
        )
    stall.deploy()
    runner = start(containers, stall, "slow")
    wait_until("the load begins", lambda: '"load started"' in runner.output()[1])
    doomed.container.signal("KILL")
    assert runner.wait(60) == 69, runner.output()
    report = json.loads(runner.output()[0].splitlines()[-1])
    assert report["error"]["retry"] is True
    assert report["tables"] == []
    if role == "source":
        assert stall.loaded("code") == []


def test_many_rows_pass_through_a_container_with_little_memory(containers: Containers, stall: Stall) -> None:
    """Two gigabytes would be needed to hold these rows as Python objects; the runner has bounded memory."""
    stall.source.query(
        "CREATE VIEW many AS SELECT n AS code, repeat('x', 100) AS label, n AS price, now() AS sold_at "
        "FROM generate_series(1, 500000) AS n"
    )
    stall.deploy()
    runner = start(containers, stall, "many")
    peak = 0
    while runner.running:
        found = runner.exec("/opt/datakit/bin/python", "-c", PEAK)
        peak = max(peak, int(found.stdout or 0)) if found.exit_code == 0 else peak
        time.sleep(0.2)
    assert runner.wait(60) == 0, runner.output()
    assert stall.target.query("SELECT count(*) FROM stall_bronze.good") == [(500_000,)]
    assert 0 < peak < 200_000, f"{peak} kB at most"


# The most memory that the container's first process ever had, in kB.
PEAK = "print(*(line.split()[1] for line in open('/proc/1/status') if line.startswith('VmHWM')))"


class TestConformance(RunnerConformance):
    datakit = "stall_datakit"
    step = "extract"

    @pytest.fixture(autouse=True)
    def _runner(self, run_image: RunImage, mounts: dict[str, Path]) -> None:
        self.run_image, self.mounts = run_image, mounts

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = self.run_image(RUNNER, *arguments, env=environment, mounts=self.mounts)
        return Outcome(done.exit_code, done.stdout, done.logs)
