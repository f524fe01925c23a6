"""What happens during a run, as it happens.

Whoever listens is told `RunStarted` first, and last either `RunFinished` or `RunFailed`. Each load that
begins ends with `LoadFinished` or `LoadFailed`; one that an earlier attempt of the same run has done is
`LoadSkipped` alone. No event holds a secret: texts are masked, and a `Target` shows none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from .result import CheckResult, LoadResult, RunResult

if TYPE_CHECKING:
    from ..base.datakit import Check, Datakit
    from ..loading.load import Load
    from ..schema.deployment import Deployment
    from ..targets.target import Target

__all__ = [
    "Checked",
    "Deployed",
    "Event",
    "LoadFailed",
    "LoadFinished",
    "LoadProgressed",
    "LoadSkipped",
    "LoadStarted",
    "OnEvent",
    "ReportWritten",
    "RunFailed",
    "RunFinished",
    "RunStarted",
]


@dataclass(frozen=True)
class RunStarted:
    """A run begins; whether its target answers is not known yet.

    Attributes:
        run_id: the run's id; a retry has that of the attempt before.
        datakit: the datakit, whose name and version it holds.
        fingerprint: the datakit's fingerprint.
        target: the target.
        parts: what the run consists of, in order.
        loads: the ids of the loads that it was asked for; None for all of them.
    """

    run_id: UUID
    datakit: Datakit
    fingerprint: str
    target: Target
    parts: tuple[str, ...]
    loads: tuple[str, ...] | None = None


@dataclass(frozen=True)
class RunFinished:
    """A run ended well.

    Attributes:
        result: what the run did, earlier attempts included.
        target: the target.
        loaded: rows that this attempt inserted or changed: none where the run is `result.repeated`, and none
            of the loads that were skipped.
    """

    result: RunResult
    target: Target
    loaded: int


@dataclass(frozen=True)
class RunFailed:
    """A run ended with an error.

    Attributes:
        run_id: the run's id.
        target: the target.
        error: the error's class and its text, masked.
        error_class: the error's class alone.
        exit_code: what the command line exits with; see `sqlmodel_framework.runs.exit_codes`.
        seconds: how long it took.
    """

    run_id: UUID
    target: Target
    error: str
    error_class: str
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class Deployed:
    """Schemas and tables are there."""

    deployment: Deployment


@dataclass(frozen=True)
class _OfLoad:
    load: Load
    target: Target

    @property
    def table(self) -> str:
        """The load's name."""
        return self.load.name

    @property
    def layer(self) -> str:
        """The load's layer."""
        return self.load.layer


@dataclass(frozen=True)
class LoadStarted(_OfLoad):
    """A load begins; `number` counts from 1 to `total`."""

    number: int
    total: int


@dataclass(frozen=True)
class LoadSkipped(_OfLoad):
    """A load was done by an earlier attempt of this run, so that it is not done again: no row is new.

    Attributes:
        result: what the earlier attempt did.
        number: counts from 1 to `total`.
        total: how many loads there are.
    """

    result: LoadResult
    number: int
    total: int


@dataclass(frozen=True)
class LoadProgressed(_OfLoad):
    """So many bytes of the load's file are read."""

    bytes_read: int


@dataclass(frozen=True)
class LoadFinished(_OfLoad):
    """A load is committed.

    Attributes:
        result: what it did.
        bytes_read: how many bytes were read, where that is known.
    """

    result: LoadResult
    bytes_read: int | None


@dataclass(frozen=True)
class LoadFailed(_OfLoad):
    """A load ended with an error; its rows were rolled back. The attributes are as those of `RunFailed`."""

    error: str
    error_class: str
    exit_code: int


@dataclass(frozen=True)
class Checked:
    """A check has run."""

    result: CheckResult
    check: Check
    target: Target


@dataclass(frozen=True)
class ReportWritten:
    """The report is there."""

    path: Path


Event = (
    RunStarted
    | RunFinished
    | RunFailed
    | Deployed
    | LoadStarted
    | LoadSkipped
    | LoadProgressed
    | LoadFinished
    | LoadFailed
    | Checked
    | ReportWritten
)
OnEvent = Callable[[Event], None]
