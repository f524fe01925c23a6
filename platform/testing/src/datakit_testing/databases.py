"""Databases in containers, ready when a test gets them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .containers import Container, Containers
from .images import Image
from .readiness import wait_until

__all__ = ["Database", "start_mariadb", "start_postgres"]

LONGEST_START_SECONDS = 90.0


@dataclass(frozen=True)
class Database:
    """A database on a server in a container.

    Attributes:
        kind: `postgres` or `mariadb`.
        container: the server's container; containers reach it by its name.
        host: for this process.
        port: for this process.
        user: who it belongs to.
        password: the user's.
        name: the database's.
        root_password: of MariaDB's `root`; None with PostgreSQL, where the user is a superuser.
    """

    kind: str
    container: Container
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
    root_password: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """A SQLAlchemy URL for this process, password included."""
        return self._url(self.host, self.port)

    @property
    def inside_host(self) -> str:
        """Its host for containers of the same test."""
        return self.container.name

    @property
    def inside_port(self) -> int:
        """Its port for containers of the same test."""
        return _PORTS[self.kind]

    @property
    def inside_url(self) -> str:
        """A SQLAlchemy URL for containers of the same test, password included."""
        return self._url(self.inside_host, self.inside_port)

    @property
    def inside_url_without_password(self) -> str:
        """Likewise without the password, which goes in by a file or a variable."""
        return self._url(self.inside_host, self.inside_port, password=False)

    def _url(self, host: str, port: int, *, password: bool = True) -> str:
        secret = ":" + quote(self.password, safe="") if password else ""
        user, name = quote(self.user, safe=""), quote(self.name, safe="")
        return f"{_DIALECTS[self.kind]}://{user}{secret}@{host}:{port}/{name}"

    def connect(self, **options: Any) -> Any:
        """A DB-API connection of psycopg2 or PyMySQL; `options` go to its `connect`."""
        settings = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        if self.kind == "postgres":
            import psycopg2

            return psycopg2.connect(**{**settings, "dbname": self.name, "connect_timeout": 5, **options})
        import pymysql

        return pymysql.connect(**{**settings, "database": self.name, "connect_timeout": 5, **options})

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, committed; an empty list when it gives none."""
        connection = self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return rows
        finally:
            connection.close()

    def another(self, name: str | None = None) -> Database:
        """A new, empty database on the same server, for one test alone.

        Args:
            name: default: a new name.
        """
        new = replace(self, name=name or f"test_{secrets.token_hex(6)}")
        mark = '"' if self.kind == "postgres" else "`"
        quoted = mark + new.name.replace(mark, mark * 2) + mark
        root = {} if self.root_password is None else {"user": "root", "password": self.root_password}
        connection = self.connect(**root)
        try:
            cursor = connection.cursor()
            if self.kind == "postgres":
                connection.autocommit = True  # CREATE DATABASE refuses a transaction
            cursor.execute(f"CREATE DATABASE {quoted}")
            if self.kind == "mariadb":
                pattern = quoted.replace("_", r"\_").replace("%", r"\%")
                cursor.execute(f"GRANT ALL ON {pattern}.* TO %s@'%%'", (self.user,))
        finally:
            connection.close()
        return new

    def again(self) -> Database:
        """The same database after its container was started again: on another port, and ready."""
        host, port = self.container.address(self.inside_port)
        return replace(self, host=host, port=port).wait()

    def wait(self, seconds: float = LONGEST_START_SECONDS) -> Database:
        """Waits until the server answers a query, and returns itself.

        Raises:
            NotReadyError: it does not within `seconds`, or its container ended; the text has its last words.
        """
        wait_until(
            f"{self.container.name} answers a query on {self.host}:{self.port}",
            lambda: self.query("SELECT 1") == [(1,)],
            seconds=seconds,
            still_possible=lambda: self.container.ended,
        )
        return self


_PORTS = {"postgres": 5432, "mariadb": 3306}
_DIALECTS = {"postgres": "postgresql+psycopg2", "mariadb": "mariadb+pymysql"}
_DATA = {"postgres": "/var/lib/postgresql/data", "mariadb": "/var/lib/mysql"}


def start_postgres(
    containers: Containers,
    image: str | Image = "postgres",
    *options: str,
    name: str = "postgres",
    user: str = "datakit",
    password: str | None = None,
    database: str = "datakit",
    env: Mapping[str, str] | None = None,
    mounts: Mapping[str, Path] | None = None,
    volume: str | None = None,
) -> Database:
    """Starts a PostgreSQL server and returns its database when it answers.

    Args:
        containers: where it runs.
        image: an image, or the name of one of this test's.
        *options: of the server, such as `-c`, `max_connections=20`; without any, it does not wait for disks.
        name: of the container.
        user: the owner of the database, a superuser.
        password: the user's; default: a new one.
        database: the database's name.
        env: more variables.
        mounts: path inside to a file or folder, such as init scripts.
        volume: the name of the volume with the data; default: one that no other server has.
    """
    return _start(
        "postgres",
        containers,
        image,
        options or ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
        name=name,
        user=user,
        password=password,
        database=database,
        env=env,
        mounts=mounts,
        volume=volume,
    )


def start_mariadb(
    containers: Containers,
    image: str | Image = "mariadb",
    *options: str,
    name: str = "mariadb",
    user: str = "datakit",
    password: str | None = None,
    database: str = "datakit",
    env: Mapping[str, str] | None = None,
    mounts: Mapping[str, Path] | None = None,
    volume: str | None = None,
) -> Database:
    """Starts a MariaDB server and returns its database when it answers.

    Args:
        containers: where it runs.
        image: an image, or the name of one of this test's.
        *options: of the server, such as `--max-connections=20`; without any, it does not wait for the disk.
        name: of the container.
        user: who has all rights on the database.
        password: the user's; default: a new one.
        database: the database's name.
        env: more variables.
        mounts: path inside to a file or folder, such as init scripts.
        volume: the name of the volume with the data; default: one that no other server has.
    """
    return _start(
        "mariadb",
        containers,
        image,
        options or ("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"),
        name=name,
        user=user,
        password=password,
        database=database,
        env=env,
        mounts=mounts,
        volume=volume,
    )


def _start(
    kind: str,
    containers: Containers,
    image: str | Image,
    options: Iterable[str],
    *,
    name: str,
    user: str,
    password: str | None,
    database: str,
    env: Mapping[str, str] | None,
    mounts: Mapping[str, Path] | None,
    volume: str | None,
) -> Database:
    prefix = kind.upper()
    # What has to be quoted in a URL is in it, so that a URL put together by hand shows at once.
    password = password or secrets.token_urlsafe(12) + "/@:%"
    root_password = secrets.token_urlsafe(12) if kind == "mariadb" else None
    port = _PORTS[kind]
    container = containers.start(
        image,
        *options,
        name=name,
        env={
            f"{prefix}_USER": user,
            f"{prefix}_PASSWORD": password,
            f"{prefix}_{'DB' if kind == 'postgres' else 'DATABASE'}": database,
            **({} if root_password is None else {"MARIADB_ROOT_PASSWORD": root_password}),
            **(env or {}),
        },
        mounts=mounts,
        volumes={_DATA[kind]: volume or f"{name}-{secrets.token_hex(4)}"},
        ports=[port],
    )
    host, published = container.address(port)
    return Database(kind, container, host, published, user, password, database, root_password).wait()
