"""The framework's own steps. A runner that offers them offers all of them, those to come included."""

from __future__ import annotations

from functools import partial

from ..base.datakit import Datakit
from ..runs.events import Checked, Deployed, Event, LoadFinished, LoadProgressed, LoadStarted
from ..runs.report import CheckReport, TableReport
from ..runs.run import PARTS, Part, run_datakit
from .step import Step, StepContext

__all__ = ["FRAMEWORK_STEPS", "carry_out"]


def carry_out(context: StepContext, parts: tuple[Part, ...], datakit: Datakit) -> None:
    """Do these parts of a datakit's run, and write down what happens in the context."""
    assert context.target is not None
    result = run_datakit(
        datakit,
        context.target,
        on_event=_Recorder(context),
        parts=parts,
        run_id=context.spec.run_id,
        image_digest=context.spec.image_digest,
        window=context.spec.window,
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
        self._bytes: int | None = None

    def __call__(self, event: Event) -> None:
        log = self._context.log
        match event:
            case Deployed(deployment=deployment):
                log.info("deployed", created_tables=list(deployment.created_tables))
                self._context.details["created_schemas"] = list(deployment.created_schemas)
                self._context.details["created_tables"] = list(deployment.created_tables)
            case LoadStarted(table=table, layer=layer, number=number, total=total):
                log.info("load started", table=table, layer=layer, number=number, total=total)
                self._bytes = None
            case LoadProgressed(bytes_read=read):
                self._bytes = read
            case LoadFinished(result=load):
                self._context.tables.append(
                    TableReport(
                        table=load.table,
                        layer=load.layer,
                        read=load.read,
                        written=load.loaded,
                        rejected=load.rejected,
                        bytes=self._bytes,
                        seconds=round(load.seconds, 3),
                        reasons=dict(load.reasons),
                        new_columns=dict(load.new_columns),
                    )
                )
                log.info(
                    "load finished",
                    table=load.table,
                    layer=load.layer,
                    read=load.read,
                    written=load.loaded,
                    rejected=load.rejected,
                )
            case Checked(result=check):
                self._context.checks.append(CheckReport(name=check.name, offending=check.offending))
                say = log.warning if check.offending else log.info
                say("checked", check=check.name, offending=check.offending)


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
