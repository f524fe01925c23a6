"""What a run did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.sql.expression import Select

if TYPE_CHECKING:
    from ..schema.deployment import Deployment

__all__ = ["CheckResult", "LoadResult", "ReportContext", "RunResult", "addition"]


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What one load did. Each count is made by the database, each on its own.

    Attributes:
        table: the load's name.
        layer: the load's layer.
        read: rows offered to the table.
        accepted: rows that keep the contract.
        rejected: rows that are in quarantine.
        loaded: rows that this run inserted or changed.
        deleted: rows that this run deleted, or ended in a table that keeps all.
        seconds: how long it took.
        kept: rows that met a rule that keeps them, by the rule's text.
        reasons: rejected rows by reason; a row with two reasons counts under both.
        bytes: how many were read of a source outside of the target.
        checksum: SHA-256 in hex over these bytes, as far as the same rows give the same.
        new_columns: columns that only the source has, each with the narrowest of the usual types that holds
            its values. They were not loaded: `addition` says how they could be.
    """

    table: str
    layer: str
    read: int
    accepted: int
    rejected: int
    loaded: int
    seconds: float
    deleted: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    bytes: int | None = None
    checksum: str | None = None
    new_columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows_per_second(self) -> int:
        """Rows read in a second, rounded down."""
        return int(self.read / self.seconds) if self.seconds else 0


_IN_PYTHON = {
    "bigint": "int",
    "numeric": "Decimal",
    "boolean": "bool",
    "date": "date",
    "timestamp with time zone": "datetime",
}


def addition(column: str, type_: str) -> str:
    """What a class would have to declare for a new column, to be planned and deployed as any other change."""
    return f"{column}: {_IN_PYTHON.get(type_, 'str')} | None = None"


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found: how many rows break it; 0 is good."""

    name: str
    offending: int
    because: str


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run did, load by load.

    Attributes:
        run_id: the run's id.
        datakit: the datakit's name.
        version: the datakit's version.
        target: the target's name, or its URL without the password.
        deployment: what was deployed; None when the run had no such part.
        loads: one result for each load.
        checks: one result for each check.
        report: the datakit's own report, when it has written one.
        seconds: how long it all took.
        repeated: whether a run of this id had succeeded before, so that this one did nothing.
    """

    run_id: str
    datakit: str
    version: str
    target: str
    deployment: Deployment | None
    loads: list[LoadResult]
    checks: list[CheckResult]
    report: Path | None
    seconds: float
    repeated: bool = False

    @property
    def loaded(self) -> int:
        """Rows that this run inserted or changed, over all tables."""
        return sum(load.loaded for load in self.loads)

    @property
    def failed_checks(self) -> list[CheckResult]:
        """Checks that found something."""
        return [check for check in self.checks if check.offending]


@dataclass(frozen=True, kw_only=True)
class ReportContext:
    """What a report is made from.

    Attributes:
        result: the run so far; its own `report` is still None.
        folder: where the report goes.
        query: runs a select, or SQL text, read-only in the target; returns rows by column name.
    """

    result: RunResult
    folder: Path
    query: Callable[[Select[Any] | str], list[dict[str, Any]]]
