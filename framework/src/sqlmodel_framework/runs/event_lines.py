"""Events as lines: a few words, and values by name, the same in every log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .events import (
    Checked,
    Deployed,
    Event,
    LoadFailed,
    LoadFinished,
    LoadProgressed,
    LoadSkipped,
    LoadStarted,
    ReportWritten,
    RunFailed,
    RunFinished,
    RunStarted,
)

__all__ = ["EventLines", "event_line"]

_SECONDS_BETWEEN_PROGRESS = 1.0


class EventLines:
    """Says each event as a line; of a load's progress one line a second at most.

    Args:
        say: says a line: what happened, and the values.
    """

    def __init__(self, say: Callable[[str, Mapping[str, Any]], object]) -> None:
        self._say = say
        self._next_progress = 0.0

    def __call__(self, event: Event) -> None:
        """Say an event, unless it is progress that comes too early."""
        now = time.monotonic()
        if isinstance(event, LoadProgressed):
            if now < self._next_progress:
                return
            self._next_progress = now + _SECONDS_BETWEEN_PROGRESS
        elif isinstance(event, LoadStarted):
            # A load that takes less than that needs no progress.
            self._next_progress = now + _SECONDS_BETWEEN_PROGRESS
        self._say(*event_line(event))


def event_line(event: Event) -> tuple[str, dict[str, Any]]:
    """What happened, in a few words, and its values; each is one that JSON can hold."""
    match event:
        case RunStarted():
            return "run started", {
                "run_id": str(event.run_id),
                "datakit": event.datakit.name,
                "version": event.datakit.version,
                "fingerprint": event.fingerprint,
                "target": event.target.mask(event.target.name),
                "parts": list(event.parts),
                **({} if event.loads is None else {"loads": list(event.loads)}),
            }
        case RunFinished(result=result):
            return "run finished", {
                "run_id": result.run_id,
                "repeated": result.repeated,
                "loaded": event.loaded,
                "seconds": round(result.seconds, 3),
            }
        case RunFailed():
            return "run failed", {
                "run_id": str(event.run_id),
                "error": event.error,
                "exit_code": int(event.exit_code),
                "seconds": round(event.seconds, 3),
            }
        case Deployed(deployment=deployment):
            return "deployed", {
                "created_schemas": list(deployment.created_schemas),
                "created_tables": list(deployment.created_tables),
            }
        case LoadStarted(number=number, total=total):
            return "load started", {**_names(event), "number": number, "total": total}
        case LoadSkipped(number=number, total=total):
            return "load skipped", {**_names(event), "number": number, "total": total}
        case LoadProgressed(bytes_read=read):
            return "load progressed", {**_names(event), "bytes": read}
        case LoadFinished(result=load, bytes_read=read):
            return "load finished", {
                **_names(event),
                "read": load.read,
                "written": load.loaded,
                "rejected": load.rejected,
                "deleted": load.deleted,
                "bytes": read,
                "seconds": round(load.seconds, 3),
            }
        case LoadFailed():
            return "load failed", {
                **_names(event),
                "error": event.error,
                "exit_code": int(event.exit_code),
            }
        case Checked(result=check):
            return "checked", {"check": check.name, "offending": check.offending}
        case ReportWritten(path=path):
            return "report written", {"path": str(path)}


def _names(event: LoadStarted | LoadSkipped | LoadProgressed | LoadFinished | LoadFailed) -> dict[str, Any]:
    return {"table": event.table, "layer": event.layer}
