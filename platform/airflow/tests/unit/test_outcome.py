"""A step's end decides whether its task is green, fails for good, or is tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from datakit_airflow.outcome import concluded, read_report
from sqlmodel_framework.runs.report import ErrorReport, RunReport
from sqlmodel_framework.runs.spec import RunSpec

SPEC = RunSpec(run_id=UUID(int=1), datakit="shop", step="load")


def report(code: int, **fields: Any) -> RunReport:
    return RunReport(
        **{
            "run_id": SPEC.run_id,
            "runner": "r",
            "step": "load",
            "status": "stopped" if code == 143 else "failed" if code else "succeeded",
            "exit_code": code,
            "started_at": datetime.now(UTC),
            "seconds": 1,
            "framework_version": "1",
            "error": ErrorReport(class_name="E", message="no price", hint="mend it", retry=False)
            if code
            else None,
            **fields,
        }
    )


def ended(found: RunReport | None, code: int | None) -> AirflowException:
    with pytest.raises(AirflowException) as caught:
        concluded(SPEC, found, code)
    return caught.value


def test_a_run_that_succeeded_gives_its_report() -> None:
    found = report(0)

    assert concluded(SPEC, found, 0) is found
    assert concluded(SPEC, found, None) is found


@pytest.mark.parametrize("code", [64, 65, 70])
def test_what_would_fail_again_is_not_tried_again(code: int) -> None:
    error = ended(report(code), code)

    assert isinstance(error, AirflowFailException)
    assert str(error) == f"E: no price (mend it) [exit code {code}]"


def test_what_is_advised_here_stands_for_what_the_runner_advises() -> None:
    with pytest.raises(AirflowFailException) as caught:
        concluded(SPEC, report(65), 65, advice={"E": "clear it", "F": "burn it"})

    assert str(caught.value) == "E: no price (clear it) [exit code 65]"


@pytest.mark.parametrize("code", [69, 75, 143])
def test_what_can_succeed_later_is_tried_again(code: int) -> None:
    assert not isinstance(ended(report(code), code), AirflowFailException)


def test_success_without_a_report_is_a_failure() -> None:
    assert isinstance(ended(None, 0), AirflowFailException)


def test_a_killed_step_is_tried_again() -> None:
    error = ended(None, 137)

    assert not isinstance(error, AirflowFailException)
    assert "exit code 137" in str(error)


@pytest.mark.parametrize(
    ("found", "code", "told"),
    [
        (report(0, run_id=UUID(int=2)), 0, "is about the run 00000000-0000-0000-0000-000000000002"),
        (report(0, run_id=None), 0, "is about the run None"),
        (report(0), 1, "but the step ended with 1: it is not believed"),
        (report(69), 0, "but the step ended with 0: it is not believed"),
        (report(0, status="failed"), 0, "the report says 'failed' and exit code 0"),
        (report(69, status="succeeded"), 69, "the report says 'succeeded' and exit code 69"),
    ],
)
def test_a_report_that_does_not_fit_is_not_believed(found: RunReport, code: int, told: str) -> None:
    error = ended(found, code)

    assert isinstance(error, AirflowFailException)
    assert told in str(error)


@pytest.mark.parametrize("text", [None, "", "all went well", "{}", '{"status": "succeeded"}', "[1]", "nul"])
def test_what_is_no_report_is_none(text: str | None) -> None:
    assert read_report(text) is None


def test_a_report_is_read_from_its_line() -> None:
    assert read_report(report(65).model_dump_json()) is not None
