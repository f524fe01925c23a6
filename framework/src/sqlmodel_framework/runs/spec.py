"""What is asked of a runner: the run specification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

from ..errors import TerminalError
from ..targets.settings import read_settings
from ..targets.target import Target
from ..targets.tls import TlsMode
from ..targets.url import SECRET_OPTIONS, has_password, parse_url

__all__ = ["Endpoint", "ParentRun", "Requester", "RunSpec", "Window"]

_SAFE_WAYS = "name the variable or the file that holds it: password_env, password_file"

TraceParent = Annotated[str, Field(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Endpoint(_Strict):
    """A database to read or to write: a target of the runner's own settings by its name, or a URL.

    The URL is without a password. The password comes from `password_env` or `password_file`, as the
    runner sees them. Beside a name alone nothing else is given.
    """

    name: str | None = Field(default=None, description="What logs and reports call it.")
    url: str | None = Field(
        default=None,
        description="A database URL without its password. Without one, the runner's settings know `name`.",
    )
    password_env: str | None = Field(default=None, description="The variable that holds the password.")
    password_file: Path | None = Field(default=None, description="The file that holds the password.")
    connect_timeout: int = Field(default=10, gt=0, description="Seconds to wait for a connection.")
    lock_timeout: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="Seconds to wait for somebody else's run."
    )
    statement_timeout: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a statement may take; by default as long as the server lets it.",
    )
    tls: TlsMode | None = Field(
        default=None,
        description="No TLS, TLS with whoever answers, or with the host of the URL, vouched for by `tls_ca`.",
    )
    tls_ca: Path | None = Field(default=None, description="The file of the authorities to trust, PEM.")
    options: dict[str, str] = Field(default={}, description="More arguments for the driver.")

    @model_validator(mode="after")
    def _names_a_database(self) -> Endpoint:
        if self.url is None and self.name is None:
            raise ValueError("neither a url nor the name of a target is given")
        if self.url is None and (given := self._beside_the_name()):
            raise ValueError(
                f"{given[0]} is given without a url: the runner's settings say everything about {self.name!r}"
            )
        if self.url is not None and has_password(self.url):
            raise ValueError(f"the url holds a password: {_SAFE_WAYS}")
        if secrets := sorted(SECRET_OPTIONS & set(self.options)):
            raise ValueError(f"the options hold a password, {secrets[0]}: {_SAFE_WAYS}")
        return self

    def _beside_the_name(self) -> list[str]:
        fields = type(self).model_fields
        return [name for name in fields if name != "name" and getattr(self, name) != fields[name].default]

    def target(self) -> Target:
        """The target that this means.

        Raises:
            TargetError: the URL cannot be read, or the runner's settings know no target of that name.
        """
        if self.url is None:
            return read_settings().find(str(self.name))
        return Target(
            parse_url(self.url),
            name=self.name,
            password_env=self.password_env,
            password_file=self.password_file,
            connect_timeout=self.connect_timeout,
            lock_timeout=self.lock_timeout,
            statement_timeout=self.statement_timeout,
            tls=self.tls,
            tls_ca=self.tls_ca,
            options=self.options,
        )


class Window(_Strict):
    """A span of time, with time zones: from `start` on, and before `end`."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Window:
        if self.end <= self.start:
            raise ValueError("the end is not after the start")
        return self


class ParentRun(_Strict):
    """The run that another one belongs to, as OpenLineage names runs: that of an orchestrator's task."""

    namespace: str = Field(min_length=1, description="The namespace of its job.")
    job: str = Field(min_length=1, description="The name of its job.")
    run_id: UUID = Field(description="The id of the run.")


class Requester(_Strict):
    """Who asked for a run: one attempt of a task of an orchestrator, in the orchestrator's own words."""

    system: str = Field(min_length=1, description="What kind of orchestrator: `airflow`.")
    workflow: str = Field(min_length=1, description="The workflow; in Airflow the DAG.")
    workflow_run: str = Field(min_length=1, description="The workflow's run; in Airflow the DagRun's id.")
    task: str = Field(min_length=1, description="The task; one of a mapped task with its index: `task[3]`.")
    attempt: int = Field(ge=1, description="Which attempt of the task; in Airflow the number of the try.")


class RunSpec(_Strict):
    """One run of one step of a datakit."""

    run_id: UUID = Field(
        description="Identifies the run. A retry keeps it; an id that has succeeded changes nothing again."
    )
    datakit: str = Field(min_length=1, description="The name of an installed datakit, or of a module.")
    step: str = Field(min_length=1, description="What to do: one of the runner's steps.")
    source: Endpoint | None = Field(default=None, description="Where rows come from.")
    sources: dict[str, Endpoint] = Field(
        default={}, description="Databases to read, by the names that the datakit's sources give them."
    )
    target: Endpoint | None = Field(default=None, description="Where rows go.")
    window: Window | None = Field(default=None, description="Which rows, by time.")
    parameters: dict[str, JsonValue] = Field(default={}, description="What else the step takes.")
    image_digest: Digest | None = Field(
        default=None,
        description="The digest of the image's manifest, which only whoever starts the image knows.",
    )
    requested_by: Requester | None = Field(
        default=None, description="Who asked for the run, for the ledger; by default nobody tells."
    )
    parent_run: ParentRun | None = Field(
        default=None, description="The run that this one belongs to, for lineage."
    )
    trace_parent: TraceParent | None = Field(
        default=None, description="The span that this run belongs to, as W3C Trace Context's `traceparent`."
    )
    trace_state: str | None = Field(
        default=None, description="W3C Trace Context's `tracestate` that goes with `trace_parent`."
    )

    def required_target(self) -> Target:
        """The target.

        Raises:
            TerminalError: the specification names none.
        """
        if self.target is None:
            raise TerminalError(
                f"the step {self.step!r} needs a target", hint="name one in the run's specification"
            )
        return self.target.target()

    def required_source(self) -> Target:
        """The source, as a target to read from.

        Raises:
            TerminalError: the specification names none.
        """
        if self.source is None:
            raise TerminalError(
                f"the step {self.step!r} needs a source", hint="name one in the run's specification"
            )
        return self.source.target()

    def check_parameters(self, known: frozenset[str]) -> None:
        """Refuse parameters that the step does not take.

        Raises:
            TerminalError: there is one.
        """
        unknown = sorted(set(self.parameters) - known)
        if unknown:
            takes = ", ".join(sorted(known)) or "none"
            raise TerminalError(
                f"the step {self.step!r} takes no parameter {unknown[0]!r}", hint=f"it takes: {takes}"
            )


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of a run specification."""
    return RunSpec.model_json_schema()
