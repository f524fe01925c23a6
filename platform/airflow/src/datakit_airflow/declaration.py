"""The small typed file of one DAG: which datakit, when, where to, and with which images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, field_validator, model_validator

from .configuration import ConfigurationError, Problem, Strict, read_document, validated
from .images import ImageReference

__all__ = [
    "ASSETS",
    "DbtStep",
    "Declaration",
    "RunnerStep",
    "StepKind",
    "parse_declaration",
    "read_declaration",
]

ASSETS = "assets"
"""The schedule that means: when the tables that are read from elsewhere change."""

StepKind = Literal["deploy", "plan", "load", "dbt", "check", "verify"]
"""What a container can do in a DAG; images, pod templates and parameters are given by these."""

PodTemplate = Literal["default", "io-heavy", "compute-heavy", "dbt", "spark"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([1-9]\d*)\s*([smhdw])")
_CRON = re.compile(r"@(hourly|daily|weekly|monthly|quarterly|yearly)|\S+( +\S+){4,5}")


def _span(value: Any) -> Any:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else value


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Span = Annotated[timedelta, BeforeValidator(_span)]
"""A span of time such as "30m", "2h" or "1d"."""

Table = Annotated[str, Field(pattern=r"^[^.\s]+\.[^.\s]+$")]
"""A table's name, `schema.table`."""

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,200}$")]


class DbtStep(Strict):
    """A dbt project that is built after the loads, in one container."""

    name: str | None = Field(default=None, description="The project's name; by default the datakit's.")
    project: str | None = Field(
        default=None, description="Where it is in the image: a folder, or `package:folder`."
    )
    after: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = Field(
        default=(), description="The loads or layers that it reads; by default all."
    )
    tables: Annotated[tuple[Table, ...], BeforeValidator(_one_or_many)] = Field(
        default=(), description="The tables that it makes, each an asset: schema.table."
    )
    step: Literal["build", "run", "test", "seed", "snapshot"] = "build"
    image: str = Field(default="dbt", description="The role of its image.")
    parameters: dict[str, JsonValue] = Field(default={})

    @model_validator(mode="after")
    def _makes_its_tables(self) -> DbtStep:
        if self.tables and self.step == "test":
            raise ValueError("tables are given, but the step test makes none")
        return self


class RunnerStep(Strict):
    """A step that a runner has beside the datakit's loads: an extraction, a job, a step of one's own."""

    step: str = Field(min_length=1, description="What the runner calls it, as its `steps` lists them.")
    image: str = Field(min_length=1, description="The role of its image.")
    after: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = Field(
        default=(), description="Loads, layers or other such steps that it waits for."
    )
    tables: Annotated[tuple[Table, ...], BeforeValidator(_one_or_many)] = Field(
        default=(),
        description="The tables that it writes, each an asset; loads that read one wait for it.",
    )
    source: Key | None = Field(default=None, description="The Airflow connection that it reads from.")
    windowed: bool = Field(default=False, description="Whether it is about the DagRun's span of time.")
    pod: PodTemplate = "default"
    parameters: dict[str, JsonValue] = Field(default={}, description="What the runner is told.")


class Declaration(Strict):
    """How a datakit runs in Airflow."""

    dag_id: Key
    datakit: Path = Field(description="The datakit's description, relative to this file.")
    target: Key = Field(description="The Airflow connection to the database that is written.")
    sources: dict[str, Key] = Field(
        default={},
        description="Connections to read from, by what sources call the database, a load's id or its layer.",
    )
    schedule: str | None = Field(
        default=None, description='A cron expression, a span such as "1h", "assets", or nothing.'
    )
    upstream: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = Field(
        default=(), description="More tables to wait for: schema.table, or datakit://connection/schema/table."
    )
    start_date: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    catchup: bool = False
    description: str | None = None
    tags: tuple[str, ...] = ()
    owner: str = "airflow"
    images: dict[str, ImageReference] = Field(default={}, description="Images by role: sqlmodel, dbt, ...")
    runners: dict[str, str] = Field(
        default={}, description="The role that carries out a kind of step or a load; by default sqlmodel."
    )
    groups: Literal["load", "layer"] | dict[str, tuple[str, ...]] = Field(
        default="load", description="Which loads share a container: each its own, a layer's, or as listed."
    )
    deploy: Literal["gated", "plain", "none"] = "plain"
    approval_timeout: Span | None = None
    steps: dict[Key, RunnerStep] = Field(
        default={}, description="More steps, of any runner, by what their tasks are called."
    )
    dbt: DbtStep | None = None
    check: bool = True
    verify: bool | tuple[str, ...] = Field(
        default=False, description="Loads to compare with their sources; true: those that read a database."
    )
    retries: int = Field(default=2, ge=0, le=100)
    retry_delay: Span = timedelta(minutes=1)
    timeout: Span | None = Field(default=None, description="How long one try of a step may take.")
    pool: str | None = None
    max_active_runs: int = Field(
        default=1, ge=1, description="How many DagRuns may go on at a time; they write the same tables."
    )
    pods: dict[str, PodTemplate] = Field(
        default={}, description="The pod template of a kind of step, a layer or a load."
    )
    parameters: dict[StepKind, dict[str, JsonValue]] = Field(default={})

    @field_validator("start_date")
    @classmethod
    def _with_a_zone(cls, value: datetime) -> datetime:
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, value: str | None) -> str | None:
        if value is None or value == ASSETS or _SPAN.fullmatch(value):
            return value
        if not _CRON.fullmatch(value):
            raise ValueError(
                f'{value!r} is no schedule: write a cron expression, a span such as "1h", or "assets"'
            )
        from croniter import croniter  # type: ignore[import-untyped]

        if not croniter.is_valid(value):
            raise ValueError(f"{value!r} is no valid cron expression")
        return value

    @model_validator(mode="after")
    def _listens_to_something(self) -> Declaration:
        if self.upstream and self.schedule != ASSETS:
            raise ValueError('upstream is given, but the schedule is not "assets"')
        if self.approval_timeout is not None and self.deploy != "gated":
            raise ValueError('approval_timeout is given, but deploy is not "gated"')
        return self

    @property
    def interval(self) -> timedelta | None:
        """The schedule as a span, when it is one."""
        span = _span(self.schedule)
        return span if isinstance(span, timedelta) else None

    @property
    def digest(self) -> str:
        """SHA-256 in hex over everything that is declared."""
        return sha256(self.model_dump_json().encode()).hexdigest()


def read_declaration(path: Path) -> Declaration:
    """Read the file of a DAG.

    Raises:
        ConfigurationError: it cannot be read; each mistake is told with its field.
    """
    return parse_declaration(read_document(path), path)


def parse_declaration(content: Mapping[str, Any], path: Path) -> Declaration:
    """Make a declaration of a file's content; the datakit's description is found from the file's folder.

    Raises:
        ConfigurationError: it does not fit; each mistake is told with its field.
    """
    declaration = validated(Declaration, content, str(path))
    described = path.parent / declaration.datakit
    if not described.is_file():
        raise ConfigurationError(
            [
                Problem(
                    str(path),
                    "datakit",
                    f"there is no description of a datakit at {described}",
                    "it is written when the datakit's wheel is built; give its path from this file",
                )
            ]
        )
    return declaration.model_copy(update={"datakit": described})
