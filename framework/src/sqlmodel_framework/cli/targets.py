"""`datakit targets`: which databases are named, and whether they answer."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import TargetError
from ..targets.settings import read_settings
from .output import say
from .place import named_target

app = typer.Typer(help="The databases that datakit.toml and the environment name.")


@app.callback()
def _targets() -> None:
    """Keep `check` a command of its own, though it is the only one."""


@app.command()
def check(
    target: Annotated[
        str | None, typer.Argument(metavar="[NAME|URL]", help="One target; by default all of them.")
    ] = None,
) -> None:
    """Connect to each target and say in one line what answers, or what is wrong."""
    from ..targets.check import check_target, check_targets

    if target is not None:
        chosen = named_target(target)
        checks = [] if chosen is None else [check_target(chosen)]
    else:
        checks = check_targets(read_settings())
    if not checks:
        raise TargetError(
            "no target is named", hint="write [targets.NAME] with a url into datakit.toml, here or above"
        )
    for result in checks:
        if result.error is None:
            say(f"{result.name}: ok, {result.server}")
        else:
            hint = f" ({result.error.hint})" if result.error.hint else ""
            say(f"{result.name}: {result.error.message}{hint}")
    failed = [result.error for result in checks if result.error is not None]
    if failed:
        raise typer.Exit(failed[0].exit_code)
