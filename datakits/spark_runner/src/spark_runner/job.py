"""The step `job`: a function of the user's, with a Spark session."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue
from sqlmodel_framework.errors import DatakitError
from sqlmodel_framework.runner.step import Log, Step, StepContext
from sqlmodel_framework.runs.report import TableReport
from sqlmodel_framework.runs.spec import RunSpec

from .application import Application
from .beside import carry_out_beside
from .errors import SparkError
from .jdbc import JdbcDatabase, jdbc_url
from .job_module import Job, JobFunction, find_job, ship
from .parameters import JobParameters, names, read
from .recorded import recorded

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["JOB", "JobContext", "JobError"]


class JobError(DatakitError):
    """A job failed by its own code: nothing that a retry mends (exit code 70)."""


@dataclass(frozen=True)
class JobContext:
    """What a job is given. The same job works on one machine and on a cluster.

    Attributes:
        spark: the session.
        spec: the run's specification.
        arguments: the parameter `arguments`.
        target: the database of the specification's `target`.
        source: that of its `source`; None when it names none.
        log: where to say what happens: `log.info("an event", name=value)`.
        tables: what `report_table` was told.
        details: what `report` was told.
    """

    spark: SparkSession
    spec: RunSpec
    arguments: Mapping[str, JsonValue]
    target: JdbcDatabase
    source: JdbcDatabase | None
    log: Log
    tables: list[TableReport] = field(default_factory=list)
    details: dict[str, JsonValue] = field(default_factory=dict)

    def report_table(
        self,
        table: str,
        *,
        read: int | None = None,
        written: int | None = None,
        rejected: int | None = None,
        layer: str | None = None,
        seconds: float | None = None,
        reasons: Mapping[str, int] | None = None,
    ) -> None:
        """Put what happened to a table into the run's report; also when the job fails later.

        Args:
            table: `schema.name`, or what the job calls it.
            read: rows offered to the table.
            written: rows inserted or changed.
            rejected: rows that broke a rule.
            layer: such as "silver".
            seconds: how long it took.
            reasons: rejected rows by reason.
        """
        report = TableReport(
            table=table,
            layer=layer,
            read=read,
            written=written,
            rejected=rejected,
            seconds=seconds,
            reasons=dict(reasons or {}),
        )
        self.tables.append(report)
        self.log.info("table", **report.model_dump(exclude_none=True))

    def report(self, name: str, value: Any) -> None:
        """Put something else, of what JSON has, into the report's `details`."""
        self.details[name] = value


def _job(context: StepContext) -> None:
    assert context.target is not None
    parameters = read(JobParameters, context.spec.parameters)
    job = find_job(parameters.job)
    source = context.source
    databases = [context.target, *([source] if source is not None else [])]
    for database in databases:
        jdbc_url(database)

    def mask(text: str) -> str:
        for database in databases:
            text = database.mask(text)
        return text

    with recorded(context) as repeated:
        if repeated:
            return
        name = f"{context.spec.datakit} job {context.spec.run_id}"
        with Application(name, parameters, context.log, mask) as application:
            carry_out_beside(lambda: _carry_out(context, job, parameters, application), application.cancel)


def _carry_out(
    context: StepContext,
    job: Job,
    parameters: JobParameters,
    application: Application,
) -> None:
    assert context.target is not None
    spark = application.session()
    if application.master.kind != "local":
        ship(job, spark.sparkContext, application.folder)
    given = JobContext(
        spark=spark,
        spec=context.spec,
        arguments=parameters.arguments,
        target=JdbcDatabase(context.target, spark),
        source=JdbcDatabase(context.source, spark) if context.source is not None else None,
        log=context.log,
        tables=context.tables,
        details=context.details,
    )
    context.log.info("job started", job=job.name)
    function: JobFunction = job.function
    try:
        function(given)
    except BaseException as error:
        raise _explained(error, job, application, context.log) from None
    context.log.info("job finished", job=job.name)


def _explained(error: BaseException, job: Job, application: Application, log: Log) -> BaseException:
    """What the error means: the database's and the cluster's errors are theirs, all others the job's."""
    found = application.explain(error)
    place = _place(error, job)
    if isinstance(found, DatakitError) and not isinstance(found, SparkError):
        told = f"job {job.name}{place}: {found.message}"
        return found if found is error else type(found)(application.mask(told), hint=found.hint)
    text = found.message if isinstance(found, SparkError) else f"{type(error).__name__}: {error}"
    # Not "error": that is for the end of the run, and for the class that it ends with.
    lines = "".join(traceback.format_exception(error)).splitlines()
    log.warning("job failed", job=job.name, traceback="\n".join(lines[-40:]))
    return JobError(
        application.mask(f"job {job.name} failed{place}: {text}"),
        hint="the traceback is in the log",
    )


def _place(error: BaseException, job: Job) -> str:
    """The last line of the job's own file that the error came through."""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename == job.file]
    return f" at {steps[-1].filename}, line {steps[-1].lineno}" if steps else ""


JOB = Step(
    name="job",
    summary='Run a Spark job: a function of a module, such as "my_jobs:daily".',
    run=_job,
    parameters=names(JobParameters),
)
"""Run a function with a Spark session; see the README for its parameters."""
