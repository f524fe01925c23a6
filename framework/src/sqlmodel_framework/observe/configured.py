"""The listeners that the environment asks for; where it asks for none, nothing of theirs is imported."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .harmless import without_url_secrets

if TYPE_CHECKING:
    from ..runs.events import OnEvent
    from ..runs.spec import ParentRun

__all__ = ["configured_listeners"]

_log = logging.getLogger(__name__)

_OPENLINEAGE = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")
_OPENLINEAGE_FILE = "openlineage.yml"


def configured_listeners(
    *, parent_run: ParentRun | None = None, trace_parent: str | None = None, trace_state: str | None = None
) -> list[OnEvent]:
    """New listeners for one run: OpenLineage's and OpenTelemetry's, each where it is configured.

    OpenLineage is where its own variables or its file `openlineage.yml` say so; OpenTelemetry is where this
    program has a tracer provider. One that cannot be made is a warning in the log.

    Args:
        parent_run: the run that this one belongs to; by default what `OPENLINEAGE_PARENT_ID` names.
        trace_parent: the span that this run belongs to, as W3C's `traceparent`; by default the current span,
            else what `TRACEPARENT` names.
        trace_state: W3C's `tracestate` that goes with `trace_parent`.
    """

    def openlineage() -> OnEvent:
        from .openlineage import OpenLineageListener

        return OpenLineageListener(parent_run=parent_run)

    def opentelemetry() -> OnEvent:
        from .opentelemetry import OpenTelemetryListener

        return OpenTelemetryListener(trace_parent=trace_parent, trace_state=trace_state)

    made = [
        _made(openlineage, "OpenLineage", "openlineage") if _openlineage_is_configured() else None,
        _made(opentelemetry, "OpenTelemetry", "opentelemetry") if _opentelemetry_is_configured() else None,
    ]
    return [listener for listener in made if listener is not None]


def _made(make: Callable[[], OnEvent], what: str, extra: str) -> OnEvent | None:
    try:
        return make()
    except Exception as error:
        if isinstance(error, ImportError) and (error.name or "").partition(".")[0] == extra:
            _log.warning("%s is configured, but not there: pip install 'sqlmodel-framework[%s]'", what, extra)
            return None
        text = " ".join(without_url_secrets(str(error)).split())
        _log.warning("%s is configured in a way that cannot work: %s: %s", what, type(error).__name__, text)
    return None


def _openlineage_is_configured() -> bool:
    if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    if any(name.startswith(_OPENLINEAGE) for name in os.environ):
        return True
    # The places where the client looks.
    folders = (Path(), Path("~/.openlineage"))
    return any(os.path.isfile(os.path.expanduser(folder / _OPENLINEAGE_FILE)) for folder in folders)


def _opentelemetry_is_configured() -> bool:
    if "OTEL_PYTHON_TRACER_PROVIDER" not in os.environ and "opentelemetry.trace" not in sys.modules:
        # Nobody can have set a provider.
        return False
    try:
        from opentelemetry import trace
    except ImportError:
        return False
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider)
