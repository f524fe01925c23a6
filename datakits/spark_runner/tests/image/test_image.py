"""The image, run as an orchestrator runs it: on one machine, and on a cluster of the same image."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from datakit_testing.containers import Container, Containers
from datakit_testing.databases import Database
from datakit_testing.readiness import wait_until
from datakit_testing.running import RunImage, RunResult
from spark_cluster import SHORT_STARTS, Cluster, running_cluster
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance

KIT = Path(__file__).parent / "kit"
RUNNER = "spark_runner"
SALE = ("number", "note", "sold_at", "day", "price", "weight", "paid", "data")
SALES = 10_000

# Every seventh note is of a kind of its own; what is at the ends of a type is at the end of the table.
SOURCE = rf"""
CREATE TABLE sale (number bigint, note text, sold_at timestamptz, day date, price numeric(30, 4),
                   weight double precision, paid boolean, data bytea);
INSERT INTO sale
SELECT n,
       CASE n % 7 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'a "quoted", b' WHEN 3 THEN E'two\nlines\r\n'
                  WHEN 4 THEN 'ünï 🍐' WHEN 5 THEN '\N' ELSE ' NULL ' END,
       timestamptz '2024-01-01 00:00:00.123456+02' + n * interval '1 hour',
       date '2024-01-01' + n::int, n / 7.0, n / 3.0::float8, n % 2 = 0, decode(lpad(to_hex(n), 8, '0'), 'hex')
FROM generate_series(1, {SALES - 3}) AS n;
INSERT INTO sale VALUES
  (NULL, 'no number', NULL, NULL, NULL, NULL, NULL, NULL),
  (9223372036854775807, 'the largest', 'infinity', '-infinity', -99999999999999999999.9999, 'NaN', true, ''),
  (-9223372036854775808, 'the least', '0044-03-15 00:00:00+00 BC', '9999-12-31', 0, '-Infinity', false,
   '\x00');
