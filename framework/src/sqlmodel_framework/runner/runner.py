"""A runner: turns a run specification into a run report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from .. import __version__
from ..engines.registry import engine_for
from ..errors import DatakitError, StoppedError, TerminalError, TransientError
from ..runs.exit_codes import ExitCode, exit_code_of
from ..runs.reading import read_spec
from ..runs.report import ErrorReport, RunReport
from ..runs.spec import RunSpec
from ..runs.stopping import finish_undisturbed, stop_on_sigterm
from ..targets.target import Target
from .delivery import check_writable, deliver, report_places
from .logs import configure_logs, masked
from .noise import noise_is_logged
from .step import Log, Step, StepContext
from .waiting import wait_until_available

__all__ = ["Runner"]


def _connect(target: Target) -> None:
    with engine_for(target).connect():
        pass


class Runner:
    """A program that carries out steps.

    Args:
        name: the runner's name, such as "sqlmodel-runner".
        version: the runner's version.
        steps: what it can do.
        probe: connects to a database once, and raises `UnavailableError` while it is not there; by
            default over the framework's engine for it.
    """

    def __init__(
        self,
        name: str,
        *,
        version: str,
        steps: Iterable[Step],
        probe: Callable[[Target], object] = _connect,
    ) -> None:
        self.name = name
        self.version = version
        self.steps = {step.name: step for step in steps}
        self._probe = probe

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """The runner's command line; returns the exit code."""
        from .command import make_command

        return make_command(self)(arguments)

    def run(self, spec_path: Path | None, report_path: Path | None, wait_seconds: float) -> int:
        """Carry out a run, and deliver its report.

        Args:
            spec_path: the specification; None for the variable `DATAKIT_RUN_SPEC`.
            report_path: a file for the report, beside standard output.
            wait_seconds: how long to wait for a database that is not there yet.

        Returns:
            The exit code; see `sqlmodel_framework.runs.exit_codes`.
        """
        attempt = _Attempt(self, wait_seconds)
        with stop_on_sigterm():
            return attempt.carry_out(spec_path, report_path)


class _Attempt:
    def __init__(self, runner: Runner, wait_seconds: float) -> None:
        self.runner = runner
        self.wait_seconds = wait_seconds
        self.started_at = datetime.now(UTC)
        self.started = time.perf_counter()
        self.databases: list[Target] = []
        self.log: Any = configure_logs(runner.name, self.mask)
        self.spec: RunSpec | None = None
        self.context: StepContext | None = None

    def mask(self, text: str) -> str:
        for database in self.databases:
            text = database.mask(text)
        return text

    def carry_out(self, spec_path: Path | None, report_path: Path | None) -> int:
        error: BaseException | None = None
        places = report_places(report_path)
        output = sys.stdout
        try:
            try:
                for place in places:
                    check_writable(place)
                with noise_is_logged(lambda: self.log):
                    self._work(spec_path)
            finally:
                finish_undisturbed()
        except BaseException as caught:
            error = caught
            self._explain(caught)
        try:
            deliver(self._report(error), output, places)
        except OSError as caught:
            self.log.error("the report could not be written", reason=str(caught))
            return max(exit_code_of(error), ExitCode.USAGE)
        return exit_code_of(error)

    def _work(self, spec_path: Path | None) -> None:
        spec = self.spec = read_spec(spec_path)
        self.log = self.log.bind(run_id=str(spec.run_id), datakit=spec.datakit, step=spec.step)
        step = self.runner.steps.get(spec.step)
        if step is None:
            raise TerminalError(
                f"{self.runner.name} has no step {spec.step!r}",
                hint=f"it has: {', '.join(self.runner.steps)}",
            )
        spec.check_parameters(step.parameters)
        # One that the step can do without is there all the same when it is named, and masked.
        source = spec.required_source() if step.needs_source or spec.source else None
        target = spec.required_target() if step.needs_target or spec.target else None
        sources = {name: endpoint.target() for name, endpoint in spec.sources.items()}
        self.databases = [
            database for database in (source, *sources.values(), target) if database is not None
        ]
        self.context = StepContext(spec=spec, log=self.log, source=source, sources=sources, target=target)
        step.prepare(self.context)
        needed = [source if step.needs_source else None, target if step.needs_target else None]
        for database in filter(None, needed):
            log: Log = self.log
            wait_until_available(
                lambda database=database: self.runner._probe(database),  # type: ignore[misc]
                database.name,
                self.wait_seconds,
                log,
            )
        self.log.info("started", version=self.runner.version, framework_version=__version__)
        step.run(self.context)
        self.log.info("done", seconds=self._seconds())

    def _masked(self, details: dict[str, JsonValue]) -> dict[str, JsonValue]:
        return {name: masked(value, self.mask) for name, value in details.items()}

    def _explain(self, error: BaseException) -> None:
        if isinstance(error, DatakitError):
            self.log.error(error.message, error=type(error).__name__, hint=error.hint)
        else:
            self.log.error("unexpected", error=type(error).__name__, exc_info=error)

    def _seconds(self) -> float:
        return round(time.perf_counter() - self.started, 3)

    def _report(self, error: BaseException | None) -> RunReport:
        spec, context = self.spec, self.context
        tables = context.tables if context else []
        counted = [table.bytes for table in tables if table.bytes is not None]
        return RunReport(
            run_id=spec.run_id if spec else None,
            runner=self.runner.name,
            datakit=spec.datakit if spec else None,
            step=spec.step if spec else None,
            target=context.target.name if context and context.target else None,
            status="stopped" if isinstance(error, StoppedError) else "failed" if error else "succeeded",
            exit_code=exit_code_of(error),
            repeated=context.repeated if context else False,
            tables=tables,
            checks=context.checks if context else [],
            bytes=sum(counted) if counted else None,
            watermark_from=spec.window.start if spec and spec.window else None,
            watermark_to=spec.window.end if spec and spec.window else None,
            started_at=self.started_at,
            seconds=self._seconds(),
            image_digest=spec.image_digest if spec else None,
            framework_version=__version__,
            details=self._masked(context.details) if context else {},
            error=self._error(error) if error else None,
        )

    def _error(self, error: BaseException) -> ErrorReport:
        if isinstance(error, DatakitError):
            return ErrorReport(
                class_name=type(error).__name__,
                message=self.mask(error.message),
                hint=error.hint and self.mask(error.hint),
                retry=isinstance(error, TransientError),
            )
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return ErrorReport(class_name=type(error).__name__, message=self.mask(text), retry=False)
