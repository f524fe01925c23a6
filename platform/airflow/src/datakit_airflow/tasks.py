"""Steps as Airflow's tasks, in the way in which this environment carries them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk import BaseOperator, TaskGroup
from sqlmodel_framework.runs.description import Description

from .assets import asset_of
from .declaration import Declaration
from .environment import Environment
from .gate import PlanApprovalOperator
from .graph import Graph, Step
from .operators.step import Work
from .pins import PinOperator, Pins

__all__ = ["add_tasks"]

_Make = Callable[..., BaseOperator]


def add_tasks(
    description: Description,
    declaration: Declaration,
    environment: Environment,
    graph: Graph,
    images: Mapping[str, str],
) -> dict[str, BaseOperator]:
    """Add a task for each step to the DAG, and the task group, that is being made.

    Args:
        description: the datakit's description.
        declaration: how it runs.
        environment: how steps are carried out here.
        graph: the steps.
        images: the image of each role.

    Returns:
        The tasks by the ids of their steps.
    """
    builder = _Builder(description, declaration, environment, images)
    groups: dict[str, TaskGroup] = {}
    tasks: dict[str, BaseOperator] = {}
    for step in graph.steps:
        if step.group is None:
            tasks[step.id] = builder.task(step, tasks)
        else:
            if step.group not in groups:
                groups[step.group] = TaskGroup(step.group)
            with groups[step.group]:
                tasks[step.id] = builder.task(step, tasks)
        tasks[step.id].set_upstream([tasks[before] for before in step.upstream])
    return tasks


class _Builder:
    def __init__(
        self,
        description: Description,
        declaration: Declaration,
        environment: Environment,
        images: Mapping[str, str],
    ) -> None:
        self.description = description
        self.declaration = declaration
        self.environment = environment
        self.images = dict(images)
        self.tables = {load.id: load.table for load in description.loads}
        self._make = _execution(environment)

    def task(self, step: Step, tasks: Mapping[str, BaseOperator]) -> BaseOperator:
        if step.kind == "pin":
            return PinOperator(task_id=step.name, pins=self._pins(), retries=self.declaration.retries)
        if step.kind == "approve":
            return PlanApprovalOperator(
                task_id=step.name,
                plan_task=tasks["plan"].task_id,
                datakit=step.datakit,
                target=self.declaration.target,
                timeout=self.declaration.approval_timeout,
                retries=0,
            )
        gated = step.kind == "deploy" and self.declaration.deploy == "gated"
        work = Work(
            step=step,
            target=self.declaration.target,
            pin_task=tasks["pin"].task_id,
            plan_task=tasks["plan"].task_id if gated else None,
            assets={
                reported: asset_of(self.declaration.target, table)
                for reported, table in self._written(step).items()
            },
        )
        return self._make(work, **self._common(step, work))

    def _written(self, step: Step) -> dict[str, str]:
        """The tables that a step writes, by what its report calls them."""
        if not step.loads:
            return {table: table for table in step.tables}
        return {load: self.tables[load] for load in step.loads}

    def _pins(self) -> Pins:
        return Pins(
            images=self.images,
            datakit=self.description.name,
            version=self.description.version,
            fingerprint=self.description.fingerprint,
            declaration=self.declaration.digest,
        )

    def _common(self, step: Step, work: Work) -> dict[str, Any]:
        """What every operator is told."""
        common: dict[str, Any] = {
            "task_id": step.name,
            "owner": self.declaration.owner,
            "retries": self.declaration.retries,
            "retry_delay": self.declaration.retry_delay,
            "execution_timeout": self.declaration.timeout,
            "outlets": list(dict.fromkeys(work.assets.values())),
            "doc_md": _told(step),
        }
        return {**common, "pool": self.declaration.pool} if self.declaration.pool else common


def _told(step: Step) -> str:
    tables = f"\n\nWrites {', '.join(f'`{table}`' for table in step.tables)}." if step.tables else ""
    return f"Step `{step.runner_step}` of the datakit `{step.datakit}`.{tables}"


def _execution(environment: Environment) -> _Make:
    """What makes the task of a step; providers are imported only where they are used."""
    if environment.execution == "docker":
        return _docker(environment)
    if environment.execution == "kubernetes":
        return _kubernetes(environment)
    return _process(environment)


def _process(environment: Environment) -> _Make:
    from .operators.process import DatakitProcessOperator

    def make(work: Work, **common: Any) -> BaseOperator:
        return DatakitProcessOperator(
            work=work,
            command=environment.process.command(work.step.role),
            variables=environment.process.environment,
            folder=environment.secrets_folder,
            stop_grace=environment.stop_grace,
            **common,
        )

    return make


def _docker(environment: Environment) -> _Make:
    from .operators.docker import DatakitDockerOperator

    def make(work: Work, **common: Any) -> BaseOperator:
        return DatakitDockerOperator(
            work=work,
            settings=environment.docker,
            folder=environment.secrets_folder,
            stop_grace=environment.stop_grace,
            **common,
        )

    return make


def _kubernetes(environment: Environment) -> _Make:
    from .operators.kubernetes import DatakitPodOperator

    def make(work: Work, **common: Any) -> BaseOperator:
        return DatakitPodOperator(
            work=work, settings=environment.kubernetes, stop_grace=environment.stop_grace, **common
        )

    return make
