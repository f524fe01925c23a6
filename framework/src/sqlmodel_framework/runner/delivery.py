"""Where a report goes: the last line of standard output, a file, and the place where Airflow looks."""

from __future__ import annotations

import json
import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from ..errors import TerminalError
from ..runs.report import RunReport

__all__ = ["AIRFLOW_RESULT", "check_writable", "deliver", "report_places"]

AIRFLOW_RESULT = Path("/airflow/xcom/return.json")


def report_places(path: Path | None) -> list[Path]:
    """The files that a report belongs in: the one that was asked for, and the one that Airflow reads."""
    return [
        place
        for place in (path, AIRFLOW_RESULT if AIRFLOW_RESULT.parent.is_dir() else None)
        if place is not None
    ]


def check_writable(path: Path) -> None:
    """Find out before the work whether a report can be written there.

    Raises:
        TerminalError: it cannot.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if not _is_special(path):
            try:
                _partial(path).write_bytes(b"")
                _partial(path).unlink()
                return
            except OSError:
                # A single file can be mounted into a folder that cannot be written.
                if not path.exists():
                    raise
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise TerminalError(
            f"the report cannot be written to {path}: {error.strerror}",
            hint="nothing was done; give another path",
        ) from None


def deliver(report: RunReport, output: TextIO, places: list[Path]) -> None:
    """Write a report everywhere that it belongs; a file is whole or not there, where that is possible.

    Args:
        report: the report.
        output: where its line goes.
        places: the files that get it as well.

    Raises:
        OSError: it could not be written somewhere; it was written to all the other places.
    """
    text = f"{_line(report)}\n"
    failures: list[OSError] = []
    try:
        output.write(text)
        output.flush()
    except OSError as error:
        failures.append(error)
        _give_up(output)
    for place in places:
        try:
            _write(place, text)
        except OSError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _line(report: RunReport) -> str:
    """One line of plain ASCII: it can be written whatever the encoding of standard output."""
    content = report.model_dump()
    checked = RunReport.model_validate(_writable(content))
    return json.dumps(checked.model_dump(mode="json"), separators=(",", ":"))


def _writable(value: Any) -> Any:
    """The value without what JSON has no word for: half characters, and numbers that are none."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_writable(key): _writable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_writable(item) for item in value]
    return value


def _write(path: Path, text: str) -> None:
    # What a link leads to gets the report; a device, a pipe or a mounted file stays what it is.
    path = path.resolve()
    if not _is_special(path):
        with suppress(OSError):
            _partial(path).write_text(text, encoding="utf-8")
            os.replace(_partial(path), path)
            return
        with suppress(OSError):
            _partial(path).unlink()
    path.write_text(text, encoding="utf-8")


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _give_up(output: TextIO) -> None:
    """Nobody reads it: let what is left in its buffer go nowhere, or Python stumbles over it at its end."""
    if output is sys.__stdout__:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output.fileno())
        os.close(nowhere)
