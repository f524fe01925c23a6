"""`datakit new`: a small datakit that works."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from ..errors import TerminalError
from .output import say

__all__ = ["new", "write_datakit"]

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST_NAME = 40
_SUFFIX = ".tmpl"


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
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or keyword.iskeyword(name):
        raise TerminalError(
            f"a datakit cannot be called {name!r}",
            hint="use lower-case letters, digits, and single - or _ between them; start with a letter",
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise TerminalError(f"{folder} is there already; nothing was written")
        snake = name.replace("-", "_")
        words = {"name": name, "package": f"{snake}_datakit", "schema": snake, "upper": snake.upper()}
        _write(files(__package__).joinpath("template"), folder, words)
    except OSError as error:
        raise TerminalError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return folder


def _write(source: Traversable, place: Path, words: dict[str, str]) -> None:
    if source.is_file():
        place = place.with_name(place.name.removesuffix(_SUFFIX))
        place.write_text(Template(source.read_text("utf-8")).substitute(words), encoding="utf-8")
        return
    place.mkdir(parents=True, exist_ok=True)
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        _write(item, place / item.name.replace("__package__", words["package"]), words)
