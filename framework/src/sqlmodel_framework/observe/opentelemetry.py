"""Tell OpenTelemetry of a run: one span for the run, and below it one for each load.

The spans go to the program's own tracer provider; who exports them, and where to, is not decided here. Needs
opentelemetry-api, which the wheel's extra `opentelemetry` brings.
"""

from __future__ import annotations

import os
from contextvars import Token
from typing import TYPE_CHECKING

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .. import __version__
from ..runs.events import (
    Checked,
    Deployed,
    Event,
    LoadFailed,
    LoadFinished,
    LoadSkipped,
    LoadStarted,
    RunFailed,
    RunFinished,
    RunStarted,
)
from .harmless import without_url_secrets

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from ..targets.target import Target

__all__ = ["OpenTelemetryListener"]

_SYSTEMS = {"mssql": "microsoft.sql_server"}


class OpenTelemetryListener:
    """Makes the spans of one run.

    A span is the current one while it lasts, so that what else is traced, such as the statements of a driver,
    is below it. A load that an earlier attempt has done has no span, but is an event of the run's.

    Args:
        trace_parent: the span that this run belongs to, as W3C's `traceparent`; by default the current span,
            else what the variable `TRACEPARENT` names.
        trace_state: W3C's `tracestate` that goes with `trace_parent`.
    """

    def __init__(self, *, trace_parent: str | None = None, trace_state: str | None = None) -> None:
        self._tracer = trace.get_tracer("sqlmodel_framework", __version__)
        self._parent = _incoming(trace_parent, trace_state)
        self._open: list[tuple[Span, Token[Context]]] = []

    def __call__(self, event: Event) -> None:
        """Begin or end the span that the event is about, or add to it."""
        match event:
            case RunStarted():
                self._begin(f"run {event.datakit.name}", self._parent, _run_attributes(event))
            case Deployed(deployment=deployment):
                self._note("deployed", {"datakit.changes": len(deployment.changes)})
            case LoadStarted():
                self._begin(
                    f"load {event.load.full_table_name}",
                    None,
                    {**_load_attributes(event), **_database(event.target)},
                )
            case LoadSkipped():
                self._note("load skipped", _load_attributes(event))
            case LoadFinished():
                self._end(_result_attributes(event))
            case LoadFailed():
                self._fail(event)
            case RunFailed():
                self._end_loads()
                self._fail(event)
            case Checked(result=check):
                self._note("checked", {"datakit.check": check.name, "datakit.offending": check.offending})
            case RunFinished(result=result, loaded=loaded):
                self._end_loads()
                self._end({"datakit.repeated": result.repeated, "datakit.loaded": loaded})

    def _begin(self, name: str, parent: Context | None, attributes: dict[str, AttributeValue]) -> None:
        span = self._tracer.start_span(name, parent, attributes=attributes)
        self._open.append((span, contexts.attach(trace.set_span_in_context(span, parent))))

    def _note(self, name: str, attributes: dict[str, AttributeValue]) -> None:
        if self._open:
            self._open[-1][0].add_event(name, attributes)

    def _end(self, attributes: dict[str, AttributeValue], status: Status | None = None) -> None:
        if not self._open:
            return
        span, token = self._open.pop()
        span.set_attributes(attributes)
        if status is not None:
            span.set_status(status)
        contexts.detach(token)
        span.end()

    def _end_loads(self) -> None:
        """End what is left of loads whose end was not told."""
        while len(self._open) > 1:
            self._end({})

    def _fail(self, event: LoadFailed | RunFailed) -> None:
        self._end(
            {"error.type": event.error_class, "datakit.exit_code": int(event.exit_code)},
            Status(StatusCode.ERROR, without_url_secrets(event.error)),
        )


def _incoming(trace_parent: str | None, trace_state: str | None) -> Context | None:
    """The context that a run's span belongs to; None for the current one."""
    if trace_parent is None:
        if trace.get_current_span().get_span_context().is_valid:
            return None
        trace_parent, trace_state = os.environ.get("TRACEPARENT"), os.environ.get("TRACESTATE")
    if trace_parent is None:
        return None
    carrier = {"traceparent": trace_parent, "tracestate": trace_state or ""}
    return TraceContextTextMapPropagator().extract(carrier, contexts.get_current())


def _run_attributes(event: RunStarted) -> dict[str, AttributeValue]:
    return {
        "datakit.name": event.datakit.name,
        "datakit.version": event.datakit.version,
        "datakit.fingerprint": event.fingerprint,
        "datakit.run_id": str(event.run_id),
        "datakit.parts": list(event.parts),
        **_database(event.target),
    }


def _database(target: Target) -> dict[str, AttributeValue]:
    url = target.url
    found = {
        "datakit.target": without_url_secrets(target.mask(target.name)),
        "db.system.name": _SYSTEMS.get(target.dialect, target.dialect),
        "db.namespace": url.database,
        "server.address": url.host,
        "server.port": url.port,
    }
    return {name: value for name, value in found.items() if value is not None}


def _load_attributes(event: LoadStarted | LoadSkipped) -> dict[str, AttributeValue]:
    return {
        "datakit.load": event.table,
        "datakit.layer": event.layer,
        "db.collection.name": event.load.full_table_name,
    }


def _result_attributes(event: LoadFinished) -> dict[str, AttributeValue]:
    result = event.result
    counts: dict[str, AttributeValue] = {
        "datakit.read": result.read,
        "datakit.accepted": result.accepted,
        "datakit.rejected": result.rejected,
        "datakit.loaded": result.loaded,
        "datakit.deleted": result.deleted,
    }
    return counts if event.bytes_read is None else {**counts, "datakit.bytes_read": event.bytes_read}
