"""What a layer holds: directories, files and links by path, each path once."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class RefusedError(Exception):
    """What was asked for cannot be put into a layer or an image; the message names the path and says why."""


class Kind(StrEnum):
    """What a path is; the value is what a layer's facts say."""

    DIRECTORY = "d"
    FILE = "f"
    LINK = "l"


@dataclass(frozen=True)
class Entry:
    """One path of a layer.

    `source` is where a file's bytes are: a path on this machine, or the bytes themselves. Two entries with
    the same path as their source become one file with two names. `target` is where a link points, as written.
    """

    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    source: Path | bytes = b""
    target: str = ""

    @property
    def size(self) -> int:
        """Bytes of a file; 0 for all else."""
        return self.source.stat().st_size if isinstance(self.source, Path) else len(self.source)


# A file with one of these in front means "deleted" to whoever unpacks a layer.
WHITEOUT = ".wh."


def normal(path: str) -> str:
    """The path as a layer writes it, relative to the root; refuses one that leads out of it."""
    clean = posixpath.normpath(path.lstrip("/"))
    if clean == ".." or clean.startswith("../"):
        raise RefusedError(f"{path}: leads out of the image")
    if any(part.startswith(WHITEOUT) for part in clean.split("/")):
        raise RefusedError(f"{path}: a name that begins with {WHITEOUT} means a deletion in a layer")
    return "" if clean == "." else clean


class Tree:
    """Paths and what they are. Folders above a path come by themselves, as root's, with mode 0755."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def directory(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Adds a folder; again with the same owner and mode is no error."""
        self._add(path, Entry(Kind.DIRECTORY, mode, uid, gid))

    def file(self, path: str, source: Path | bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Adds a file."""
        self._add(path, Entry(Kind.FILE, mode, uid, gid, source))

    def link(self, path: str, target: str) -> None:
        """Adds a symbolic link."""
        self._add(path, Entry(Kind.LINK, 0o777, target=target))

    def get(self, path: str) -> Entry | None:
        """What a path is, when it was added."""
        return self._entries.get(normal(path))

    def _add(self, path: str, entry: Entry) -> None:
        path = normal(path)
        if not path:
            return
        before = self._entries.setdefault(path, entry)
        if before != entry or (before is not entry and entry.kind is not Kind.DIRECTORY):
            raise RefusedError(f"/{path}: comes twice, as {_described(before)} and as {_described(entry)}")

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every path with what it is, sorted, so that a folder comes before what it holds."""
        everything = dict(self._entries)
        for path in self._entries:
            while path := posixpath.dirname(path):
                above = everything.setdefault(path, Entry(Kind.DIRECTORY, 0o755))
                if above.kind is not Kind.DIRECTORY:
                    raise RefusedError(f"/{path}: is {_described(above)}, and something lies below it")
        yield from sorted(everything.items())


def _described(entry: Entry) -> str:
    if entry.kind is Kind.LINK:
        return f"a link to {entry.target}"
    what = "a folder" if entry.kind is Kind.DIRECTORY else "a file"
    return f"{what} with mode {entry.mode:04o} of {entry.uid}:{entry.gid}"
