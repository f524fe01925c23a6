"""`datakit history` and `datakit rollback`: earlier deployments, and the way back to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from .deploy import AllowOption, deployment_fields, show_deployment
from .each import on_each
from .output import console, make_table, say
from .place import FolderOption, JsonOption, TargetsOption
from .run import NameArgument

if TYPE_CHECKING:
    from ..schema.rollback import PastDeployment
    from ..targets.target import Target


def history(
    name: NameArgument,
    target: TargetsOption = None,
    folder: FolderOption = None,
    json: JsonOption = False,
) -> None:
    """List the deployments that changed something, the latest last."""
    from ..schema.rollback import deployments_of

    def work(each: Target) -> tuple[Target, tuple[PastDeployment, ...]]:
        return each, deployments_of(name, each)

    on_each(target, folder, name, work, _show, _fields, json=json)


def rollback(
    name: NameArgument,
    target: TargetsOption = None,
    folder: FolderOption = None,
    to: Annotated[
        UUID | None,
        typer.Option("--to", metavar="ID", help="The deployment to go back to; by default the one before."),
    ] = None,
    allow: AllowOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    json: JsonOption = False,
) -> None:
    """Take targets back to what an earlier deployment left. Rows that are gone do not come back."""
    from ..schema.plan_text import as_text
    from ..schema.rollback import plan_rollback, rollback_datakit

    if dry_run:
        on_each(
            target,
            folder,
            name,
            lambda each: plan_rollback(name, each, to=to).plan,
            lambda plan: say(as_text(plan).rstrip("\n")),
            lambda plan: {**plan.content(), "hash": plan.hash},
            json=json,
        )
        return
    on_each(
        target,
        folder,
        name,
        lambda each: rollback_datakit(name, each, to=to, allow=allow or ()),
        show_deployment,
        deployment_fields,
        json=json,
    )


def _show(found: tuple[Target, tuple[PastDeployment, ...]]) -> None:
    where, deployments = found
    if not deployments:
        say(f"{where.name}: no deployment")
        return
    table = make_table("when", "version", "by", "changes", "id", numbers=frozenset({"changes"}))
    for each in deployments:
        when = f"{each.deployed_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(when, each.version, each.deployed_by, str(len(each.changes)), str(each.deployment_id))
    say(where.name)
    console().print(table)


def _fields(found: tuple[Target, tuple[PastDeployment, ...]]) -> dict[str, object]:
    return {
        "deployments": [
            {
                "id": str(each.deployment_id),
                "version": each.version,
                "fingerprint": each.fingerprint,
                "at": each.deployed_at.isoformat(),
                "by": each.deployed_by,
                "changes": list(each.changes),
            }
            for each in found[1]
        ]
    }
