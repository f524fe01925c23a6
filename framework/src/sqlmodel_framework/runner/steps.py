"""The framework's own steps. A runner that offers them offers all of them, those to come included."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..base.datakit import Datakit
from ..observe.configured import configured_listeners
from ..runs.event_lines import EventLines
from ..runs.events import Checked, Deployed, Event, LoadFinished, LoadSkipped
from ..runs.report import CheckReport, TableReport
from ..runs.result import LoadResult
from ..runs.run import PARTS, Part, run_datakit
from .step import Step, StepContext

__all__ = ["FRAMEWORK_STEPS", "carry_out"]


def carry_out(context: StepContext, parts: tuple[Part, ...], datakit: Datakit) -> None:
    """Do these parts of a datakit's run, and write down what happens in the context."""
    assert context.target is not None
    spec = context.spec
    result = run_datakit(
        datakit,
        context.target,
        on_event=_Recorder(context),
        parts=parts,
        run_id=spec.run_id,
        image_digest=spec.image_digest,
        window=spec.window,
        listeners=configured_listeners(
            parent_run=spec.parent_run, trace_parent=spec.trace_parent, trace_state=spec.trace_state
        ),
    )
    context.repeated = result.repeated
    if result.repeated:
        context.log.info("a run of this id has succeeded before: nothing was done")


def _run(parts: tuple[Part, ...], context: StepContext) -> None:
    carry_out(context, parts, context.datakit())


class _Recorder:
    """Writes down what happens as it happens, so that a run that fails half-way has a report too."""

    def __init__(self, context: StepContext) -> None:
        self._context = context
        self._lines = EventLines(self._log)

    def __call__(self, event: Event) -> None:
        match event:
            case Deployed(deployment=deployment):
                self._context.details["created_schemas"] = list(deployment.created_schemas)
                self._context.details["created_tables"] = list(deployment.created_tables)
            case LoadFinished(result=load, bytes_read=read):
                self._context.tables.append(_table_report(load, read))
            case LoadSkipped(result=load):
                # The report is one of the run, and so of what its earlier attempts did.
                self._context.tables.append(_table_report(load, None))
            case Checked(result=check):
                self._context.checks.append(CheckReport(name=check.name, offending=check.offending))
        self._lines(event)

    def _log(self, what: str, values: Mapping[str, Any]) -> None:
        log = self._context.log
        say = log.warning if values.get("offending") else log.info
        say(what, **values)


def _table_report(load: LoadResult, bytes_read: int | None) -> TableReport:
    return TableReport(
        table=load.table,
        layer=load.layer,
        read=load.read,
        written=load.loaded,
        rejected=load.rejected,
        bytes=bytes_read,
        seconds=round(load.seconds, 3),
        reasons=dict(load.reasons),
        new_columns=dict(load.new_columns),
    )


FRAMEWORK_STEPS: tuple[Step, ...] = (
    Step(
        name="run",
        summary="Deploy, load and check.",
        run=partial(_run, PARTS),
    ),
    Step(
        name="deploy",
        summary="Create the schemas and tables that the target lacks.",
        run=partial(_run, ("deploy",)),
    ),
    Step(
        name="load",
        summary="Run the datakit's loads into tables that are deployed.",
        run=partial(_run, ("load",)),
    ),
    Step(
        name="check",
        summary="Run the datakit's checks.",
        run=partial(_run, ("check",)),
    ),
)