CREATE VIEW reader AS
SELECT n AS number, host(inet_client_addr()) || left(pg_sleep(1)::text, 0) AS address
FROM generate_series(1, 8) AS n;
CREATE VIEW slow AS
SELECT n AS number, pg_sleep(600)::text AS address FROM generate_series(1, 8) AS n;
"""


@pytest.fixture(scope="module")
def source(postgres: Database) -> Database:
    database = postgres.another()
    database.query(SOURCE)
    return database


Run = Callable[..., RunResult]


@pytest.fixture(scope="module")
def target(source: Database, run_image: RunImage) -> Database:
    return deployed(source, run_image)


def deployed(source: Database, run_image: RunImage) -> Database:
    database = source.another()
    spec = specification(source, database, "deploy")
    done = run_image(RUNNER, spec=spec, env={"PASSWORD": database.password}, mounts={"/datakits": KIT})
    assert done.exit_code == 0, done.logs
    return database


def specification(
    source: Database, target: Database, step: str, parameters: Mapping[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    def endpoint(name: str, database: Database) -> dict[str, Any]:
        return {"name": name, "url": database.inside_url_without_password, "password_env": "PASSWORD"}

    return {
        "run_id": str(uuid4()),
        "datakit": "market_datakit",
        "step": step,
        "source": endpoint("tills", source),
        "target": endpoint("market", target),
        "parameters": dict(parameters or {}),
    } | changes


def with_short_starts(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {**parameters, "conf": {**SHORT_STARTS, **parameters.get("conf", {})}}


@pytest.fixture
def run(source: Database, target: Database, run_image: RunImage) -> Run:
    """Runs a step, and looks whether the rules of the contract that every run has to keep are kept."""

    def run_step(
        step: str, parameters: Mapping[str, Any], *, exit_code: int = 0, **changes: Any
    ) -> RunResult:
        spec = specification(source, target, step, with_short_starts(parameters), **changes)
        done = run_image(RUNNER, spec=spec, env={"PASSWORD": source.password}, mounts={"/datakits": KIT})
        assert done.exit_code == exit_code, done.logs + done.stdout
        assert len(done.stdout.splitlines()) == 1
        for line in done.logs.splitlines():
            assert json.loads(line)["runner"] == "spark-runner"
        assert source.password not in done.logs + done.stdout
        return done

    return run_step


def report(done: RunResult) -> dict[str, Any]:
    assert done.report is not None
    return done.report


def on(cluster: Cluster) -> dict[str, Any]:
    return {"master": cluster.url, "conf": dict(cluster.conf), "start_timeout": 180}


@pytest.fixture(scope="module")
def cluster(containers: Containers) -> Iterator[Cluster]:
    with running_cluster(containers, RUNNER) as made:
        yield made


def bronze(target: Database) -> list[tuple[Any, ...]]:
    columns = ", ".join(SALE)
    return target.query(
        f"SELECT {columns}, row_hash, source_system, source_table, source_host, extraction_method "
        "FROM market_bronze.sale"
    )


def in_words(source: Database) -> list[tuple[str | None, ...]]:
    columns = ", ".join(f"{name}::text" for name in SALE)
    # The server's own words, in the session that the framework asks for.
    return source.query(f"SET TimeZone = 'UTC'; SELECT {columns} FROM sale")


def order(row: tuple[Any, ...]) -> list[tuple[bool, str]]:
    return [(value is None, str(value)) for value in row]


def test_an_extraction_brings_every_value_on_one_machine_and_on_a_cluster(
    run: Run, source: Database, target: Database, cluster: Cluster
) -> None:
    day = {"start": "2024-02-01T00:00:00+02:00", "end": "2024-02-02T00:00:00+02:00"}
    parameters = {
        "master": "local[2]",
        "partition_column": "sold_at",
        "window_column": "sold_at",
        "tables": {"market_bronze.sale": "sale"},
    }
    done = run("extract", parameters, window=day)
    assert [(t["read"], t["written"]) for t in report(done)["tables"]] == [(24, 24)]
    assert {row[-1] for row in bronze(target)} == {"incremental"}

    done = run("extract", on(cluster) | {"partition_column": "number", "partitions": 4})
    assert [(t["table"], t["read"], t["written"]) for t in report(done)["tables"]] == [
        ("sale", SALES, SALES - 24),
        ("reader", 8, 8),
    ]
    # The view says who asks: each worker read parts of it.
    assert {a for (a,) in target.query("SELECT address FROM market_bronze.reader")} == cluster.addresses()
    rows = bronze(target)
    values = [row[: len(SALE)] for row in rows]
    assert sorted(values, key=order) == sorted(in_words(source), key=order)
    for row in rows:
        assert bytes(row[len(SALE)]) == row_hash(row[: len(SALE)])
    assert {row[len(SALE) + 1 : -1] for row in rows} == {("tills", "sale", source.inside_host)}

    # Cut in another way, and on one machine, the rows are still the same rows.
    done = run("extract", parameters | {"window_column": None, "partition_column": "price", "partitions": 3})
    assert [(t["read"], t["written"]) for t in report(done)["tables"]] == [(SALES, 0)]


def test_the_same_job_works_on_one_machine_and_on_a_cluster(
    run: Run, target: Database, cluster: Cluster
) -> None:
    job = {"job": "market_jobs:stalls", "arguments": {"sales": 100}}
    spec = {"run_id": str(uuid4())}
    stalls = [(stall, 20) for stall in range(5)]
    for place in ({"master": "local[2]"}, on(cluster)):
        target.query("TRUNCATE market.stall")
        spec = {"run_id": str(uuid4())}
        done = run("job", job | place, **spec)
        assert target.query("SELECT stall, sales FROM market.stall ORDER BY stall") == stalls
        (table,) = report(done)["tables"]
        assert (table["table"], table["layer"], table["read"], table["written"]) == (
            "market.stall",
            "silver",
            100,
            5,
        )
        assert report(done)["details"]["written"] == 100
        assert "a word on standard output" in done.logs
    assert report(done)["details"]["machines"] == sorted(cluster.workers)

    # It came to a good end, so its id does nothing again.
    again = run("job", job | on(cluster), **spec)
    assert (report(again)["repeated"], report(again)["tables"]) == (True, [])
    assert target.query("SELECT count(*) FROM market.stall") == [(5,)]


def test_a_jobs_own_fault_is_told_with_its_line(run: Run) -> None:
    local = {"master": "local[1]"}
    done = run("job", local | {"job": "market_jobs:broken", "arguments": {"stall": 9}}, exit_code=70)
    error = report(done)["error"]
    assert error["class_name"] == "JobError"
    assert "job market_jobs:broken failed at /datakits/market_jobs.py, line" in error["message"]
    assert error["message"].endswith("ValueError: there is no stall 9")
    assert "Traceback" in done.logs


def test_a_fault_on_an_executor_is_the_jobs(run: Run) -> None:
    done = run("job", {"master": "local[1]", "job": "market_jobs:broken_far_away"}, exit_code=70)
    assert "ZeroDivisionError: integer division or modulo by zero" in report(done)["error"]["message"]


def test_what_the_database_says_to_a_job_is_told(run: Run) -> None:
    done = run("job", {"master": "local[1]", "job": "market_jobs:wrong_query"}, exit_code=64)
    assert 'column "nothing" does not exist' in report(done)["error"]["message"]


def test_a_master_that_is_not_there_is_told_at_once(run: Run) -> None:
    for master, exit_code, words in (
        ("spark://postgres:1", 69, "the master spark://postgres:1 cannot be reached: postgres:1: Connection"),
        ("mesos://master:5050", 64, "the master 'mesos://master:5050' is none"),
    ):
        # Waiting for executors would take longer than the run may.
        done = run("extract", {"master": master, "start_timeout": 600}, exit_code=exit_code)
        assert words in report(done)["error"]["message"]


def start(
    containers: Containers, source: Database, target: Database, step: str, parameters: Mapping[str, Any]
) -> Container:
    spec = specification(source, target, step, with_short_starts(parameters))
    env = {"DATAKIT_RUN_SPEC": json.dumps(spec), "PASSWORD": source.password}
    return containers.start(RUNNER, "run", env=env, mounts={"/datakits": KIT})


def works(runner: Container) -> None:
    wait_until(
        "the job works",
        lambda: "it begins to work" in runner.output()[1],
        seconds=180,
        still_possible=lambda: runner.ended,
    )


def stopped_in_time(runner: Container) -> None:
    assert runner.stop(10) == 143
    output, logs = runner.output()
    assert json.loads(output.splitlines()[-1])["status"] == "stopped"
    assert all(json.loads(line) for line in logs.splitlines())


def test_sigterm_ends_an_extraction(containers: Containers, source: Database, target: Database) -> None:
    parameters = {"master": "local[2]", "tables": {"market_bronze.reader": "slow"}}
    before = target.query("SELECT count(*) FROM market_bronze.reader")
    runner = start(containers, source, target, "extract", parameters)
    asleep = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep' "
        "AND query LIKE '%datakit_rows%'"
    )
    wait_until(
        "Spark reads",
        lambda: len(source.query(asleep)) == 1,
        seconds=180,
        still_possible=lambda: runner.ended,
    )
    stopped_in_time(runner)
    assert target.query("SELECT count(*) FROM market_bronze.reader") == before


def test_sigterm_ends_a_job_and_frees_the_cluster(
    containers: Containers, source: Database, target: Database, cluster: Cluster
) -> None:
    runner = start(containers, source, target, "job", on(cluster) | {"job": "market_jobs:endless"})
    works(runner)
    stopped_in_time(runner)
    wait_until(
        "the master has let the application go",
        lambda: "Removing app" in cluster.master.logs().rpartition("market_datakit job")[2],
    )
    statuses = target.query("SELECT status FROM datakit.run ORDER BY started_at DESC LIMIT 1")
    assert statuses == [("failed",)]


def test_executors_that_do_not_come_or_are_lost_are_told_after_the_deadline(
    containers: Containers, run_image: RunImage, source: Database, target: Database, cluster: Cluster
) -> None:
    # Time enough for a start on a machine that has other things to do.
    seconds = 60
    parameters = on(cluster) | {"job": "market_jobs:endless", "start_timeout": seconds}
    runner = start(containers, source, target, "job", parameters)
    works(runner)
    too_much = {"master": cluster.url, "conf": {"spark.executor.memory": "64g"}, "start_timeout": seconds}
    # Two runs of one datakit do not work on one target at a time.
    waiting = start(containers, source, deployed(source, run_image), "extract", too_much)
    for worker in cluster.workers.values():
        worker.signal("KILL")
    for container, words in ((runner, "all were lost"), (waiting, f"there was none for {seconds} s")):
        assert container.wait(180) == 69
        error = json.loads(container.output()[0].splitlines()[-1])["error"]
        assert words in error["message"]
        assert error["retry"] is True


class TestConformance(RunnerConformance):
    datakit = "market_datakit"
    step = "extract"

    @pytest.fixture(autouse=True)
    def _runner(self, run_image: RunImage) -> None:
        self.run_image = run_image

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = self.run_image(RUNNER, *arguments, env=environment, mounts={"/datakits": KIT})
        return Outcome(done.exit_code, done.stdout, done.logs)
