"""The files of a new datakit, written from templates into a new folder."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from ..errors import TerminalError

__all__ = ["package_name", "refuse_folder", "write_package"]

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST_NAME = 40
_SUFFIX = ".tmpl"
_COMMON = "common"


def package_name(name: str) -> str:
    """The name of the Python package of a datakit: `my-shop` is in `my_shop_datakit`.

    Raises:
        TerminalError: a datakit that is a package cannot be called that.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or keyword.iskeyword(name):
        raise TerminalError(
            f"a datakit cannot be called {name!r}",
            hint="use lower-case letters, digits, and single - or _ between them; start with a letter",
        )
    return f"{name.replace('-', '_')}_datakit"


def refuse_folder(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Raises:
        TerminalError: something is there already, or cannot be looked at.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise TerminalError(f"{folder} is there already; nothing was written")
    except OSError as error:
        raise TerminalError(f"{error.filename or folder} cannot be read: {error.strerror}") from error


def write_package(kind: str, name: str, folder: Path, words: Mapping[str, str] | None = None) -> Path:
    """Write the files of a datakit; returns its folder.

    Args:
        kind: which templates are used besides those that all have in common: "new" or "adopted".
        name: lower-case letters, digits, `-` and `_`; starts with a letter.
        folder: must not exist, or be empty.
        words: what the templates of this kind have placeholders for, besides the name.

    Raises:
        TerminalError: the name is not allowed, or something is there already.
    """
    package = package_name(name)
    refuse_folder(folder)
    snake = name.replace("-", "_")
    known = {"name": name, "package": package, "schema": snake, "upper": snake.upper(), **(words or {})}
    templates = files(__package__).joinpath("templates")
    try:
        for each in (_COMMON, kind):
            _write(templates.joinpath(each), folder, known)
    except OSError as error:
        raise TerminalError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return folder


def _write(source: Traversable, place: Path, words: Mapping[str, str]) -> None:
    if source.is_file():
        place = place.with_name(place.name.removesuffix(_SUFFIX))
        place.write_text(Template(source.read_text("utf-8")).substitute(words), encoding="utf-8")
        return
    place.mkdir(parents=True, exist_ok=True)
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        _write(item, place / item.name.replace("__package__", words["package"]), words)
