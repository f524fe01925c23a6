"""`datakit deploy`: take targets to what a datakit declares."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.discovery import find_datakit
from .each import on_each
from .output import say
from .place import FolderOption, JsonOption, TargetsOption
from .run import NameArgument

if TYPE_CHECKING:
    from ..schema.deployment import Deployment
    from ..targets.target import Target

AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="CHANGE",
        help="A change that destroys something and is meant, such as 'drop column shop.item.price'; "
        "may be given several times.",
    ),
]


def deploy(
    name: NameArgument,
    target: TargetsOption = None,
    folder: FolderOption = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="A saved plan, to be applied as it was reviewed."),
    ] = None,
    allow: AllowOption = None,
    json: JsonOption = False,
) -> None:
    """Take targets to what a datakit declares; `datakit plan` shows beforehand what would be done.

    Several targets are deployed to at the same time, each for itself.
    """
    from ..schema.applying import apply_plan
    from ..schema.deploy import deploy_datakit
    from ..schema.plan import read_plan

    datakit = find_datakit(name)
    datakit.table_classes()
    saved = None if plan is None else read_plan(plan)

    def work(each: Target) -> Deployment:
        if saved is not None:
            return apply_plan(saved, each, datakit=datakit, allow=allow or ())
        return deploy_datakit(datakit, each, allow=allow or ())

    on_each(target, folder, datakit.name, work, show_deployment, deployment_fields, json=json)


def deployment_fields(deployment: Deployment) -> dict[str, object]:
    """What JSON says of a deployment."""
    return {**asdict(deployment), "changed": deployment.changed}


def show_deployment(deployment: Deployment) -> None:
    """One line for each change, and one for the whole."""
    for change in deployment.changes:
        say(change)
    tables = len(deployment.created_tables) + len(deployment.existing_tables)
    number = len(deployment.changes)
    made = f"{number} change{'' if number == 1 else 's'}" if number else "nothing to do"
    say(
        f"{deployment.datakit} {deployment.version} in {deployment.target}: "
        f"{made}, {tables} tables ({deployment.seconds:.2f} s)"
    )
