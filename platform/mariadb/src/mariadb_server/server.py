"""A MariaDB server in a container: its database made once, then served."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import socket
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

VOLUME = Path("/var/lib/mysql")
DATA = VOLUME / "data"
SHARE = Path("/usr/share/mysql")
# As MariaDB's own installer runs them, but for the texts of HELP.
SYSTEM_TABLES = [
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mysql_sys_schema.sql",
]
# The image's own folders are read-only; /tmp is in memory. Clients in there find it by MYSQL_UNIX_PORT.
SOCKET = "/tmp/mysqld.sock"  # noqa: S108
PORT = 3306
ENCODING = ["--character-set-server=utf8mb4"]


@dataclass(frozen=True)
class Settings:
    """What the environment asks for.

    Attributes:
        database: made at the first start; None for none.
        user: gets all rights on it; None for none.
        password: the user's.
        root_password: of `root`, from anywhere; None when nobody can be root over the network.
    """

    database: str | None
    user: str | None
    password: str | None
    root_password: str | None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in the environment.

    Raises:
        SettingsError: one is missing or wrong.
    """
    settings = Settings(
        database=environment.get("MARIADB_DATABASE") or environment.get("MARIADB_DB") or None,
        user=environment.get("MARIADB_USER") or None,
        password=secret(environment, "MARIADB_PASSWORD") or None,
        root_password=secret(environment, "MARIADB_ROOT_PASSWORD") or None,
    )
    if settings.user == "root":
        raise SettingsError(
            "MARIADB_USER is root, who is always there: set MARIADB_ROOT_PASSWORD, or another user"
        )
    if (settings.user is None) != (settings.password is None):
        missing, given = ("USER", "PASSWORD") if settings.user is None else ("PASSWORD", "USER")
        file = ", or MARIADB_PASSWORD_FILE to a file that holds it" if missing == "PASSWORD" else ""
        raise SettingsError(f"MARIADB_{given} is set and MARIADB_{missing} is not: set it{file}")
    if settings.user is None and settings.root_password is None:
        raise SettingsError(
            "a new database needs a password: set MARIADB_ROOT_PASSWORD, or MARIADB_USER and _PASSWORD "
            "(with _FILE at the end of the name: the file that holds it)"
        )
    return settings


def serve(environment: Mapping[str, str], options: Sequence[str]) -> int:
    """Runs the server to its end and returns its exit code; first makes a database when there is none.

    Args:
        environment: the settings.
        options: of the server.

    Raises:
        SettingsError: a database has to be made, and a setting is missing or wrong.
    """
    if not DATA.exists():
        make_database(read_settings(environment))
    end = signal.SIGTERM
    return become_init(
        [
            "mariadbd",
            "--skip-name-resolve",
            f"--datadir={DATA}",
            f"--socket={SOCKET}",
            f"--port={PORT}",
            *ENCODING,
            *options,
        ],
        {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGQUIT: end, signal.SIGHUP: signal.SIGHUP},
    )


def make_database(settings: Settings) -> None:
    """Makes the database, under another name until it is complete: half a one is never served."""
    growing = DATA.with_name(DATA.name + ".new")
    try:
        if growing.exists():
            say("an earlier start did not finish making the database: making it again")
            shutil.rmtree(growing)
        growing.mkdir(mode=0o700)
    except OSError as error:
        raise SettingsError(
            f"{VOLUME} cannot be written ({error.strerror}) by user {os.getuid()}: "
            "the database needs a volume there that belongs to this user"
        ) from error
    # Without the user's options and without a log of statements: they hold what passwords were hashed to.
    server = ["mariadbd", "--no-defaults", f"--datadir={growing}", *ENCODING]
    _bootstrap(server, settings)
    server += ["--skip-networking", f"--socket={SOCKET}", "--skip-log-bin", "--silent-startup"]
    with TemporaryServer(server, _answers_locally, stop_signal=signal.SIGTERM):
        client = ["mariadb", "--no-defaults", f"--socket={SOCKET}", "--default-character-set=utf8mb4"]
        client += [f"--database={settings.database}"] if settings.database else []
        for script in find_init_scripts():
            say(f"running {script.path}")
            script.feed(client)
    growing.rename(DATA)
    say("the database is made")


def _bootstrap(server: Sequence[str], settings: Settings) -> None:
    # Who can run commands in this container administers the server, by the socket and without a password.
    administrator = pwd.getpwuid(os.getuid()).pw_name
    sql = ["CREATE DATABASE mysql;", "USE mysql;", f"SET @auth_root_socket={text(administrator)};"]
    sql += [(SHARE / name).read_text() for name in SYSTEM_TABLES]
    sql += accounts(settings)
    ended = subprocess.run(
        [*server, "--bootstrap", "--silent-startup"],
        input="\n".join(sql).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if ended.returncode != 0:
        raise SystemExit(f"the database could not be made:\n{ended.stdout.decode(errors='replace').strip()}")


def accounts(settings: Settings) -> list[str]:
    """SQL that makes the users and the database."""
    sql = ["FLUSH PRIVILEGES;"]
    if settings.root_password is not None:
        hashed = text(password_hash(settings.root_password))
        sql += [
            f"ALTER USER root@localhost IDENTIFIED VIA mysql_native_password USING {hashed};",
            f"CREATE USER root@'%' IDENTIFIED BY PASSWORD {hashed};",
            "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;",
        ]
    if settings.database is not None:
        sql.append(f"CREATE DATABASE {identifier(settings.database)};")
    if settings.user is not None and settings.password is not None:
        user = f"{text(settings.user)}@'%'"
        sql.append(f"CREATE USER {user} IDENTIFIED BY PASSWORD {text(password_hash(settings.password))};")
        if settings.database is not None:
            # In a grant, these two stand for any characters.
            pattern = settings.database.replace("_", r"\_").replace("%", r"\%")
            sql.append(f"GRANT ALL ON {identifier(pattern)}.* TO {user};")
    return sql


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("`", "``") + "`"


def password_hash(password: str) -> str:
    """What the server keeps of a password, so that no statement holds the password itself."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324


def _answers_locally() -> bool:
    return Path(SOCKET).is_socket() and _greets(socket.AF_UNIX, SOCKET)


def ask_health() -> int:
    """0 when the server takes connections from other machines: not before it is set up."""
    return 0 if _greets(socket.AF_INET, ("127.0.0.1", PORT)) else 1


def _greets(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    """Whether who listens there begins with the greeting of a server that takes connections."""
    try:
        with socket.socket(family) as connection:
            connection.settimeout(5)
            connection.connect(address)
            greeting = connection.recv(5)
    except OSError:
        return False
    # Four bytes of header, then the protocol's version; an error has 255 in its place.
    return len(greeting) == 5 and greeting[4] == 10
