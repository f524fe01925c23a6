"""A datakit as a DAG, or as a task group within a DAG of one's own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, DeltaDataIntervalTimetable, TaskGroup
from airflow.sdk.configuration import conf
from sqlmodel_framework.errors import DatakitError
from sqlmodel_framework.runs.description import Description, read_description

from .airflow_version import require_airflow
from .assets import listened_assets
from .configuration import ConfigurationError, Problem
from .declaration import ASSETS, Declaration, read_declaration
from .environment import Environment, find_environment, read_environment
from .graph import Graph, build_graph
from .settled import settled_images
from .tasks import add_tasks

__all__ = ["DatakitDag", "Plan", "chosen_environment", "datakit_task_group", "plan_dag"]


@dataclass(frozen=True)
class Plan:
    """Everything that a DAG is made of.

    Attributes:
        declaration: how the datakit runs.
        description: the datakit.
        environment: how steps are carried out here.
        graph: the steps.
        images: the image of each role.
        schedule: what starts the DAG, as Airflow takes it.
        place: what messages call the declaration.
    """

    declaration: Declaration
    description: Description
    environment: Environment
    graph: Graph
    images: dict[str, str]
    schedule: Any
    place: str


def plan_dag(
    declared: Declaration | Path | str,
    *,
    environment: Environment | Path | str | None = None,
    place: str = "",
) -> Plan:
    """Read and check everything that a DAG is made of, without making it.

    Args:
        declared: a declaration, or the file that holds one.
        environment: how steps are carried out, or the file that says it; by default as found.
        place: what messages call the declaration; by default its file, or the DAG's id.

    Raises:
        ConfigurationError: something does not fit; every mistake is a problem.
        UnsupportedVersionError: Airflow is too old.
    """
    require_airflow()
    if isinstance(declared, Declaration):
        declaration, beside = declared, Path(conf.get_mandatory_value("core", "dags_folder"))
    else:
        path = Path(declared)
        place = place or str(path)
        declaration, beside = read_declaration(path), path.parent
    environment = chosen_environment(environment, beside)
    place = place or declaration.dag_id
    try:
        description = read_description(declaration.datakit)
    except ConfigurationError:
        raise
    except DatakitError as error:
        raise ConfigurationError([Problem(place, "datakit", error.message, error.hint)]) from None
    graph = build_graph(description, declaration, place)
    return Plan(
        declaration=declaration,
        description=description,
        environment=environment,
        graph=graph,
        images=settled_images(declaration, environment, graph, place),
        schedule=_schedule(description, declaration, place),
        place=place,
    )


def chosen_environment(given: Environment | Path | str | None, beside: Path) -> Environment:
    """An environment that is given, in a file or not; else the one that is found beside a folder.

    Raises:
        ConfigurationError: there is none, or it cannot be read.
    """
    if given is None:
        return find_environment(beside)
    return given if isinstance(given, Environment) else read_environment(Path(given))


def DatakitDag(  # noqa: N802 - it reads as Airflow's own DAG in a DAG file
    declared: Declaration | Path | str | Plan,
    *,
    environment: Environment | Path | str | None = None,
    **arguments: Any,
) -> DAG:
    """A DAG that runs a datakit.

    Args:
        declared: a declaration, the file that holds one, or a plan of a DAG.
        environment: how steps are carried out, or the file that says it; by default as found.
        arguments: more arguments for the DAG, such as callbacks.

    Raises:
        ConfigurationError: something does not fit; every mistake is a problem.
        UnsupportedVersionError: Airflow is too old.
    """
    plan = declared if isinstance(declared, Plan) else plan_dag(declared, environment=environment)
    declaration, description = plan.declaration, plan.description
    dag = DAG(
        **{
            "dag_id": declaration.dag_id,
            "description": declaration.description or description.description,
            "schedule": plan.schedule,
            "start_date": declaration.start_date,
            "catchup": declaration.catchup,
            "max_active_runs": declaration.max_active_runs,
            "tags": sorted({"datakit", description.name, *declaration.tags}),
            "doc_md": _documentation(plan),
            "rerun_with_latest_version": False,
            **arguments,
        }
    )
    # It belongs to the file that asks for it, not to this one.
    dag.fileloc = _asking_file()
    with dag:
        add_tasks(description, declaration, plan.environment, plan.graph, plan.images)
    return dag


def datakit_task_group(
    declared: Declaration | Path | str,
    *,
    group_id: str | None = None,
    environment: Environment | Path | str | None = None,
    **arguments: Any,
) -> TaskGroup:
    """A task group that runs a datakit, in a DAG of one's own; the DAG's schedule counts.

    Args:
        declared: a declaration, or the file that holds one.
        group_id: what the group is called; by default as the datakit.
        environment: how steps are carried out, or the file that says it; by default as found.
        arguments: more arguments for the group.

    Raises:
        ConfigurationError: something does not fit; every mistake is a problem.
        UnsupportedVersionError: Airflow is too old.
    """
    plan = plan_dag(declared, environment=environment)
    group = TaskGroup(group_id or plan.description.name, **arguments)
    with group:
        add_tasks(plan.description, plan.declaration, plan.environment, plan.graph, plan.images)
    return group


def _schedule(description: Description, declaration: Declaration, place: str) -> Any:
    if declaration.schedule == ASSETS:
        return listened_assets(description, declaration, place)
    if declaration.interval is not None:
        return DeltaDataIntervalTimetable(declaration.interval)
    if declaration.schedule is not None:
        # Airflow's own reading of a cron expression gives runs of no duration, so loads no window.
        return CronDataIntervalTimetable(declaration.schedule, timezone="UTC")
    return None


def _asking_file() -> str:
    """The file of the first caller outside of this package."""
    here = str(Path(__file__).parent)
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(here):
        frame = frame.f_back
    return frame.f_code.co_filename


def _documentation(plan: Plan) -> str:
    description = plan.description
    lines = [
        description.description or "",
        "",
        f"Datakit `{description.name}` {description.version}, fingerprint `{description.fingerprint[:12]}`, "
        f"into `{plan.declaration.target}`.",
        "",
        "| step | loads | writes | waits for | image |",
        "| --- | --- | --- | --- | --- |",
    ]
    for step in plan.graph.steps:
        if step.runner_step:
            cells = (
                step.id,
                ", ".join(step.loads),
                ", ".join(step.tables),
                ", ".join(step.upstream),
                plan.images.get(step.role, step.role),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines).strip()
