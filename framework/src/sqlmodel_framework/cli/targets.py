"""`datakit targets`: which databases are named, and whether they answer."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import TargetError
from ..targets.settings import read_settings
from .output import error_fields, print_json, say
from .place import JsonOption, refuse_password

app = typer.Typer(help="The databases that datakit.toml and the environment name.")


@app.callback()
def _targets() -> None:
    """Keep `check` a command of its own, though it is the only one."""


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME|URL]...", help="Targets, and groups of them; by default every target."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Connect to each target and say in one line what answers, or what is wrong."""
    from ..targets.check import check_targets
    from ..targets.many import failure_of

    for name in names or ():
        refuse_password(name)
    outcomes = check_targets(read_settings(), names or ())
    if not outcomes:
        raise TargetError(
            "no target is named", hint="write [targets.NAME] with a url into datakit.toml, here or above"
        )
    for outcome in outcomes:
        if json:
            print_json(target=outcome.target, server=outcome.server, **error_fields(outcome.error))
        else:
            say(str(outcome))
    failure = failure_of(outcomes)
    if failure is not None:
        raise typer.Exit(failure.exit_code)
