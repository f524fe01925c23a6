"""Run a datakit: deploy, load, check, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy.engine import URL

from ..base.datakit import Check, Datakit
from ..base.discovery import find_datakit
from ..engines.registry import engine_for
from ..errors import ContractError, DatakitError, TerminalError
from ..schema.deploy import deploy_with
from ..targets.settings import resolve_target
from ..targets.target import Target
from . import ledger
from .events import (
    Checked,
    Deployed,
    Event,
    LoadFinished,
    LoadProgressed,
    LoadStarted,
    OnEvent,
    ReportWritten,
)
from .result import CheckResult, LoadResult, ReportContext, RunResult
from .stopping import cancelling, stop_on_sigterm

if TYPE_CHECKING:
    from ..engines.base import BaseEngine
    from ..loading.load import Load

__all__ = ["ChecksFailedError", "run_datakit"]


class ChecksFailedError(ContractError):
    """Every load was done, but a check found something (exit code 65).

    Attributes:
        result: the whole run.
    """

    def __init__(self, result: RunResult) -> None:
        found = "; ".join(
            f"check {check.name!r} found {check.offending} ({check.because})"
            for check in result.failed_checks
        )
        super().__init__(f"datakit {result.datakit!r}: {found}", target=result.target)
        self.result = result


def run_datakit(
    datakit: Datakit | str,
    target: Target | URL | str,
    *,
    folder: Path | None = None,
    on_event: OnEvent | None = None,
    engine: BaseEngine | type[BaseEngine] | None = None,
) -> RunResult:
    """Deploy a datakit, run its loads in order, run its checks, and write its report.

    Each load is one transaction, so a run that is killed leaves every table as it was or as it should
    be; the next run finishes the work. Two runs of one datakit never work at the same time.

    Args:
        datakit: a datakit, or its name; as for `deploy_datakit`.
        target: a target, a name from `datakit.toml`, or a database URL.
        folder: where the report goes; without one no report is written.
        on_event: called with each event, in this thread.
        engine: an engine of your own; by default the one for the URL's dialect.

    Raises:
        ContractError: a file is broken, or a table differs; what that load did was rolled back.
        ChecksFailedError: every load was done, but a check found something.
        StoppedError: SIGTERM came.
        DatakitError: as `deploy_datakit`.
    """
    tell: Callable[[Event], None] = on_event or (lambda _event: None)
    kit = find_datakit(datakit)
    kit.table_classes()
    used = engine_for(resolve_target(target), engine)
    if not used.can_load:
        raise TerminalError(f"{type(used).__name__} can deploy, but not load")
    with stop_on_sigterm(), used.connect(), cancelling(used.cancel):
        return _Run(kit, used, folder, tell).carry_out()


class _Run:
    def __init__(
        self, datakit: Datakit, engine: BaseEngine, folder: Path | None, tell: Callable[[Event], None]
    ) -> None:
        self.datakit = datakit
        self.engine = engine
        self.folder = folder
        self.tell = tell
        self.run_id = uuid4()
        self.started = time.perf_counter()

    def carry_out(self) -> RunResult:
        self.engine.begin_run(self.datakit.name)
        deployment = deploy_with(self.engine, self.datakit)
        self.tell(Deployed(deployment))
        with self.engine.transaction() as connection:
            ledger.record_start(connection, self.run_id, self.datakit)
        try:
            result = RunResult(
                run_id=str(self.run_id),
                datakit=self.datakit.name,
                version=self.datakit.version,
                target=self.engine.target.name,
                deployment=deployment,
                loads=[self._load(number, load) for number, load in enumerate(self.datakit.loads, 1)],
                checks=[self._check(check) for check in self.datakit.checks],
                report=None,
                seconds=time.perf_counter() - self.started,
            )
            result = replace(result, report=self._report(result))
            result = replace(result, seconds=time.perf_counter() - self.started)
            if result.failed_checks:
                raise ChecksFailedError(result)
        except BaseException as error:
            self._record_failure(error)
            raise
        with self.engine.transaction() as connection:
            ledger.record_end(connection, self.run_id, None)
        return result

    def _load(self, number: int, load: Load) -> LoadResult:
        self.tell(LoadStarted(load.name, load.layer, number, len(self.datakit.loads)))

        def progress(bytes_read: int) -> None:
            self.tell(LoadProgressed(load.name, load.layer, bytes_read))

        result = self.engine.load(load, self.run_id, self.datakit.name, progress)
        self.tell(LoadFinished(result))
        return result

    def _check(self, check: Check) -> CheckResult:
        with self.engine.transaction() as connection:
            number = connection.execute(check.statement).scalar_one()
        if not isinstance(number, int):
            raise TerminalError(
                f"check {check.name!r} returned {number!r}",
                hint="its query must return one whole number: how many rows break it",
            )
        result = CheckResult(name=check.name, offending=number, because=check.because)
        self.tell(Checked(result))
        return result

    def _report(self, result: RunResult) -> Path | None:
        if self.datakit.report is None or self.folder is None:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.datakit.report(
            ReportContext(result=result, folder=self.folder, query=self.engine.read_rows)
        )
        self.tell(ReportWritten(path))
        return path

    def _record_failure(self, error: BaseException) -> None:
        text = f"{type(error).__name__}: {self.engine.target.mask(str(error))}"
        try:
            with self.engine.transaction() as connection:
                ledger.record_end(connection, self.run_id, text)
        except DatakitError:
            # The database is out of reach; the next run finds this one without an end.
            return
