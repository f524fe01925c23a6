"""Commands that other packages add: entry points in `sqlmodel_framework.commands`, each a Typer app.

One is imported when it is named, or when help lists it; so that a broken one costs its own command alone.
"""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import TerminalError

__all__ = ["GROUP", "ExtensibleGroup"]

GROUP = "sqlmodel_framework.commands"


class ExtensibleGroup(TyperGroup):
    """A command's own subcommands, and after them those that are installed, if no own one is called so."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Its own commands in their order, then the others by name, as far as they can be imported."""
        own = super().list_commands(ctx)
        found = []
        for name in sorted({point.name for point in entry_points(group=GROUP)} - {*own}):
            try:
                _installed(name)
            except TerminalError as error:
                sys.stderr.write(f"warning: {error.message}\n")
            else:
                found.append(name)
        return own + found

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None.

        Raises:
            TerminalError: it is installed, and broken.
        """
        return super().get_command(ctx, cmd_name) or _installed(cmd_name)


def _installed(name: str) -> Any:
    points = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if not points:
        return None
    if len(points) > 1:
        packages = ", ".join(sorted(_package(point) for point in points.values()))
        raise TerminalError(
            f"the command {name!r} is added by several packages: {packages}", hint="uninstall all but one"
        )
    (point,) = points.values()
    try:
        added = point.load()
        if not isinstance(added, typer.Typer):
            raise TypeError(f"{point.value} is a {type(added).__name__}, not a Typer")
        holder = typer.Typer(rich_markup_mode=None)
        holder.add_typer(added, name=name)
        return typer.main.get_group(holder).commands[name]
    # Whatever a package does wrong when it is imported is its own affair, an exit included.
    except (Exception, SystemExit) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise TerminalError(
            f"the command {name!r} of {_package(point)} cannot be loaded: {why}",
            hint=f"update or uninstall {_package(point)}",
        ) from error


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value
