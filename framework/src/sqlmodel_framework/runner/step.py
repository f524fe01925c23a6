"""A step: what a runner can do, and what it is given to do it with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import JsonValue

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..runs.report import CheckReport, TableReport
from ..runs.spec import RunSpec
from ..targets.target import Target

__all__ = ["Log", "Step", "StepContext"]


class Log(Protocol):
    """Where a step says what it does: an event in a few words, and values by name."""

    def info(self, event: str, **values: Any) -> Any:
        """Say what happens."""

    def warning(self, event: str, **values: Any) -> Any:
        """Say what somebody should look at."""


@dataclass(kw_only=True)
class StepContext:
    """One run of a step: what was asked, and what is told about it.

    What a step appends to `tables`, `checks` and `details` is in the report, also when the step fails.

    Attributes:
        spec: what was asked.
        log: where to say what happens; secrets of the spec's databases are masked.
        source: the database to read, or None where none is named.
        sources: databases to read, by the names that the datakit's sources give them.
        target: the database to write, or None where none is named.
        tables: what happened to each table so far.
        checks: what each check found so far.
        details: what else the report should tell.
        repeated: set by a step that found that a run of this id had succeeded before.
    """

    spec: RunSpec
    log: Log
    source: Target | None = None
    sources: Mapping[str, Target] = field(default_factory=dict)
    target: Target | None = None
    tables: list[TableReport] = field(default_factory=list)
    checks: list[CheckReport] = field(default_factory=list)
    details: dict[str, JsonValue] = field(default_factory=dict)
    repeated: bool = False

    def datakit(self) -> Datakit:
        """The datakit that the specification names.

        Raises:
            DatakitNotFoundError: there is none, or it cannot be imported.
        """
        return find_datakit(self.spec.datakit)


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that a runner can do.

    Attributes:
        name: what a specification calls it.
        summary: one line for people.
        run: does it.
        needs_source: whether the specification must name a source, which is then waited for.
        needs_target: whether the specification must name a target, which is then waited for.
        parameters: the names of the parameters that it takes.
        prepare: finds mistakes in what was asked, before any database is waited for; by default, a datakit
            that cannot be imported.
    """

    name: str
    summary: str
    run: Callable[[StepContext], None]
    needs_source: bool = False
    needs_target: bool = True
    parameters: frozenset[str] = frozenset()
    prepare: Callable[[StepContext], object] = StepContext.datakit
