"""A runner with the framework's steps, started as a process, on a real database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance

if TYPE_CHECKING:
    from conftest import Shop

PROGRAM = """
import sys
from sqlmodel_framework.runner import Runner
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS
sys.exit(Runner("a-runner", version="1", steps=FRAMEWORK_STEPS).main())
"""

Ask = Callable[..., list[tuple[object, ...]]]


class Process:
    """The runner as a process, with the shop's datakit."""

    def __init__(self, shop: Shop, target: Target) -> None:
        self.shop = shop
        self.endpoint = {"name": "t", "url": target.url.render_as_string()}

    def specification(self, step: str, **changes: Any) -> dict[str, Any]:
        return {
            "run_id": str(uuid4()),
            "datakit": "shop_datakit",
            "step": step,
            "target": self.endpoint,
        } | changes

    def start(self, specification: Mapping[str, Any], *arguments: str, **more: str) -> subprocess.Popen[str]:
        more["DATAKIT_RUN_SPEC"] = json.dumps(specification)
        return self.shop.start("run", *arguments, script=PROGRAM, **more)

    def run(self, specification: Mapping[str, Any], *arguments: str, **more: str) -> Outcome:
        process = self.start(specification, *arguments, **more)
        out, err = process.communicate(timeout=60)
        return Outcome(process.returncode, out, err)


@pytest.fixture
def process(shop: Shop, database: Target) -> Process:
    return Process(shop, database)


def test_a_run_deploys_loads_and_checks(process: Process, database: Target, ask: Ask) -> None:
    digest = f"sha256:{'a' * 64}"
    specification = process.specification("run", image_digest=digest)
    done = process.run(specification)
    assert done.exit_code == 0, done.stderr
    report = done.report
    assert (report.status, report.image_digest, report.target) == ("succeeded", digest, "t")
    assert [(t.layer, t.read, t.written, t.rejected) for t in report.tables] == [
        ("bronze", 3, 3, 0),
        ("silver", 3, 3, 0),
    ]
    assert report.bytes == report.tables[0].bytes == len("code,price\ntea,2.5\nmilk,1\nsalt,0.4\n")
    assert [(check.name, check.offending) for check in report.checks] == [("prices", 0)]
    assert ask(database, "SELECT run_id::text, parts, image_digest, status FROM datakit.run") == [
        (specification["run_id"], ["deploy", "load", "check"], digest, "succeeded")
    ]


def test_the_steps_one_by_one_are_the_whole(process: Process, database: Target, ask: Ask) -> None:
    for step in ("load", "check"):
        early = process.run(process.specification(step))
        assert early.exit_code == 64
        assert early.report.error is not None
        assert "is not deployed for datakit 'shop'" in early.report.error.message
    deployed = process.run(process.specification("deploy"))
    assert deployed.report.details["created_tables"] == ["shop.item", "shop_bronze.raw_item"]
    assert ask(database, "SELECT count(*) FROM shop.item") == [(0,)]
    loaded = process.run(process.specification("load"))
    assert [table.written for table in loaded.report.tables] == [3, 3]
    assert loaded.report.checks == []
    checked = process.run(process.specification("check"))
    assert [check.offending for check in checked.report.checks] == [0]
    assert checked.report.tables == []


def test_an_id_that_succeeded_changes_nothing_again(process: Process, database: Target, ask: Ask) -> None:
    specification = process.specification("run")
    assert not process.run(specification).report.repeated
    process.shop.write("code,price\nnew,1\n")
    again = process.run(specification)
    assert (again.exit_code, again.report.repeated, again.report.tables) == (0, True, [])
    assert ask(database, "SELECT count(*) FROM shop.item") == [(3,)]
    assert process.run(process.specification("run")).report.tables[1].written == 1


def test_an_id_belongs_to_one_step_of_one_datakit(process: Process, database: Target, ask: Ask) -> None:
    specification = process.specification("deploy")
    assert process.run(specification).exit_code == 0
    other = process.run({**specification, "step": "load"})
    assert other.exit_code == 64
    assert other.report.error is not None
    assert "is that of a run of deploy of datakit 'shop'" in other.report.error.message
    assert ask(database, "SELECT count(*) FROM shop_bronze.raw_item") == [(0,)]
    assert ask(database, "SELECT parts FROM datakit.run") == [(["deploy"],)]


