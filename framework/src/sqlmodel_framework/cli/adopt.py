"""`datakit adopt`: typed classes for a database that is there."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import TargetError
from .output import print_json, say
from .place import JsonOption, TargetOption, named_target

if TYPE_CHECKING:
    from ..schema.adopting import Adoption


def adopt(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, - and _, such as my-shop.")
    ],
    target: TargetOption = None,
    schema: Annotated[
        list[str] | None,
        typer.Option(
            "--schema",
            metavar="S",
            help="A schema that is adopted; may be given several times. By default all but the system's.",
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Where to write it; by default ./NAME.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be adopted; nothing is written or recorded.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write a datakit with a typed class for each table of a target, and record where it stands.

    Nothing in the target is changed but the ledger, and the plan is empty afterwards.
    """
    from ..schema import adopting

    chosen = named_target(target)
    if chosen is None:
        raise TargetError("there is no target to adopt", hint="name one: --target NAME|URL")
    found = adopting.adopt(name, chosen, schemas=tuple(schema or ()), folder=folder, dry_run=dry_run)
    if json:
        print_json(**asdict(found))
    else:
        _show(found, target or chosen.name, context.find_root().info_name or "datakit")


def _show(found: Adoption, option: str, program: str) -> None:
    number = len(found.tables)
    say(f"{'would adopt' if found.folder is None else 'adopted'} {number} table{'' if number == 1 else 's'}:")
    for name in found.tables:
        say(f"  {name}")
    if found.left_alone:
        say("left alone:")
        for each in found.left_alone:
            say(f"  {each}")
    if found.folder is None:
        say("Nothing was written or recorded.")
        return
    say(f"wrote {found.folder}/")
    say(f"{found.target} is recorded as deployed: nothing in it was changed, and the plan is empty")
    say("Next:")
    say(f"  cd {shlex.quote(str(found.folder))}")
    say("  pip install -e . pytest")
    say(f"  {program} plan {found.datakit} --target {shlex.quote(option)}")
