"""A PostgreSQL server in a container: its database made once, then served."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from database_server import (
    SettingsError,
    TemporaryServer,
    become_init,
    find_init_scripts,
    say,
    secret,
)

__all__ = ["Settings", "SettingsError", "ask_health", "read_settings", "serve"]

# For sockets. The image's own folders are read-only; /tmp is in memory.
SOCKETS = "/tmp"  # noqa: S108
# Local connections, which only processes of this container can make, are trusted; others show a password.
ACCESS = "\n# Other machines, and other containers.\nhost all all all {method}\n"


@dataclass(frozen=True)
class Settings:
    """What the environment asks for.

    Attributes:
        data: the database's folder, below the volume.
        user: the superuser.
        password: the superuser's; None when whoever reaches the server is trusted.
        database: made at the first start.
        method: how other machines show who they are, as pg_hba.conf calls it.
        initdb: more options of initdb.
    """

    data: Path
    user: str
    password: str | None
    database: str
    method: str
    initdb: Sequence[str]


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in the environment.

    Raises:
        SettingsError: one is missing or wrong.
    """
    user = environment.get("POSTGRES_USER") or "postgres"
    if set(user) & set("\"$'\\"):
        raise SettingsError(
            f"POSTGRES_USER is {user}: PostgreSQL takes no quotes, $ or \\ in the name of its owner"
        )
    method = environment.get("POSTGRES_HOST_AUTH_METHOD") or "scram-sha-256"
    password = secret(environment, "POSTGRES_PASSWORD") or None
    if password is None and method != "trust":
        raise SettingsError(
            "a new database needs a password: set POSTGRES_PASSWORD, "
            "or POSTGRES_PASSWORD_FILE to a file that holds it"
        )
    if password is not None and "\n" in password:
        raise SettingsError("POSTGRES_PASSWORD has more than one line")
    return Settings(
        data=_data(environment),
        user=user,
        password=password,
        database=environment.get("POSTGRES_DB") or user,
        method=method,
        initdb=(environment.get("POSTGRES_INITDB_ARGS") or "").split(),
    )


def _data(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("PGDATA") or "/var/lib/postgresql/data/pgdata")


def serve(environment: Mapping[str, str], options: Sequence[str]) -> int:
    """Runs the server to its end and returns its exit code; first makes a database when there is none.

    Args:
        environment: the settings.
        options: of the server.

    Raises:
        SettingsError: a database has to be made, and a setting is missing or wrong.
    """
    data = _data(environment)
    if not (data / "PG_VERSION").exists():
        make_database(read_settings(environment), options)
    command = ["postgres", "-D", str(data), "-c", "listen_addresses=*", "-k", SOCKETS, *options]
    # A fast shutdown rolls transactions back; PostgreSQL's own SIGTERM waits until the last client leaves.
    signals: dict[int, int] = {number: number for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)}
    return become_init(command, signals | {signal.SIGTERM: signal.SIGINT})


def make_database(settings: Settings, options: Sequence[str]) -> None:
    """Makes the database under another name until it is complete: half a one is never served."""
    growing = settings.data.with_name(settings.data.name + ".new")
    try:
        if growing.exists():
            say("an earlier start did not finish making the database: making it again")
            shutil.rmtree(growing)
        growing.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise SettingsError(
            f"{growing.parent} cannot be written ({error.strerror}) by user {os.getuid()}: "
            "the database needs a volume there that belongs to this user"
        ) from error
    _initdb(settings, growing)
    with (growing / "pg_hba.conf").open("a") as access:
        access.write(ACCESS.format(method=settings.method))
    server = [
        "postgres",
        "-D",
        str(growing),
        "-k",
        SOCKETS,
        *options,
        "-p",
        "5432",
        "-c",
        "listen_addresses=",
    ]
    with TemporaryServer(server, lambda: _is_ready(SOCKETS, settings.user), stop_signal=signal.SIGINT):
        if settings.database != "postgres":
            _psql(settings, "postgres", b'CREATE DATABASE :"name";', variables={"name": settings.database})
        for script in find_init_scripts():
            say(f"running {script.path}")
            script.feed(_psql_command(settings, settings.database, {}))
    growing.rename(settings.data)
    say("the database is made")


def _initdb(settings: Settings, folder: Path) -> None:
    command = [
        "initdb",
        "-D",
        str(folder),
        f"--username={settings.user}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]
    command += ["--auth-local=trust", f"--auth-host={settings.method}", *settings.initdb]
    files = []
    if settings.password is not None:
        # In memory, and seen by initdb alone: neither a file nor an argument.
        file = os.memfd_create("password")
        os.write(file, settings.password.encode() + b"\n")
        os.lseek(file, 0, os.SEEK_SET)
        command.append(f"--pwfile=/proc/self/fd/{file}")
        files.append(file)
    ended = subprocess.run(
        command, pass_fds=files, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for file in files:
        os.close(file)
    if ended.returncode != 0:
        raise SystemExit(f"the database could not be made:\n{ended.stdout.strip()}")


def _is_ready(host: str, user: str) -> bool:
    # With a role and a database that exist, asking leaves no line in the log.
    command = ["pg_isready", "--quiet", f"--host={host}", f"--username={user}", "--dbname=postgres"]
    return subprocess.run(command).returncode == 0


def _psql_command(settings: Settings, database: str, variables: Mapping[str, str]) -> list[str]:
    command = [
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        f"--host={SOCKETS}",
    ]
    command += [f"--username={settings.user}", f"--dbname={database}"]
    return command + [f"--set={name}={value}" for name, value in variables.items()]


def _psql(settings: Settings, database: str, sql: bytes, variables: Mapping[str, str]) -> None:
    ended = subprocess.run(_psql_command(settings, database, variables), input=sql)
    if ended.returncode != 0:
        raise SystemExit(f"{sql.decode()} failed")


def ask_health(environment: Mapping[str, str]) -> int:
    """0 when the server takes connections from other machines: not before it is set up."""
    return 0 if _is_ready("127.0.0.1", environment.get("POSTGRES_USER") or "postgres") else 1
