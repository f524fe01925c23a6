"""What happens during a run, as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .result import CheckResult, LoadResult

if TYPE_CHECKING:
    from ..schema.deployment import Deployment

__all__ = [
    "Checked",
    "Deployed",
    "Event",
    "LoadFinished",
    "LoadProgressed",
    "LoadStarted",
    "OnEvent",
    "ReportWritten",
]


@dataclass(frozen=True)
class Deployed:
    """Schemas and tables are there."""

    deployment: Deployment


@dataclass(frozen=True)
class LoadStarted:
    """A load begins; `number` counts from 1 to `total`."""

    table: str
    layer: str
    number: int
    total: int


@dataclass(frozen=True)
class LoadProgressed:
    """So many bytes of the load's file are read."""

    table: str
    layer: str
    bytes_read: int


@dataclass(frozen=True)
class LoadFinished:
    """A load is committed."""

    result: LoadResult


@dataclass(frozen=True)
class Checked:
    """A check has run."""

    result: CheckResult


@dataclass(frozen=True)
class ReportWritten:
    """The report is there."""

    path: Path


Event = Deployed | LoadStarted | LoadProgressed | LoadFinished | Checked | ReportWritten
OnEvent = Callable[[Event], None]
