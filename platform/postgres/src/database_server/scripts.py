"""Init scripts: what a user mounts to be run once, on a new database."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from .process import say

__all__ = ["FOLDER", "InitScript", "find_init_scripts"]

FOLDER = Path("/docker-entrypoint-initdb.d")


@dataclass(frozen=True)
class InitScript:
    """A file with SQL, compressed or not."""

    path: Path

    def feed(self, command: Sequence[str]) -> None:
        """Gives its SQL to a client's standard input.

        Raises:
            SystemExit: it cannot be read, or the client failed.
        """
        client = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert client.stdin is not None
        try:
            with client.stdin as stream, self._open() as file:
                shutil.copyfileobj(file, stream)
        except BrokenPipeError:
            pass  # the client has said why
        except (OSError, EOFError, zlib.error) as error:
            raise SystemExit(f"{self.path} cannot be read: {error}") from error
        finally:
            code = client.wait()
        if code != 0:
            raise SystemExit(f"{self.path} failed (exit code {code}): the database is not made")

    def _open(self) -> IO[bytes]:
        return cast(IO[bytes], gzip.open(self.path)) if self.path.suffix == ".gz" else self.path.open("rb")


def find_init_scripts(folder: Path = FOLDER) -> list[InitScript]:
    """The scripts `*.sql` and `*.sql.gz` in the order of their names; other files are named and left."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".sql", ".sql.gz")):
            found.append(InitScript(path))
        else:
            say(f"not run, since it is neither .sql nor .sql.gz: {path}")
    return found
