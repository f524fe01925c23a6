"""Run a datakit: deploy, load, check, report."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table
from sqlalchemy.engine import URL

from ..base.datakit import Check, Datakit
from ..base.discovery import find_datakit
from ..base.tables import table_of
from ..engines.registry import engine_for
from ..errors import ContractError, DatakitError, TerminalError
from ..schema.deploy import deploy_with
from ..targets.settings import resolve_target
from ..targets.target import Target
from . import ledger
from .chosen import chosen_loads
from .databases import with_databases
from .events import (
    Checked,
    Deployed,
    LoadFailed,
    LoadFinished,
    LoadProgressed,
    LoadSkipped,
    LoadStarted,
    OnEvent,
    ReportWritten,
    RunFailed,
    RunFinished,
    RunStarted,
)
from .exit_codes import exit_code_of
from .incremental import bounded
from .result import CheckResult, LoadResult, ReportContext, RunResult
from .stopping import stop_on_sigterm
from .telling import Teller

if TYPE_CHECKING:
    from ..engines.base import BaseEngine
    from ..loading.load import Load
    from ..schema.deployment import Deployment
    from .spec import Requester, Window

__all__ = ["PARTS", "ChecksFailedError", "Part", "run_datakit"]

Part = Literal["deploy", "load", "check"]
PARTS: tuple[Part, ...] = get_args(Part)
"""What a run consists of, in the order in which it is done."""


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
    parts: Collection[Part] = PARTS,
    loads: Collection[str] | None = None,
    run_id: UUID | None = None,
    image_digest: str | None = None,
    requested_by: Requester | None = None,
    window: Window | None = None,
    sources: Mapping[str, Target] | None = None,
    approved_plan: str | None = None,
    listeners: Iterable[OnEvent] | None = None,
) -> RunResult:
    """Deploy a datakit, run its loads in order, run its checks, and write its report.

    Each load is one transaction, so a run that is killed leaves every table as it was or as it should
    be; the next run finishes the work. Two runs of one datakit never work at the same time, but runs of
    chosen loads alone do on PostgreSQL, if no table is loaded by both. A run whose id has succeeded before
    does nothing.

    Args:
        datakit: a datakit, or its name; as for `deploy_datakit`.
        target: a target, a name from `datakit.toml`, or a database URL.
        folder: where the report goes; without one no report is written.
        on_event: called with each event, in this thread; what it raises ends the run.
        engine: an engine of your own; by default the one for the URL's dialect.
        parts: those of `PARTS` that are to be done. The report belongs to the checks.
        loads: the ids, each `layer.name`, of the loads that are to be done, in declared order; by default
            all of them.
        run_id: a new one by default. A retry keeps its id, and does not load again what it has loaded.
        image_digest: the digest of the image that this happens in, for the ledger.
        requested_by: the orchestrator's task that asked for this, for the ledger.
        window: of the sources with a watermark, read the rows of this span of time, whatever was loaded
            before; the next load goes on where it would have without.
        sources: the databases to read, where the datakit's sources only name them; those that are not given
            are looked up in the settings.
        approved_plan: the hash of a plan that may destroy something. It counts for exactly that plan: a
            target that moved since, or another version of the datakit, needs another approval.
        listeners: who is told each event before `on_event`, and whose errors are a line in the log. By
            default those that the environment configures; see `sqlmodel_framework.observe.configured`.

    Raises:
        TerminalError: there is no such part or load, no source names a database that is given, tables are
            missing and are not to be deployed, or the id is that of another run.
        RefusedChangesError: a change would destroy something, and its plan was not approved.
        ContractError: a file is broken, or a table differs; what that load did was rolled back.
        ChecksFailedError: every load was done, but a check found something.
        StoppedError: SIGTERM came.
        DatakitError: as `deploy_datakit`.
    """
    kit = find_datakit(datakit)
    kit.table_classes()
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        raise TerminalError(f"a run consists of {', '.join(PARTS)}, not of {', '.join(unknown) or 'nothing'}")
    if loads is not None and "load" not in parts:
        raise TerminalError(f"loads are chosen for a run of {', '.join(parts)}, which loads nothing")
    if "load" in parts:
        kit = with_databases(kit, chosen_loads(kit, loads), sources)
    used = engine_for(resolve_target(target), engine)
    if not used.can_load:
        raise TerminalError(f"{type(used).__name__} can deploy, but not load")
    if listeners is None:
        # Beside everything else, so that a run without listeners imports none of what they need.
        from ..observe.configured import configured_listeners

        listeners = configured_listeners()
    run = _Run(kit, used, folder, run_id or uuid4(), image_digest, requested_by, window, loads, approved_plan)
    run.tell = Teller(listeners, on_event, run.mask)
    with stop_on_sigterm():
        return run.carry_out([part for part in PARTS if part in parts])


class _Run:
    tell: Teller

    def __init__(
        self,
        datakit: Datakit,
        engine: BaseEngine,
        folder: Path | None,
        run_id: UUID,
        image_digest: str | None,
        requested_by: Requester | None,
        window: Window | None,
        loads: Collection[str] | None,
        approved_plan: str | None,
    ) -> None:
        self.datakit = datakit
        self.engine = engine
        self.target = engine.target
        self.folder = folder
        self.run_id = run_id
        self.image_digest = image_digest
        self.requested_by = requested_by
        self.window = window
        self.approved_plan = approved_plan
        self.loads = chosen_loads(datakit, loads)
        self.asked = None if loads is None else tuple(load.id for load in self.loads)
        self.started = time.perf_counter()
        self.finished: Mapping[tuple[str, str], LoadResult] = {}
        self.loaded = 0

    def carry_out(self, parts: list[Part]) -> RunResult:
        """Do the parts, and tell how it ends, whatever goes wrong."""
        started = self._started(parts) if self.tell.anybody else None
        try:
            if started is not None:
                self.tell(started)
            with self.engine.connect():
                result = self._connected(parts)
        except BaseException as error:
            self.tell(
                RunFailed(
                    run_id=self.run_id,
                    target=self.target,
                    error=self._text(error),
                    error_class=type(error).__name__,
                    exit_code=exit_code_of(error),
                    seconds=self._seconds(),
                )
            )
            raise
        self.tell(RunFinished(result=result, target=self.target, loaded=self.loaded))
        return result

    def _started(self, parts: list[Part]) -> RunStarted:
        return RunStarted(
            run_id=self.run_id,
            datakit=self.datakit,
            fingerprint=self.datakit.fingerprint(),
            target=self.target,
            parts=tuple(parts),
            loads=self.asked,
        )

    def mask(self, text: str) -> str:
        """A text without the secrets of the target, and of the databases that are read."""
        for target in (self.target, *(getattr(load.source, "target", None) for load in self.datakit.loads)):
            if isinstance(target, Target):
                text = target.mask(text)
        return text

    def _connected(self, parts: list[Part]) -> RunResult:
        if self.asked is not None and parts == ["load"]:
            self.engine.begin_loads(self.datakit.name, {load.full_table_name for load in self.loads})
        else:
            self.engine.begin_run(self.datakit.name)
        try:
            if self._has_succeeded(parts):
                return self._result(None, repeated=True)
            deployment = self._begin(parts)
        except BaseException as error:
            self._record_failed_start(parts, error)
            raise
        try:
            result = self._work(parts, deployment)
        except BaseException as error:
            self._record_failure(error)
            raise
        with self.engine.transaction() as connection:
            if "check" in parts:
                ledger.record_sizes(connection, self.run_id, self._tables_to_count())
            ledger.record_end(connection, self.run_id, None)
        return result

    def _tables_to_count(self) -> list[Table]:
        classes = [check.keeps_size_of for check in self.datakit.checks]
        return list(dict.fromkeys(table_of(cls) for cls in classes if cls is not None))

    def _begin(self, parts: list[Part]) -> Deployment:
        deployment = deploy_with(
            self.engine, self.datakit, create="deploy" in parts, approved=self.approved_plan
        )
        if "deploy" in parts:
            self.tell(Deployed(deployment))
        with self.engine.transaction() as connection:
            ledger.record_start(
                connection,
                self.run_id,
                self.datakit,
                parts=parts,
                image_digest=self.image_digest,
                loads=self.asked,
                requested_by=self.requested_by,
            )
            # A retry goes on where the run stopped: what it has loaded would be appended twice.
            self.finished = ledger.finished_loads(connection, self.run_id)
        return deployment

    def _work(self, parts: list[Part], deployment: Deployment) -> RunResult:
        result = self._result(deployment if "deploy" in parts else None)
        if "load" in parts:
            loads = [self._load(number, load) for number, load in enumerate(self.loads, 1)]
            result = replace(result, loads=loads)
        if "check" in parts:
            result = replace(result, checks=[self._check(check) for check in self.datakit.checks])
            result = replace(result, seconds=self._seconds())
            result = replace(result, report=self._report(result))
        result = replace(result, seconds=self._seconds())
        if result.failed_checks:
            raise ChecksFailedError(result)
        return result

    def _has_succeeded(self, parts: list[Part]) -> bool:
        runs = ledger.table(ledger.RunRecord)
        with self.engine.transaction() as connection:
            known = self.engine.has_tables([runs])
            return known and self._succeeded_before(connection, parts)

    def _succeeded_before(self, connection: Connection, parts: list[Part]) -> bool:
        return ledger.has_succeeded(connection, self.run_id, self.datakit.name, parts, self.asked)

    def _result(self, deployment: Deployment | None, *, repeated: bool = False) -> RunResult:
        return RunResult(
            run_id=str(self.run_id),
            datakit=self.datakit.name,
            version=self.datakit.version,
            target=self.target.name,
            deployment=deployment,
            loads=[],
            checks=[],
            report=None,
            seconds=self._seconds(),
            repeated=repeated,
        )

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _load(self, number: int, load: Load) -> LoadResult:
        total = len(self.loads)
        known = self.finished.get((load.full_table_name, load.name))
        if known is not None:
            self.tell(LoadSkipped(load, self.target, known, number, total))
            return known
        latest: int | None = None

        def progress(bytes_read: int) -> None:
            nonlocal latest
            latest = bytes_read
            self.tell(LoadProgressed(load, self.target, bytes_read))

        try:
            self.tell(LoadStarted(load, self.target, number, total))
            now = bounded(self.engine, load, self.datakit.name, self.window)
            result = self.engine.load(now, self.run_id, self.datakit.name, progress)
        except BaseException as error:
            self.tell(
                LoadFailed(
                    load,
                    self.target,
                    error=self._text(error),
                    error_class=type(error).__name__,
                    exit_code=exit_code_of(error),
                )
            )
            raise
        self.loaded += result.loaded
        self.tell(LoadFinished(load, self.target, result, latest))
        return result

    def _check(self, check: Check) -> CheckResult:
        with self.engine.transaction() as connection:
            number: object = connection.execute(check.statement).scalar_one()
        if not isinstance(number, int):
            raise TerminalError(
                f"check {check.name!r} returned {number!r}",
                hint="its query must return one whole number: how many rows break it",
            )
        result = CheckResult(name=check.name, offending=number, because=check.because)
        self.tell(Checked(result, check, self.target))
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

    def _text(self, error: BaseException) -> str:
        return f"{type(error).__name__}: {self.mask(str(error))}"

    def _record_failed_start(self, parts: list[Part], error: BaseException) -> None:
        """Write down what kept a run from starting, where an earlier attempt has left a row of it."""
        with suppress(DatakitError), self.engine.transaction() as connection:
            # The id can be that of another run, whose row is none of ours; to ask then raises.
            known = self.engine.has_tables([ledger.table(ledger.RunRecord)])
            if known and not self._succeeded_before(connection, parts):
                ledger.record_end(connection, self.run_id, self._text(error))

    def _record_failure(self, error: BaseException) -> None:
        # When the database is out of reach, the next run finds this one without an end.
        with suppress(DatakitError), self.engine.transaction() as connection:
            ledger.record_end(connection, self.run_id, self._text(error))
