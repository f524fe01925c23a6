"""Files for a step: its specification and its passwords, in a folder that is gone when the step is."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SPEC_FILE", "Handover", "handed_over", "password_name"]

SPEC_FILE = "spec.json"

_PREFIX = "datakit-run-"
_UNFINISHED = ".datakit-run-"
_LOCK = ".lock"
_CONTENT = "files"


def password_name(connection_id: str) -> str:
    """The name of the file that holds a connection's password."""
    return f"{connection_id}.password"


@dataclass(frozen=True)
class Handover:
    """A folder whose files a step reads.

    Attributes:
        folder: the folder.
        shared: whether the files are for a user whose number is not known here.
    """

    folder: Path
    shared: bool

    def put(self, name: str, text: str) -> Path:
        """Write a file that nobody can change; returns its path."""
        path = self.folder / name
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        path.chmod(0o444 if self.shared else 0o400)
        return path


@contextmanager
def handed_over(folder: Path | None = None, *, shared: bool = False) -> Iterator[Handover]:
    """A folder for files, for as long as the block lasts.

    Folders that others left behind, because they were killed, are removed first: their locks are free.

    Args:
        folder: where the folder is made; by default in the system's own for temporary files.
        shared: whether a container's user reads the files, whose number is not known here. They are then
            readable by everybody, inside of a folder that only this process's user can enter: a mount of
            the inner folder does not go through the outer one.
    """
    parent = Path(tempfile.gettempdir()) if folder is None else folder
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
    lock = os.open(unfinished / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    outer = unfinished
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now may others find it: without its lock it would look left behind.
        outer = unfinished.with_name(unfinished.name.replace(_UNFINISHED, _PREFIX, 1))
        unfinished.rename(outer)
        inner = outer / _CONTENT
        inner.mkdir()
        inner.chmod(0o755 if shared else 0o700)
        yield Handover(inner, shared)
    finally:
        shutil.rmtree(outer, ignore_errors=True)
        os.close(lock)


def _sweep(parent: Path) -> None:
    for left in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_if_left(left)


def _remove_if_left(folder: Path) -> None:
    if folder.stat().st_uid != os.getuid():
        return
    lock = os.open(folder / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