def test_an_id_that_failed_is_taken_up_again(process: Process, database: Target, ask: Ask) -> None:
    specification = process.specification("run")
    process.shop.write('code,price\ntea,2.5\nmilk,"broken\n')
    failed = process.run(specification)
    assert (failed.exit_code, failed.report.status) == (65, "failed")
    process.shop.write("code,price\ntea,2.5\nmilk,1\n")
    assert process.run(specification).exit_code == 0
    assert ask(database, "SELECT run_id::text, status, error FROM datakit.run") == [
        (specification["run_id"], "succeeded", None)
    ]


def test_a_check_that_finds_something_is_in_the_report(process: Process) -> None:
    process.shop.write("code,price\ngold,5000\n")
    done = process.run(process.specification("run"))
    assert (done.exit_code, done.report.status) == (65, "failed")
    assert [(check.name, check.offending) for check in done.report.checks] == [("prices", 1)]
    assert [table.written for table in done.report.tables] == [1, 1]


def test_the_report_is_written_to_a_file_whole(process: Process, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report.json"
    path.parent.mkdir()
    done = process.run(process.specification("run"), "--report", str(path))
    assert path.read_text() == done.stdout
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_a_report_path_that_cannot_be_written_is_told_before_anything_is_done(
    process: Process, database: Target, tmp_path: Path, ask: Ask
) -> None:
    done = process.run(process.specification("run"), "--report", str(tmp_path))
    assert done.exit_code == 64
    assert done.report.error is not None
    assert f"the report cannot be written to {tmp_path}" in done.report.error.message
    assert ask(database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'") == [(0,)]


def test_a_specification_is_read_from_a_file(process: Process, tmp_path: Path) -> None:
    path = tmp_path / "spec.yml"
    path.write_text(json.dumps(process.specification("deploy")))
    out = process.shop.run("run", "--spec", str(path), script=PROGRAM)
    assert out.returncode == 0
    path.chmod(0)
    if os.access(path, os.R_OK):
        path.unlink()  # nothing is unreadable to root
    unreadable = process.shop.run("run", "--spec", str(path), script=PROGRAM)
    assert unreadable.returncode == 64
    assert f"{path} cannot be read" in unreadable.stdout


@pytest.mark.parametrize(
    ("module", "expected"),
    [("import nobody_has_it", "ModuleNotFoundError"), ("datakit = 5", "is a int"), ("1 +", "SyntaxError")],
)
def test_a_datakit_that_cannot_be_imported_is_said(process: Process, module: str, expected: str) -> None:
    (process.shop.folder / "broken_datakit.py").write_text(module)
    done = process.run(process.specification("run", datakit="broken_datakit"))
    assert done.exit_code == 64
    assert done.report.error is not None
    assert "broken_datakit" in done.report.error.message
    assert expected in done.report.error.message


def test_a_folder_that_cannot_be_read_is_said(process: Process) -> None:
    done = process.run(
        process.specification("run"), SHOP_CSV=str(process.shop.folder / "absent" / "items.csv")
    )
    assert done.exit_code != 0
    assert done.report.error is not None
    assert "items.csv" in done.report.error.message


def test_a_database_that_comes_later_is_waited_for(process: Process, database: Target, ask: Ask) -> None:
    url = database.url.set(database="not_yet")
    waiting = process.start(
        process.specification("deploy", target={"name": "t", "url": url.render_as_string()}), "--wait", "0"
    )
    out, _ = waiting.communicate(timeout=60)
    # A database that does not exist is a mistake, not one that is starting: no waiting helps.
    assert waiting.returncode == 64
    assert 'database \\"not_yet\\" does not exist' in out


def test_sigterm_in_a_load_ends_cleanly_with_a_report(process: Process, database: Target, ask: Ask) -> None:
    # The file is a pipe that never ends, so the load is under way for as long as it takes.
    pipe = process.shop.folder / "pipe.csv"
    os.mkfifo(pipe)
    running = process.start(process.specification("run"), SHOP_CSV=str(pipe))
    with pipe.open("w") as file:
        file.write("code,price\n" + "tea,1\n" * 20_000)
        file.flush()
        deadline = time.monotonic() + 60
        while not ask(
            database,
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'",
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=60)
    done = Outcome(running.returncode, out, err)
    assert (done.exit_code, done.report.status) == (143, "stopped")
    assert ask(database, "SELECT count(*) FROM shop_bronze.raw_item") == [(0,)]
    assert ask(database, "SELECT status FROM datakit.run") == [("failed",)]


def test_sigterm_ends_a_wait_for_a_database_that_does_not_answer(process: Process) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        endpoint = {"url": f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/d", "connect_timeout": 600}
        running = process.start(process.specification("deploy", target=endpoint))
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            running.send_signal(signal.SIGTERM)
            out, err = running.communicate(timeout=60)
    assert Outcome(running.returncode, out, err).report.status == "stopped"


def test_no_command_is_one_line_and_the_version_is_told(process: Process) -> None:
    bare = process.shop.run(script=PROGRAM)
    assert (bare.returncode, bare.stdout) == (64, "")
    assert bare.stderr == "error: Missing command.\nhint: a-runner --help\n"
    assert process.shop.run("--version", script=PROGRAM).stdout == "a-runner 1\n"


def test_what_a_datakit_prints_becomes_log_lines_and_secrets_are_masked(process: Process) -> None:
    noisy = (process.shop.folder / "shop_datakit.py").read_text()
    noisy += """
import warnings, logging
def open_items():
    print("half a line", end="")
    print(" and its end", os.environ["SHOP_PASSWORD"])
    sys.stderr.write("to stderr without an end")
    warnings.warn("take care")
    logging.getLogger("lib").warning("from a library")
    return open(os.environ["SHOP_CSV"], "rb")
object.__setattr__(datakit.loads[0].source, "open", open_items)
"""
    (process.shop.folder / "shop_datakit.py").write_text(noisy)
    endpoint = {**process.endpoint, "password_env": "SHOP_PASSWORD"}
    done = process.run(process.specification("run", target=endpoint), SHOP_PASSWORD="s3cr3t-pass")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("\n") == 1
    logs = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"stdout", "stderr"} <= {log.get("stream") for log in logs}
    texts = " ".join(str(log.get("text", log["event"])) for log in logs)
    for said in ("half a line and its end ***", "to stderr without an end", "take care", "from a library"):
        assert said in texts
    assert "s3cr3t" not in done.stdout + done.stderr


def test_the_report_file_is_written_when_nobody_reads_standard_output(
    process: Process, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    running = process.start(process.specification("deploy"), "--report", str(path))
    assert running.stdout is not None
    running.stdout.close()
    running.stdout = None
    _, err = running.communicate(timeout=60)
    assert json.loads(path.read_text())["status"] == "succeeded"
    # The work is done, but whoever waits for the line does not have it.
    assert running.returncode == 64
    assert "the report could not be written" in err
    assert "Traceback" not in err


def test_a_lost_connection_is_told_without_a_traceback_between_the_logs(
    process: Process, database: Target, ask: Ask
) -> None:
    pipe = process.shop.folder / "pipe.csv"
    os.mkfifo(pipe)
    running = process.start(process.specification("run"), SHOP_CSV=str(pipe))
    copying = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
    with pipe.open("w") as file:
        file.write("code,price\n" + "tea,1\n" * 20_000)
        file.flush()
        deadline = time.monotonic() + 60
        while not (found := ask(database, copying)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        ask(database, f"SELECT pg_terminate_backend({found[0][0]})")
        with suppress(BrokenPipeError):
            file.write("tea,1\n" * 200_000)
    out, err = running.communicate(timeout=60)
    done = Outcome(running.returncode, out, err)
    assert (done.exit_code, done.report.status) == (69, "failed")
    assert done.report.error is not None
    assert done.report.error.retry
    for line in err.splitlines():
        json.loads(line)


def test_no_secret_is_in_logs_or_report(process: Process, database: Target) -> None:
    endpoint = {**process.endpoint, "password_env": "SHOP_PASSWORD"}
    done = process.run(process.specification("run", target=endpoint), SHOP_PASSWORD="s3cr3t-pass word")
    assert done.exit_code == 0
    assert "s3cr3t" not in done.stdout + done.stderr


def test_the_logs_are_readable_for_people_on_a_terminal(process: Process) -> None:
    primary, secondary = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "run"],
        stdout=subprocess.PIPE,
        stderr=secondary,
        env={**process.shop.environment, "DATAKIT_RUN_SPEC": json.dumps(process.specification("deploy"))},
    )
    os.close(secondary)
    running.communicate(timeout=60)
    text = os.read(primary, 100_000).decode()
    os.close(primary)
    assert "deployed" in text
    assert '{"' not in text


class TestConformance(RunnerConformance):
    datakit = "shop_datakit"
    step = "run"

    @pytest.fixture(autouse=True)
    def _shop(self, shop: Shop) -> None:
        self.shop = shop

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        done = self.shop.run(*arguments, script=PROGRAM, **environment)
        return Outcome(done.returncode, done.stdout, done.stderr)
