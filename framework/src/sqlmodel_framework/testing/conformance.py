"""What every runner must do, whatever its steps do: a suite of tests for runners, a user's own included.

    from sqlmodel_framework.testing.conformance import Outcome, RunnerConformance

    class TestMyRunner(RunnerConformance):
        datakit = "my_datakit"
        step = "run"

        def invoke(self, *arguments, environment):
            done = subprocess.run(["my-runner", *arguments], env={**os.environ, **environment}, ...)
            return Outcome(done.returncode, done.stdout, done.stderr)

No database is needed: the suite is about what is asked wrongly, and about what is not there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

from ..runs.reading import SPEC_VARIABLE
from ..runs.report import RunReport, report_schema
from ..runs.spec import spec_schema

__all__ = ["Outcome", "RunnerConformance"]

_SECRET = "hush-hush"  # noqa: S105
# Nobody listens on port 1.
_NOBODY: dict[str, Any] = {"name": "nobody", "url": "postgresql://me@127.0.0.1:1/db"}


@dataclass(frozen=True)
class Outcome:
    """How a runner ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> RunReport:
        """The report: the last line of standard output."""
        return RunReport.model_validate_json(self.stdout.splitlines()[-1])

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The lines of standard error, each a JSON object."""
        return [json.loads(line) for line in self.stderr.splitlines()]


class RunnerConformance:
    """Derive from it, name a datakit and a step, and say how the runner is started.

    Attributes:
        datakit: a datakit that the runner can import.
        step: a step of the runner that needs a database.
        parameters: what the step takes.
        unreachable: the database that is not there, such as `{"name": …, "url": …}` of the step's kind.
        longest_start: seconds that the runner may take to start.
    """

    datakit: ClassVar[str]
    step: ClassVar[str]
    parameters: ClassVar[Mapping[str, Any]] = {}
    unreachable: ClassVar[Mapping[str, Any]] = _NOBODY
    longest_start: ClassVar[float] = 30.0

    def invoke(self, *arguments: str, environment: Mapping[str, str]) -> Outcome:
        """Start the runner with these arguments and these variables, and wait for its end."""
        raise NotImplementedError

    def _specification(self, **changes: Any) -> dict[str, Any]:
        nobody = dict(self.unreachable)
        return {
            "run_id": str(uuid4()),
            "datakit": self.datakit,
            "step": self.step,
            "source": nobody,
            "target": nobody,
            "parameters": dict(self.parameters),
        } | changes

    def _run(self, specification: Mapping[str, Any] | str, *arguments: str, **variables: str) -> Outcome:
        text = specification if isinstance(specification, str) else json.dumps(specification)
        return self.invoke("run", "--wait", "0", *arguments, environment={SPEC_VARIABLE: text, **variables})

    def _refused(self, outcome: Outcome, *words: str, exit_code: int = 64) -> RunReport:
        """A failure is told in one line of the report, in the logs, and by the exit code."""
        report = outcome.report
        assert outcome.exit_code == report.exit_code == exit_code, outcome
        assert report.status == "failed"
        assert report.error is not None
        for word in words:
            assert word in report.error.message
        assert "\n" not in report.error.message
        assert any(line["level"] == "error" for line in outcome.logs)
        assert _SECRET not in outcome.stdout + outcome.stderr
        return report

    def test_help_is_enough(self) -> None:
        done = self.invoke("--help", environment={})
        assert done.exit_code == 0
        assert all(command in done.stdout for command in ("run", "steps", "schema"))

    def test_steps_are_listed(self) -> None:
        done = self.invoke("steps", environment={})
        steps = [json.loads(line) for line in done.stdout.splitlines()]
        assert self.step in [step["step"] for step in steps]
        assert all(step["summary"] for step in steps)

    def test_the_schemas_are_the_frameworks(self) -> None:
        for of, schema in (("spec", spec_schema()), ("report", report_schema())):
            assert json.loads(self.invoke("schema", of, environment={}).stdout) == schema

    def test_a_mistyped_command_is_one_line(self) -> None:
        done = self.invoke("runn", environment={})
        assert done.exit_code == 64
        assert done.stderr.startswith("error: ")
        assert done.stdout == ""

    def test_no_specification_is_said(self) -> None:
        self._refused(self.invoke("run", environment={}), "no run specification")

    def test_a_specification_that_is_no_json_is_named_with_its_line(self) -> None:
        self._refused(self._run('{\n  "run_id": [\n}'), "line 3")

    def test_an_unknown_field_is_named_with_its_line(self) -> None:
        text = json.dumps(self._specification(stepp="x"), indent=1)
        line = next(n for n, line in enumerate(text.splitlines(), 1) if '"stepp"' in line)
        self._refused(self._run(text), f"line {line}: stepp")

    def test_a_wrong_value_is_named_with_its_field(self) -> None:
        self._refused(self._run(self._specification(run_id="not an id")), "run_id")
        window = {"start": "2024-01-02T00:00:00Z", "end": "2024-01-01T00:00:00Z"}
        self._refused(self._run(self._specification(window=window)), "window")

    def test_an_unknown_step_is_told_with_the_known_ones(self) -> None:
        report = self._refused(self._run(self._specification(step="jump")), "'jump'")
        assert report.error is not None
        assert self.step in (report.error.hint or "")

    def test_an_unknown_parameter_is_named(self) -> None:
        self._refused(self._run(self._specification(parameters={"colour": 1})), "'colour'")

    def test_a_password_in_a_url_is_refused_and_not_repeated(self) -> None:
        nobody = dict(self.unreachable)
        nobody["url"] = nobody["url"].replace("@", f":{_SECRET}@")
        self._refused(self._run(self._specification(target=nobody)), "password")

    def test_a_missing_secret_is_named(self) -> None:
        for way, place in (("password_file", "/nowhere/secret"), ("password_env", "NOT_SET_ANYWHERE")):
            nobody = {**self.unreachable, way: place}
            self._refused(self._run(self._specification(source=nobody, target=nobody)), place)

    def test_a_database_that_is_not_there_is_worth_a_retry(self) -> None:
        nobody = {**self.unreachable, "password_env": "THE_PASSWORD"}
        started = time.monotonic()
        done = self._run(
            self._specification(source=nobody, target=nobody), "--wait", "1", THE_PASSWORD=_SECRET
        )
        assert time.monotonic() - started < 1 + nobody.get("connect_timeout", 10) + self.longest_start
        report = self._refused(done, "nobody", exit_code=69)
        assert report.error is not None
        assert report.error.retry

    def test_a_report_that_cannot_be_written_is_told_before_the_work(self) -> None:
        done = self._run(self._specification(), "--report", "/nowhere/report.json")
        self._refused(done, "/nowhere/report.json")

    def test_standard_output_is_the_report_and_standard_error_is_json(self) -> None:
        specification = self._specification(step="jump")
        done = self._run(specification)
        assert len(done.stdout.splitlines()) == 1
        assert done.report.run_id == UUID(specification["run_id"])
        assert {line["runner"] for line in done.logs} == {done.report.runner}
        assert all({"event", "level", "timestamp"} <= set(line) for line in done.logs)
