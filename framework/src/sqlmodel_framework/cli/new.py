"""`datakit new`: a small datakit that works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base.scaffold import write_package
from .output import say

__all__ = ["new", "write_datakit"]


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, - and _, such as my-shop.")
    ],
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Where to write it; by default ./NAME.")
    ] = None,
) -> None:
    """Write a small working datakit with a test into a new folder."""
    written = write_datakit(name, folder or Path(name))
    say(f"wrote {written}/")
    say("Next:")
    say(f"  cd {written}")
    say("  pip install -e . pytest")
    say(f"  datakit run {name} --folder ./{name}-data")
    say("  pytest")


def write_datakit(name: str, folder: Path) -> Path:
    """Write a small working datakit with a test; returns its folder.

    Args:
        name: lower-case letters, digits, `-` and `_`; starts with a letter.
        folder: must not exist, or be empty.

    Raises:
        TerminalError: the name is not allowed, or something is there already.
    """
    return write_package("new", name, folder)
