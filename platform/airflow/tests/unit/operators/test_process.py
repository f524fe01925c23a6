"""A step as a process stops in order when its task is killed, and says so."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from datakit_airflow.graph import Step
from datakit_airflow.operators.process import DatakitProcessOperator
from datakit_airflow.operators.step import Work
from datakit_airflow.outcome import read_report
from kit.orchard import PROGRAM

WORK = Work(step=Step(name="x", kind="load", runner_step="load"), target="warehouse", pin_task="pin")


def operator(folder: Path, behaviour: str) -> DatakitProcessOperator:
    (folder / "behaviours.json").write_text(json.dumps({"load": [behaviour]}))
    (folder / "runner").write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAM} "$@"\n')
    (folder / "runner").chmod(0o755)
    spec = {
        "run_id": "00000000-0000-0000-0000-000000000001",
        "datakit": "shop",
        "step": "load",
        "target": {"url": "sqlite:////nowhere.db"},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    return DatakitProcessOperator(
        task_id="x",
        work=WORK,
        command=str(folder / "runner"),
        variables={"KIT_FOLDER": str(folder), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        stop_grace=20,
    )


def test_a_killed_task_s_report_is_still_read(tmp_path: Path) -> None:
    found = operator(tmp_path, "wait")

    def kill_when_it_waits() -> None:
        deadline = time.monotonic() + 30
        while not (tmp_path / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        found.on_kill()

    killer = threading.Thread(target=kill_when_it_waits)
    killer.start()
    output, code = found._run([found.command, "run", "--spec", str(tmp_path / "spec.json")])
    killer.join()

    assert code == 143
    report = read_report(output.last)
    assert report is not None
    assert report.status == "stopped"


def test_a_program_that_is_not_there_is_not_tried_again(tmp_path: Path) -> None:
    found = operator(tmp_path, "succeed")
    found.command = str(tmp_path / "nowhere")

    with pytest.raises(AirflowFailException, match="cannot be started: No such file"):
        found._run([found.command])


def test_airflow_s_own_variables_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "postgres://u:s3cret@h/d")
    monkeypatch.setenv("SHOP", "open")
    script = f"env > {tmp_path / 'seen'}"
    _, code = operator(tmp_path, "succeed")._run(["/bin/sh", "-c", script])

    seen = (tmp_path / "seen").read_text()
    assert code == 0
    assert "SHOP=open" in seen
    assert "s3cret" not in seen


def test_a_program_that_a_signal_ends_is_told_as_a_container_tells_it(tmp_path: Path) -> None:
    found = operator(tmp_path, "succeed")
    _, code = found._run(["/bin/sh", "-c", f"kill -{int(signal.SIGKILL)} $$"])

    assert code == 137
