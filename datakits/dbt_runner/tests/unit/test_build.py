"""Real runs of dbt, by the program, against a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit.runs import PASSWORD, environment, run

Query = Callable[[str], list[tuple[Any, ...]]]
Specification = Callable[..., dict[str, Any]]


def test_a_build_is_reported(query: Query, specification: Specification) -> None:
    done = run(specification(vars={"highest_price": 40}, threads=1))
    report = done.report
    assert (done.exit_code, report.status, report.target) == (0, "succeeded", "warehouse")
    assert len(done.stdout.splitlines()) == 1
    assert {(table.table, table.layer, table.written) for table in report.tables} == {
        ("gold.raw_good", "gold", 3),
        ("gold.good", "silver", 3),
        ("gold.cheap", "gold", None),
        ("gold.prices", "gold", 3),
    }
    assert all(table.seconds is not None and table.seconds > 0 for table in report.tables)
    offending = {check.name: check.offending for check in report.checks}
    assert offending == {
        "not_null_good_code": 0,
        "unique_good_code": 0,
        "accepted_values_cheap_code__apple__pear": 1,
    }
    assert report.details["counts"] == {"success": 4, "pass": 2, "warn": 1}
    assert report.details["lineage"] == {
        "gold.good": ["gold.raw_good"],
        "gold.cheap": ["gold.good"],
        "gold.prices": ["gold.good"],
    }
    assert str(report.details["dbt_version"]).startswith("1.11.")
    assert query("select code from gold.cheap order by code") == [("apple",), ("pear",), ("plum",)]
    assert [line["level"] for line in done.logs if line.get("dbt_event") == "LogTestResult"].count(
        "warning"
    ) == 1
    assert {line["runner"] for line in done.logs} == {"dbt-runner"}


def test_a_test_that_fails_is_a_broken_contract(project: Path, specification: Specification) -> None:
    (project / "seeds/raw_good.csv").write_text("code,price\napple,1\napple,2\napple,3\npear,4\npear,5\n")
    done = run(specification())
    assert done.exit_code == 65
    assert done.report.error is not None
    assert "test 'unique_good_code' found 2" in done.report.error.message
    assert ("unique_good_code", 2) in [(check.name, check.offending) for check in done.report.checks]
    assert "gold.good" in [table.table for table in done.report.tables]
    assert "gold.cheap" not in [table.table for table in done.report.tables]
    assert "error" in [line["level"] for line in done.logs if line.get("dbt_event") == "LogTestResult"]


def test_a_mistake_in_sql_is_told_with_its_model(project: Path, specification: Specification) -> None:
    (project / "models/good.sql").write_text('select codes from {{ ref("priced") }}')
    done = run(specification())
    assert done.exit_code == 64
    assert done.report.error is not None
    assert "model 'good' (models/good.sql)" in done.report.error.message
    assert 'column "codes" does not exist' in done.report.error.message
    assert done.report.details["counts"]["skipped"] >= 2  # type: ignore[index,operator,call-overload]


def test_data_that_do_not_fit_are_a_broken_contract(project: Path, specification: Specification) -> None:
    (project / "models/good.sql").write_text(
        'select code, 1 / (price::int - 1) as price from {{ ref("priced") }}'
    )
    done = run(specification())
    assert done.exit_code == 65
    assert done.report.error is not None
    assert "division by zero" in done.report.error.message


def test_a_lost_connection_is_worth_a_retry(project: Path, specification: Specification) -> None:
    (project / "models/good.sql").write_text(
        "select pg_terminate_backend(pg_backend_pid()), code from {{ ref('priced') }}"
    )
    done = run(specification())
    assert done.exit_code == 69
    assert done.report.error is not None
    assert done.report.error.retry


def test_a_template_that_is_wrong_is_told(project: Path, specification: Specification) -> None:
    (project / "models/good.sql").write_text('select * from {{ ref("nothing") }}')
    done = run(specification())
    assert done.exit_code == 64
    assert done.report.error is not None
    assert "nothing" in done.report.error.message
    assert "models/good.sql" in done.report.error.message


def test_a_selector_that_matches_nothing_is_a_mistake(specification: Specification) -> None:
    done = run(specification("run", select="godo"))
    assert done.exit_code == 64
    assert done.report.error is not None
    assert "'select': godo" in done.report.error.message


def test_compiling_changes_nothing(query: Query, specification: Specification) -> None:
    done = run(specification("compile", select=["good", "cheap"]))
    assert (done.exit_code, done.report.tables) == (0, [])
    assert done.report.details["counts"] == {"success": 5}  # their tests as well
    assert query("select 1 from pg_class where relname in ('good', 'cheap')") == []


def test_a_window_is_what_a_microbatch_model_fills(
    project: Path, query: Query, specification: Specification
) -> None:
    for file in (
        "models/stall.yml",
        "models/cheap.sql",
        "models/good.sql",
        "models/priced.sql",
        "snapshots/prices.sql",
    ):
        (project / file).unlink()
    (project / "models/sale.sql").write_text("""
        {{ config(materialized="table", event_time="sold_at") }}
        select n, timestamp '2024-01-01 12:00' + n * interval '1 day' as sold_at
        from generate_series(0, 9) as n
        """)
    (project / "models/sold.sql").write_text("""
        {{ config(materialized="incremental", incremental_strategy="microbatch", unique_key="n",
                  event_time="sold_at", batch_size="day", begin="2024-01-01") }}
        select n, sold_at, '{{ var("window_start") }}' as said from {{ ref("sale") }}
        """)
    asked = specification("run")
    asked["window"] = {"start": "2024-01-03T01:00:00+01:00", "end": "2024-01-06T00:00:00Z"}
    done = run(asked)
    assert done.exit_code == 0, done.stderr
    assert query("select n from gold.sold order by n") == [(2,), (3,), (4,)]
    assert query("select distinct said from gold.sold") == [("2024-01-03T01:00:00+01:00",)]
    assert done.report.watermark_to is not None


def test_sigterm_in_the_middle_of_a_model_cancels_it(
    project: Path, query: Query, specification: Specification, tmp_path: Path
) -> None:
    (project / "models/cheap.sql").write_text("select code from {{ ref('good') }}, pg_sleep(600)")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    runner = subprocess.Popen(
        [sys.executable, "-m", "dbt_runner", "run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(specification()), "TMPDIR": str(temporary)},
    )
    sleeping = (
        "select 1 from pg_stat_activity where datname = current_database() "
        "and state = 'active' and query like '%pg_sleep(600)%' and pid <> pg_backend_pid()"
    )
    try:
        deadline = time.monotonic() + 60
        while query(sleeping) == []:
            assert time.monotonic() < deadline
            assert runner.poll() is None
            time.sleep(0.2)
        files = [path for path in temporary.rglob("*") if path.is_file()]
        assert "profiles.yml" in [path.name for path in files]
        assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
        assert [path.stat().st_mode & 0o077 for path in temporary.iterdir()] == [0]
        runner.send_signal(signal.SIGTERM)
        stdout, stderr = runner.communicate(timeout=60)
    finally:
        runner.kill()
    assert runner.returncode == 143, stderr
    report = json.loads(stdout.splitlines()[-1])
    assert (report["status"], report["exit_code"]) == ("stopped", 143)
    assert "gold.good" in [table["table"] for table in report["tables"]]
    assert "gold.cheap" not in [table["table"] for table in report["tables"]]
    assert query(sleeping) == []
    assert query("select 1 from pg_class where relname like 'cheap%'") == []
    assert os.listdir(temporary) == []
    assert PASSWORD not in stdout + stderr
