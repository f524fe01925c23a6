"""What a step's exit code and report mean for its task: green, red for good, or red for now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from pydantic import ValidationError
from sqlmodel_framework.runs.exit_codes import ExitCode
from sqlmodel_framework.runs.report import RunReport
from sqlmodel_framework.runs.spec import RunSpec

__all__ = ["concluded", "read_report"]

_FINAL = frozenset({ExitCode.USAGE, ExitCode.DATA, ExitCode.BUG})


def read_report(text: str | None) -> RunReport | None:
    """The report that a text holds, or None when it holds none."""
    try:
        content: Any = json.loads(text or "")
        return RunReport.model_validate(content)
    except (ValueError, ValidationError):
        return None


def concluded(
    spec: RunSpec,
    report: RunReport | None,
    exit_code: int | None,
    *,
    advice: Mapping[str, str] | None = None,
) -> RunReport:
    """The report of a run that succeeded.

    Args:
        spec: what was asked.
        report: what the runner said, or None when it said nothing that can be read.
        exit_code: what it ended with; None when only the report knows.
        advice: what to do here, instead of what the runner advises, by the class of an error.

    Raises:
        AirflowFailException: the run failed, and would fail again; or what it says cannot be trusted.
        AirflowException: the run failed, and a later try can succeed.
    """
    if report is None:
        raise _without_report(spec, exit_code)
    if report.run_id != spec.run_id:
        raise AirflowFailException(
            f"the report is about the run {report.run_id}, not about {spec.run_id}: "
            "the image is no runner, or its output was mixed up"
        )
    code = report.exit_code if exit_code is None else exit_code
    if code != report.exit_code or (code == ExitCode.DONE) != (report.status == "succeeded"):
        raise AirflowFailException(
            f"the report says {report.status!r} and exit code {report.exit_code}, "
            f"but the step ended with {code}: it is not believed"
        )
    if code == ExitCode.DONE:
        return report
    raise _failure(code)(_told(report, code, advice or {}))


def _without_report(spec: RunSpec, code: int | None) -> AirflowException:
    ended = "of which nobody knows how it ended" if code is None else f"which ended with exit code {code}"
    message = f"there is no report of the step {spec.step!r}, {ended}"
    if code == ExitCode.DONE or code in _FINAL:
        return AirflowFailException(f"{message}: the image is no runner, or its report was lost")
    return AirflowException(f"{message}: it was killed, or could not start; its log may say why")


def _failure(code: int) -> type[AirflowException]:
    return AirflowFailException if code in _FINAL else AirflowException


def _told(report: RunReport, code: int, advice: Mapping[str, str]) -> str:
    error = report.error
    if error is None:
        return f"the step {report.step!r} ended with exit code {code}"
    told = advice.get(error.class_name, error.hint)
    hint = f" ({told})" if told else ""
    return f"{error.class_name}: {error.message}{hint} [exit code {code}]"
