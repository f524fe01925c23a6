"""`datakit airflow`: what a folder of declarations would make, and every mistake in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from .airflow_version import require_airflow
from .configuration import ConfigurationError

if TYPE_CHECKING:
    from .dag import Plan

__all__ = ["app"]

app = typer.Typer(
    name="airflow",
    help="Look at the DAGs that datakits become.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_USAGE = 64

EnvironmentOption = Annotated[
    Path | None,
    typer.Option(
        "--environment",
        metavar="FILE",
        help="How steps are carried out; by default as a DAG finds it: $DATAKIT_AIRFLOW_CONFIG, or "
        "datakit_airflow.toml beside the declarations.",
    ),
]


@app.callback()
def _group() -> None:
    require_airflow()


@app.command()
def validate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of declarations, one DAG each.")],
    environment: EnvironmentOption = None,
) -> int:
    """List every mistake in a folder of declarations; nothing is connected to."""
    from .factory import plan_warehouses

    try:
        plans = plan_warehouses(folder, environment=environment)
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo(f"{len(error.problems)} mistakes" if len(error.problems) > 1 else "1 mistake", err=True)
        raise typer.Exit(_USAGE) from None
    for plan in plans:
        steps = sum(step.runner_step is not None for step in plan.graph.steps)
        typer.echo(f"{plan.place}: {plan.declaration.dag_id}, {steps} steps")
    return 0


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The declaration of a DAG.")],
    environment: EnvironmentOption = None,
) -> int:
    """Show the steps of a DAG, and what each waits for, as a tree."""
    from .factory import plan_warehouse

    plan = plan_warehouse(file, environment=environment)
    Console(soft_wrap=True, highlight=False).print(_tree(plan))
    return 0


def _tree(plan: Plan) -> Tree:
    """Each step below the one that it waits for last."""
    declaration = plan.declaration
    root = Tree(
        f"[bold]{escape(declaration.dag_id)}[/]  {escape(plan.description.name)} "
        f"{escape(plan.description.version)} into {escape(declaration.target)}, "
        f"{plan.environment.execution}, schedule {escape(str(declaration.schedule))}"
    )
    branches: dict[str, Tree] = {}
    for step in plan.graph.steps:
        beneath = branches[step.upstream[-1]] if step.upstream else root
        others = f"  [dim]and after {escape(', '.join(step.upstream[:-1]))}[/]" if step.upstream[1:] else ""
        image = plan.images.get(step.role, step.role) if step.runner_step else "no container"
        branches[step.id] = beneath.add(f"{escape(step.id)}  [dim]{escape(image)}[/]{others}")
    return root
