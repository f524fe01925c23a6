"""The spans that a run leaves with the program's own tracer provider."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlmodel_framework import Target, run_datakit
from sqlmodel_framework.observe.configured import configured_listeners
from sqlmodel_framework.observe.opentelemetry import OpenTelemetryListener
from sqlmodel_framework.runs.run import ChecksFailedError

if TYPE_CHECKING:
    from observe.conftest import Kit

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
TRACE_PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # It can be set once a process only.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def context_of(span: ReadableSpan) -> trace.SpanContext:
    found = span.get_span_context()
    assert found is not None
    return found


def text(spans: InMemorySpanExporter) -> str:
    return "".join(span.to_json() for span in spans.get_finished_spans())


def test_a_run_is_a_span_with_one_below_it_for_each_load(
    kit: Kit, target: Target, spans: InMemorySpanExporter
) -> None:
    run_id = uuid4()
    run_datakit(kit(), target, run_id=run_id)
    found = by_name(spans)
    loads = [name for name in found if name.startswith("load ")]
    assert loads == ["load observed.raw", "load observed.item", "load observed.dear"]
    run = found["run observed"]
    assert run.parent is None
    for name in loads:
        parent = found[name].parent
        assert parent is not None
        assert parent.span_id == context_of(run).span_id
    assert run.attributes is not None
    assert run.attributes["datakit.run_id"] == str(run_id)
    assert run.attributes["datakit.parts"] == ("deploy", "load", "check")
    assert (run.attributes["db.system.name"], run.attributes["datakit.target"]) == ("postgresql", "warehouse")
    silver = found["load observed.item"].attributes
    assert silver is not None
    assert [silver[f"datakit.{name}"] for name in ("read", "accepted", "rejected", "loaded")] == [4, 2, 2, 2]
    assert [event.name for event in run.events] == ["deployed", "checked"]
    assert "s3cr3t" not in text(spans)


@pytest.mark.parametrize("way", ["argument", "environment"])
def test_the_span_above_comes_from_outside(
    way: str, kit: Kit, target: Target, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "environment":
        monkeypatch.setenv("TRACEPARENT", TRACE_PARENT)
        monkeypatch.setenv("TRACESTATE", "vendor=1")
        listeners = configured_listeners()
    else:
        listeners = configured_listeners(trace_parent=TRACE_PARENT, trace_state="vendor=1")
    run_datakit(kit(), target, listeners=listeners)
    parent = by_name(spans)["run observed"].parent
    assert parent is not None
    assert (f"{parent.trace_id:032x}", f"{parent.span_id:016x}") == (TRACE, SPAN)
    assert parent.trace_state.get("vendor") == "1"
    assert {f"{context_of(s).trace_id:032x}" for s in spans.get_finished_spans()} == {TRACE}
    assert not trace.get_current_span().get_span_context().is_valid


def test_the_current_span_is_above_a_run(kit: Kit, target: Target, spans: InMemorySpanExporter) -> None:
    with trace.get_tracer("t").start_as_current_span("mine") as mine:
        run_datakit(kit(), target)
        assert trace.get_current_span() is mine
    parent = by_name(spans)["run observed"].parent
    assert parent is not None
    assert parent.span_id == mine.get_span_context().span_id


def test_an_error_is_the_status_of_the_load_and_of_the_run(
    kit: Kit, target: Target, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(Exception, match="more fields"):
        run_datakit(kit("code,price\na,1,2\n"), target)
    for name in ("load observed.raw", "run observed"):
        span = by_name(spans)[name]
        assert span.status.status_code is trace.StatusCode.ERROR
        assert "more fields" in str(span.status.description)
        assert span.attributes is not None
        assert (span.attributes["datakit.exit_code"], span.attributes["error.type"]) == (65, "ContractError")
    assert "s3cr3t" not in text(spans)


def test_a_load_that_was_done_before_has_no_span(
    kit: Kit, target: Target, spans: InMemorySpanExporter
) -> None:
    run_id = uuid4()
    with pytest.raises(ChecksFailedError):
        run_datakit(kit(limit=1), target, run_id=run_id)
    spans.clear()
    run_datakit(kit(), target, run_id=run_id)
    run = by_name(spans)["run observed"]
    assert len(spans.get_finished_spans()) == 1
    assert [event.name for event in run.events] == ["deployed", *["load skipped"] * 3, "checked"]
    assert run.attributes is not None
    assert (run.attributes["datakit.loaded"], run.attributes["datakit.repeated"]) == (0, False)


def test_without_a_provider_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    assert configured_listeners() == []
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider())
    assert [type(listener) for listener in configured_listeners()] == [OpenTelemetryListener]
