"""The run specification of a task's try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from airflow.sdk.exceptions import AirflowFailException
from pydantic import JsonValue, ValidationError
from sqlmodel_framework.runs.spec import Endpoint, ParentRun, Requester, RunSpec, Window

__all__ = ["make_spec", "window_of"]


def make_spec(
    context: Mapping[str, Any],
    *,
    run_id: UUID,
    datakit: str,
    step: str,
    target: Endpoint,
    source: Endpoint | None,
    sources: Mapping[str, Endpoint],
    windowed: bool,
    parameters: Mapping[str, JsonValue],
    image_digest: str | None,
) -> RunSpec:
    """The specification of a run.

    Args:
        context: the task's context.
        run_id: the run's id.
        datakit: the datakit's name.
        step: what the runner is to do.
        target: the database to write.
        source: the database to read, or None.
        sources: the databases to read, by what the datakit's sources call them.
        windowed: whether the step is about the DagRun's span of time.
        parameters: what else the runner is told.
        image_digest: the digest of the image that carries it out; None where there is none.

    Raises:
        AirflowFailException: the DagRun's configuration names no valid window.
    """
    return RunSpec(
        run_id=run_id,
        datakit=datakit,
        step=step,
        source=source,
        sources=dict(sources),
        target=target,
        window=window_of(context) if windowed else None,
        parameters=dict(parameters),
        image_digest=image_digest,
        requested_by=_requester(context["ti"]),
        parent_run=_parent_run(context),
        trace_parent=_trace_parent(),
    )


def window_of(context: Mapping[str, Any]) -> Window | None:
    """The span of time that a DagRun is about: its configuration's `window`, or its data interval.

    A DagRun without either, such as one that assets started, has none: then what is new is loaded.

    Raises:
        AirflowFailException: the configuration names no valid window.
    """
    run = context["dag_run"]
    given = (run.conf or {}).get("window")
    if given is not None:
        try:
            return Window.model_validate(given)
        except ValidationError as error:
            told = error.errors(include_input=False, include_url=False, include_context=False)[0]["msg"]
            raise AirflowFailException(
                f"the DagRun's configuration names no valid window: {told}; "
                'write {"window": {"start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"}}'
            ) from None
    start, end = run.data_interval_start, run.data_interval_end
    if start is None or end is None or end <= start:
        return None
    return Window(start=start, end=end)


def _requester(ti: Any) -> Requester:
    mapped = ti.map_index is not None and ti.map_index >= 0
    return Requester(
        system="airflow",
        workflow=ti.dag_id,
        workflow_run=ti.run_id,
        task=f"{ti.task_id}[{ti.map_index}]" if mapped else ti.task_id,
        attempt=ti.try_number,
    )


def _parent_run(context: Mapping[str, Any]) -> ParentRun | None:
    """The task as OpenLineage's provider names it, where that tells anybody."""
    try:
        from airflow.providers.openlineage import conf
        from airflow.providers.openlineage.plugins import macros
    except ImportError:
        return None
    if conf.is_disabled():
        return None
    ti = context["ti"]
    return ParentRun(
        namespace=conf.namespace(),
        job=macros.lineage_job_name(ti),
        run_id=UUID(macros.lineage_run_id(ti)),
    )


def _trace_parent() -> str | None:
    """The span that the task runs in, where OpenTelemetry records one."""
    from opentelemetry.trace import get_current_span

    span = get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{int(span.trace_flags):02x}"
