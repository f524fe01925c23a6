"""Where a report goes: the last line of standard output, a file, and the place where Airflow looks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import TerminalError
from ..runs.report import RunReport

__all__ = ["AIRFLOW_RESULT", "check_writable", "deliver"]

AIRFLOW_RESULT = Path("/airflow/xcom/return.json")


def check_writable(path: Path) -> None:
    """Find out before the work whether a report can be written there.

    Raises:
        TerminalError: it cannot.
    """
    try:
        _partial(path).write_bytes(b"")
        _partial(path).unlink()
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
    except OSError as error:
        raise TerminalError(
            f"the report cannot be written to {path}: {error.strerror}",
            hint="nothing was done; give another path",
        ) from None


def deliver(report: RunReport, path: Path | None) -> None:
    """Write a report everywhere that it belongs; the file is whole or not there.

    Raises:
        OSError: a file could not be written. Standard output has the report by then.
    """
    text = report.model_dump_json()
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    for place in (path, AIRFLOW_RESULT if AIRFLOW_RESULT.parent.is_dir() else None):
        if place is not None:
            _partial(place).write_text(f"{text}\n", encoding="utf-8")
            os.replace(_partial(place), place)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")
