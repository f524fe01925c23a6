"""Database URLs from their parts, for those who would rather not write one."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypedDict

from sqlalchemy.engine import URL

from ..errors import TargetError
from .tls import TlsMode

__all__ = ["MICROSOFT_DRIVER", "Encrypt", "TargetOptions", "mariadb_url", "postgres_url", "sqlserver_url"]

MICROSOFT_DRIVER = "ODBC Driver 18 for SQL Server"

Encrypt = Literal["yes", "strict", "no"]
"""How a connection to SQL Server is encrypted; "strict" is TDS 8, which FreeTDS lacks."""

_HOST = re.compile(r"[A-Za-z0-9._-]+")
_HOST_AND_PORT = re.compile(r"(?P<host>[A-Za-z0-9._-]+)[:,](?P<port>\d+)")


class TargetOptions(TypedDict, total=False):
    """What a `Target` takes besides its URL."""

    name: str | None
    password: str | Callable[[], str] | None
    password_env: str | None
    password_file: str | os.PathLike[str] | None
    connect_timeout: int
    lock_timeout: float
    statement_timeout: float | None
    tls: TlsMode | None
    tls_ca: str | os.PathLike[str] | None
    pool_size: int
    pool_overflow: int
    pool_lifetime: float
    pool_timeout: float
    options: Mapping[str, str] | None
    server_log: Path | None


def postgres_url(host: str, database: str, user: str | None, port: int) -> URL:
    """The URL of a PostgreSQL database; a host that begins with / is the folder of a socket.

    Raises:
        TargetError: a part cannot be what it is given as; the message names it.
    """
    if not (isinstance(host, str) and host.startswith("/")):
        return _url("postgresql+psycopg2", host, database, user, port)
    _check_port(port)
    return URL.create(
        "postgresql+psycopg2",
        username=_text("user", user),
        database=_needed("database", database),
        query={"host": host, "port": str(port)},
    )


def mariadb_url(host: str, database: str, user: str | None, port: int) -> URL:
    """The URL of a MariaDB database.

    Raises:
        TargetError: as `postgres_url`.
    """
    return _url("mariadb+pymysql", host, database, user, port)


def sqlserver_url(
    host: str,
    database: str,
    user: str,
    port: int | None,
    *,
    instance: str | None,
    driver: str,
    encrypt: Encrypt | None,
    trust: bool,
) -> URL:
    """The URL of a SQL Server database, with what its ODBC driver is told as options.

    Raises:
        TargetError: as `postgres_url`.
    """
    query = {"driver": _needed("driver", driver)}
    if instance is not None:
        query["instance"] = _needed("instance", instance)
    if encrypt is not None:
        query["encrypt"] = encrypt
    if trust:
        query["trust_server_certificate"] = "yes"
    url = _url("mssql", host, database, _needed("user", user), port)
    return url.set(query=query)


def _url(dialect: str, host: str, database: str, user: str | None, port: int | None) -> URL:
    _check_host(host)
    if port is not None:
        _check_port(port)
    return URL.create(
        dialect,
        username=_text("user", user),
        host=host,
        port=port,
        database=_needed("database", database),
    )


def _check_host(host: str) -> None:
    # What is given for a host may be a URL with a password in it, so it is not repeated.
    given = _needed("host", host)
    if "://" in given:
        raise TargetError(
            "a host is asked for, and a database URL is given", hint="use Target(url) for a URL"
        )
    parts = _HOST_AND_PORT.fullmatch(given)
    if parts is not None:
        raise TargetError(
            "the host holds a port", hint=f"write host={parts['host']!r}, port={int(parts['port'])}"
        )
    if not _HOST.fullmatch(given) and not _is_address(given):
        raise TargetError(
            "the host is neither a name nor an address",
            hint="use letters, digits, dots and hyphens, or an IP",
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _check_port(port: int) -> None:
    if not (isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536):
        raise TargetError(f"the port is {port!r}; it must be a whole number from 1 to 65535")


def _needed(what: str, value: str) -> str:
    found = _text(what, value)
    if not found:
        raise TargetError(f"no {what} is given", hint=f"give it as {what}=...")
    return found


def _text(what: str, value: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TargetError(f"the {what} is a {type(value).__name__}, not a text")
    if not value.isprintable():
        raise TargetError(f"the {what} holds a character that cannot be printed")
    return value
