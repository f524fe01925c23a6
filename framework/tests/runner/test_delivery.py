"""Where a report goes, whatever stands there."""

from __future__ import annotations

import io
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import JsonValue
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.runner.delivery import check_writable, deliver
from sqlmodel_framework.runs.report import RunReport


def report(**details: JsonValue) -> RunReport:
    return RunReport(
        run_id=None,
        runner="r",
        datakit=None,
        step=None,
        target=None,
        status="succeeded",
        exit_code=0,
        started_at=datetime(2024, 1, 1, tzinfo=UTC),
        seconds=0.0,
        framework_version="1",
        details=details,
    )


def delivered(path: Path, **details: JsonValue) -> str:
    output = io.StringIO()
    check_writable(path)
    deliver(report(**details), output, [path])
    return output.getvalue()


def test_a_file_has_the_line_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert delivered(path) == path.read_text()
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "report.json")
    line = delivered(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "report.json").read_text() == line


def test_a_pipe_gets_the_line(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    line = delivered(path)
    reader.join(10)
    assert read == [line]


def test_a_device_stays_a_device() -> None:
    assert delivered(Path(os.devnull))
    assert Path(os.devnull).is_char_device()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match="it is a folder"):
        check_writable(tmp_path)
    with pytest.raises(TerminalError, match="No such file"):
        check_writable(tmp_path / "absent" / "report.json")


def test_what_json_cannot_say_is_said_otherwise() -> None:
    output = io.StringIO()
    deliver(report(path="caf\udce9", rate=float("nan"), text="café"), output, [])
    line = output.getvalue()
    assert line.isascii()
    assert json.loads(line)["details"] == {"path": "caf\\udce9", "rate": None, "text": "café"}


def test_one_place_that_fails_does_not_keep_the_report_from_the_others(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        deliver(report(), io.StringIO(), [tmp_path / "absent" / "r.json", tmp_path / "r.json"])
    assert json.loads((tmp_path / "r.json").read_text())["runner"] == "r"
