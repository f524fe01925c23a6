"""The framework's own steps. A runner that offers them offers all of them, those to come included."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from ..base.datakit import Datakit
from ..errors import RefusedChangesError, TerminalError
from ..observe.configured import configured_listeners
from ..runs.chosen import chosen_loads
from ..runs.event_lines import EventLines
from ..runs.events import Checked, Deployed, Event, LoadFinished, LoadSkipped
from ..runs.report import CheckReport, TableReport
from ..runs.result import LoadResult
from ..runs.run import PARTS, Part, run_datakit
from ..schema.plan_text import change_lines
from ..schema.planning import plan_datakit
from .asked import asked_loads
from .step import Step, StepContext
from .verifying import VERIFY

__all__ = ["FRAMEWORK_STEPS", "carry_out"]

_HASH = re.compile("[0-9a-f]{64}")


def carry_out(
    context: StepContext,
    parts: tuple[Part, ...],
    datakit: Datakit,
    *,
    loads: Collection[str] | None = None,
    approved_plan: str | None = None,
) -> None:
    """Do these parts of a datakit's run, and write down what happens in the context.

    Args:
        context: of the step.
        parts: of `PARTS`.
        datakit: the datakit.
        loads: the ids of the loads that are to be done; by default all of them.
        approved_plan: the hash of a plan that may destroy something.
    """
    assert context.target is not None
    spec = context.spec
    result = run_datakit(
        datakit,
        context.target,
        on_event=_Recorder(context),
        parts=parts,
        loads=loads,
        approved_plan=approved_plan,
        run_id=spec.run_id,
        image_digest=spec.image_digest,
        requested_by=spec.requested_by,
        window=spec.window,
        sources=context.sources,
        listeners=configured_listeners(
            parent_run=spec.parent_run, trace_parent=spec.trace_parent, trace_state=spec.trace_state
        ),
    )
    context.repeated = result.repeated
    if result.repeated:
        context.log.info("a run of this id has succeeded before: nothing was done")


def _plan(context: StepContext) -> None:
    assert context.target is not None
    plan = plan_datakit(context.datakit(), context.target)
    context.details |= {
        "plan_hash": plan.hash if plan.changes else "",
        "destructive": plan.destructive,
        "blocked": [change.id for change in plan.changes if change.blocked],
        "changes": [*change_lines(plan)],
        "statements": len(plan.steps()),
    }
    context.log.info("planned", changes=len(plan.changes), destructive=plan.destructive)


def _deploy(context: StepContext) -> None:
    try:
        carry_out(context, ("deploy",), context.datakit(), approved_plan=_approved_plan(context))
    except RefusedChangesError as error:
        context.details["plan_hash"] = error.plan_hash
        if not any(change.blocked for change in error.changes):
            error.hint = (
                f"look at what `plan` says; if it is meant, run with approved_plan: {error.plan_hash}"
            )
        raise


def _approved_plan(context: StepContext) -> str | None:
    given = context.spec.parameters.get("approved_plan")
    # Empty is what `plan` reports when there is nothing to do, and so nothing to approve.
    if given is None or given == "":
        return None
    if not isinstance(given, str) or not _HASH.fullmatch(given):
        raise TerminalError(
            "the parameter 'approved_plan' is no hash of a plan",
            hint="it is what the step `plan` reports as plan_hash: 64 hexadecimal digits",
        )
    return given


def _check_approval(context: StepContext) -> None:
    _approved_plan(context)
    context.datakit()


def _load(context: StepContext) -> None:
    carry_out(context, ("load",), context.datakit(), loads=asked_loads(context))


def _check_loads(context: StepContext) -> None:
    chosen_loads(context.datakit(), asked_loads(context))


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
                self._context.details["plan_hash"] = deployment.plan_hash
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
        name="plan",
        summary="Tell what a deployment would change; nothing is changed.",
        run=_plan,
    ),
    Step(
        name="deploy",
        summary="Take the target to what is declared; what destroys something needs `approved_plan`.",
        run=_deploy,
        parameters=frozenset({"approved_plan"}),
        prepare=_check_approval,
    ),
    Step(
        name="load",
        summary="Run the datakit's loads, or those that `loads` names, into tables that are deployed.",
        run=_load,
        parameters=frozenset({"loads"}),
        prepare=_check_loads,
    ),
    Step(
        name="check",
        summary="Run the datakit's checks.",
        run=partial(_run, ("check",)),
    ),
    VERIFY,
)
