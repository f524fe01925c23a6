"""The folder of one local Airflow: all that it keeps on the machine, and who may change it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlmodel_framework.errors import LockedError, TerminalError

__all__ = ["Folder", "chosen_folder"]

_MARKER = "local-airflow"


def chosen_folder(given: Path | None, environment: Mapping[str, str] = os.environ) -> Folder:
    """The folder that is asked for; by default one below the user's cache folder.

    Args:
        given: as on the command line; relative to where `bazel run` was called.
        environment: where the user's folders are looked up.
    """
    if given is not None:
        return Folder(Path(environment.get("BUILD_WORKING_DIRECTORY", ".")).absolute() / given)
    cache = environment.get("XDG_CACHE_HOME", "")
    return Folder((Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "datakit-airflow")


class Folder:
    """Where a local Airflow keeps its files.

    Attributes:
        path: the folder itself.
        state: which process it is, and its ports.
        progress: what it does while it starts.
        log: what it, and all programs that it calls, write.
        password: the password to log in with, for the user alone.
        secrets: files for containers.
        passwords: the folder of the file from which Airflow reads logins.
        dags: DAGs, and what they read.
        containers: podman's images and volumes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path / "state.json"
        self.progress = path / "progress.json"
        self.log = path / "log"
        self.password = path / "password"
        self.secrets = path / "secrets"
        self.passwords = path / "passwords"
        self.dags = path / "dags"
        self.containers = path / "containers"

    @property
    def in_use(self) -> bool:
        """Whether it is there and was made by this program."""
        return (self.path / _MARKER).is_file()

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Makes it if needed, and keeps every other `up` and `down` out of it; an empty one goes away.

        Raises:
            LockedError: another one is at work.
            TerminalError: it holds something else.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise TerminalError(
                f"{self.path} cannot be used: {error.strerror}", hint="name another one: --folder DIR"
            ) from None
        try:
            self._lock(lock)
            try:
                yield
            finally:
                if not any(self.path.iterdir()):
                    self.path.rmdir()
        finally:
            os.close(lock)

    def _lock(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"another up or down is at work in {self.path}", hint="wait until it has ended"
            ) from None
        if not self.in_use and any(self.path.iterdir()):
            raise TerminalError(
                f"{self.path} holds files of something else", hint="name another one: --folder DIR"
            )

    def begin(self) -> None:
        """Marks it as this program's."""
        (self.path / _MARKER).touch()

    def clear(self) -> None:
        """Removes all that is in it; the marker last, so that what is left can be removed later."""
        for entry in self.path.iterdir():
            if entry.name == _MARKER:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        (self.path / _MARKER).unlink(missing_ok=True)
