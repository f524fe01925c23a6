"""Where a command works: a target, or the embedded PostgreSQL in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..errors import TargetError
from ..targets.settings import read_settings, resolve_target, resolve_targets
from ..targets.target import Target
from ..targets.url import SAFE_WAYS, has_password

TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="NAME|URL",
        help="A target of datakit.toml, or a database URL without its password.",
    ),
]
TargetsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="NAME|URL",
        help="A target of datakit.toml or a group of them, or a database URL without its password; "
        "may be given several times.",
    ),
]
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Where the report goes and, without a target, the embedded PostgreSQL. "
        "By default ~/.local/share/datakit/NAME.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON objects only, one a line.")]


@dataclass(frozen=True)
class Place:
    """A target that answers, and the folder of the datakit."""

    target: Target
    folder: Path
    embedded: bool


def named_target(option: str | None) -> Target | None:
    """The target of the command line, else of the environment, else of `datakit.toml`, else None.

    Raises:
        TargetError: it is unknown, or its password is on the command line.
    """
    if option is not None:
        refuse_password(option)
    chosen = option or read_settings().target
    return None if chosen is None else resolve_target(chosen)


def named_targets(options: list[str] | None) -> tuple[Target, ...]:
    """As `named_target`, for several options, and with groups; without any target, none.

    Raises:
        TargetError: one is unknown, or its password is on the command line.
    """
    for option in options or ():
        refuse_password(option)
    chosen = options or [name for name in (read_settings().target,) if name is not None]
    return resolve_targets(chosen) if chosen else ()


def refuse_password(option: str) -> None:
    """Refuse a URL with a password on the command line, which every user of the machine can read.

    Raises:
        TargetError: there is one.
    """
    if has_password(option):
        raise TargetError("a password on the command line is not safe, so it is not taken", hint=SAFE_WAYS)


def default_folder(name: str) -> Path:
    """`$XDG_DATA_HOME/datakit/NAME`, by default below `~/.local/share`.

    Raises:
        TargetError: there is no home folder.
    """
    data_home = os.environ.get("XDG_DATA_HOME")
    try:
        base = Path(data_home) if data_home else Path.home() / ".local" / "share"
    except RuntimeError:
        raise TargetError(
            "there is no home folder to put a database into", hint="give --folder DIR"
        ) from None
    return base / "datakit" / name


@contextmanager
def open_place(target: Target | None, folder: Path | None, name: str) -> Iterator[Place]:
    """A target as asked for; without any, the embedded PostgreSQL, for the time of the block."""
    folder = (folder or default_folder(name)).expanduser().absolute()
    if target is not None:
        yield Place(target, folder, embedded=False)
        return
    with open_embedded(folder) as embedded:
        yield Place(embedded, folder, embedded=True)


@contextmanager
def open_places(targets: tuple[Target, ...], folder: Path | None, name: str) -> Iterator[tuple[Target, ...]]:
    """Targets as asked for; without any, the embedded PostgreSQL alone, for the time of the block."""
    with open_place(targets[0] if targets else None, folder, name) as place:
        yield targets or (place.target,)


@contextmanager
def open_embedded(folder: Path) -> Iterator[Target]:
    """The embedded PostgreSQL of a folder."""
    # It needs a process and a wheel that nobody else needs.
    from ..engines.postgres.embedded import embedded_postgres

    with embedded_postgres(folder) as target:
        yield target
