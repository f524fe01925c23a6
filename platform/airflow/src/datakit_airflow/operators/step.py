"""What every execution of a step has in common: its specification before, its report after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath
from typing import Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from pydantic import JsonValue
from sqlmodel_framework.errors import RefusedChangesError
from sqlmodel_framework.runs.report import RunReport
from sqlmodel_framework.runs.spec import Endpoint, RunSpec

from ..connections import connected_endpoint
from ..gate import plan_details
from ..graph import Step
from ..identity import begin_run, note_success
from ..images import digest_of
from ..outcome import concluded
from ..pins import pulled_pins
from ..record import remember_deployment
from ..runs import make_spec
from ..secrets import SPEC_FILE, password_name

__all__ = ["CONTAINER_FOLDER", "Prepared", "StepCore", "Work"]

CONTAINER_FOLDER = PurePosixPath("/run/secrets/datakit")
"""Where a container finds the files that were written for it."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a task is to do; known while DAGs are parsed.

    Attributes:
        step: the step.
        target: the connection to the database that is written.
        pin_task: the task that knows what the DagRun keeps to.
        plan_task: the task whose plan was approved, for a deployment behind a gate.
        assets: the tables that are written, by what the report calls them: a load's id, or dbt's relation.
    """

    step: Step
    target: str
    pin_task: str
    plan_task: str | None = None
    assets: Mapping[str, Asset] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What a try of a task starts.

    Attributes:
        spec: the run specification.
        image: the image, or None where there is none.
        files: texts by file name, the specification among them; some are secret.
    """

    spec: RunSpec
    image: str | None
    files: Mapping[str, str] = field(repr=False)


class StepCore:
    """The part of an operator that does not depend on how a step is carried out."""

    work: Work

    def prepare(self, context: Mapping[str, Any], seen_at: PurePath, *, image_needed: bool) -> Prepared:
        """What this try starts.

        Args:
            context: the task's context.
            seen_at: the folder in which the step finds its files.
            image_needed: whether it runs in a container.

        Raises:
            AirflowFailException: something is missing that no retry brings.
        """
        step = self.work.step
        pins = pulled_pins(context, self.work.pin_task)
        image = pins.images.get(step.role) if image_needed else None
        if image_needed and image is None:
            raise AirflowFailException(
                f"this DagRun was started without an image for the role {step.role!r}: start a new one"
            )
        files: dict[str, str] = {}
        target = self._endpoint(self.work.target, seen_at, files)
        source = None if step.source is None else self._endpoint(step.source, seen_at, files)
        sources = {name: self._endpoint(read, seen_at, files) for name, read in step.sources.items()}
        assert step.runner_step is not None
        spec = make_spec(
            context,
            run_id=begin_run(context),
            datakit=step.datakit,
            step=step.runner_step,
            target=target,
            source=source,
            sources=sources,
            windowed=step.windowed,
            parameters={**step.parameters, **self._approved(context)},
            image_digest=digest_of(image) if image else None,
        )
        # An image from before a field was there refuses it; what is not asked for is not said.
        files[SPEC_FILE] = spec.model_dump_json(exclude_none=True, exclude=None if sources else {"sources"})
        return Prepared(spec, image, files)

    def finish(
        self, context: Mapping[str, Any], spec: RunSpec, report: RunReport | None, exit_code: int | None
    ) -> dict[str, Any]:
        """Tell Airflow what happened; returns the report, as it becomes the task's XCom.

        Raises:
            AirflowFailException: the run failed, and would fail again.
            AirflowException: the run failed, and a later try can succeed.
        """
        content: dict[str, Any] = {} if report is None else report.model_dump(mode="json")
        try:
            succeeded = concluded(spec, report, exit_code, advice=self._advice())
            self._check_made(succeeded)
        except AirflowException:
            # What is returned becomes the XCom, but a failing task returns nothing.
            if report is not None and report.run_id == spec.run_id:
                context["ti"].xcom_push(key="return_value", value=content)
            raise
        note_success(context)
        if self.work.step.kind == "deploy":
            remember_deployment(context, pulled_pins(context, self.work.pin_task), succeeded)
        self._tell_assets(context, succeeded)
        return content

    def _endpoint(self, connection_id: str, seen_at: PurePath, files: dict[str, str]) -> Endpoint:
        name = password_name(connection_id)
        connected = connected_endpoint(connection_id, PurePosixPath(seen_at / name))
        if connected.password is not None:
            files[name] = connected.password
        return connected.endpoint

    def _approved(self, context: Mapping[str, Any]) -> dict[str, JsonValue]:
        """The plan that a deployment behind a gate may carry out, and no other one that destroys something.

        A plan that destroys nothing was approved by nobody: if the target has moved since, so that something
        would be destroyed after all, the runner refuses.
        """
        if self.work.plan_task is None:
            return {}
        details = plan_details(context, self.work.plan_task)
        return {} if details["destructive"] is False else {"approved_plan": str(details["plan_hash"])}

    def _advice(self) -> dict[str, str]:
        """What to do about an error where the runner cannot know it: approvals are given here."""
        plan_task = self.work.plan_task
        gate = (
            "declare `deploy: gated`, and somebody is asked to approve exactly this plan"
            if plan_task is None
            else f"clear the task {plan_task!r} and those after it: what is planned then is asked for"
        )
        return {RefusedChangesError.__name__: gate}

    def _check_made(self, report: RunReport) -> None:
        """Others wait for the tables that dbt is declared to make, so a change that was none is not told."""
        if self.work.step.kind != "dbt" or report.repeated:
            return
        made = {table.table for table in report.tables}
        if missing := [table for table in self.work.assets if table not in made]:
            raise AirflowFailException(
                f"dbt made no table {', '.join(missing)}, which dbt.tables lists; "
                f"it made: {', '.join(sorted(made)) or 'none'}"
            )

    def _tell_assets(self, context: Mapping[str, Any], report: RunReport) -> None:
        """What is known of each table goes with the event that tells of its change."""
        events = context["outlet_events"]
        of_loads = bool(self.work.step.loads)
        told = {f"{table.layer}.{table.table}" if of_loads else table.table: table for table in report.tables}
        for name, asset in self.work.assets.items():
            counts: dict[str, Any] = {}
            if (table := told.get(name)) is not None:
                counts = {"read": table.read, "written": table.written, "rejected": table.rejected}
            events[asset].extra = {
                "run_id": str(report.run_id),
                "image_digest": report.image_digest,
                "repeated": report.repeated,
                **counts,
            }
