"""Connections to SQL Server, by ODBC."""

from __future__ import annotations

import math
from contextlib import nullcontext

import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one
from sqlmodel_framework.errors import TargetError
from sqlmodel_framework.targets.target import Target

from . import freetds
from .converters import add_converters
from .errors import translate
from .settings import SourceSettings, read_settings

__all__ = ["connection_string", "open_connection"]

_APPLICATION = "datakit"
# The same text must mean the same for every login: dates are year first, and nothing is cut.
_SESSION = (
    "SET LANGUAGE us_english; SET DATEFORMAT ymd; SET TEXTSIZE 2147483647; "
    "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, QUOTED_IDENTIFIER, CONCAT_NULL_YIELDS_NULL ON; "
    "SET NOCOUNT ON; SET LOCK_TIMEOUT {lock_timeout}"
)
_SNAPSHOT_ALLOWED = "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()"


def connection_string(settings: SourceSettings, password: str) -> str:
    """The ODBC connection string: a secret.

    Raises:
        TargetError: a value cannot be written in it.
    """
    parts = {"Driver": settings.driver}
    if settings.uses_freetds:
        parts["Servername"] = freetds.SECTION
    else:
        parts["Server"] = f"tcp:{settings.host}" + (
            f"\\{settings.instance}" if settings.instance else f",{settings.port}"
        )
    parts |= {
        "Database": settings.database,
        "UID": settings.user,
        "PWD": password,
        "APP": _APPLICATION,
        "ApplicationIntent": settings.application_intent,
    }
    if settings.uses_freetds:
        parts |= {
            "TDS_Version": "7.4",
            "ClientCharset": "UTF-8",
            "Encryption": "off" if settings.encrypt == "no" else "require",
        }
    else:
        parts |= {
            "Encrypt": settings.encrypt,
            "TrustServerCertificate": "yes" if settings.trust_server_certificate else "no",
        }
    return "".join(f"{name}={_quoted(name, value, settings)};" for name, value in parts.items())


def _quoted(name: str, value: str, settings: SourceSettings) -> str:
    if not settings.uses_freetds:
        return "{" + value.replace("}", "}}") + "}"
    # FreeTDS knows no doubled brace: a value ends where a brace and a semicolon follow each other.
    if "};" in value:
        what = {"PWD": "the password", "UID": "the user", "Database": "the database"}.get(name, name)
        raise TargetError(
            f"SQL Server {settings.name}: {what} holds '}};', which FreeTDS cannot send",
            hint="change it, or add Microsoft's driver and name it by the option driver",
            target=settings.name,
        )
    return "{" + value + "}"


def open_connection(target: Target) -> pyodbc.Connection:
    """A connection whose transaction reads as the target's `isolation` says; autocommit is off.

    With "auto" that is a snapshot where the database allows one (`ALLOW_SNAPSHOT_ISOLATION`), so that all
    rows of a query are of one moment and no writer is held up; else committed rows.

    Raises:
        TargetError: the settings are wrong, or the server refuses them.
        UnavailableError: the server does not answer.
    """
    settings = read_settings(target)
    password = target.secret_url().password
    if password is None:
        raise TargetError(
            f"SQL Server {target.name}: no password is given",
            hint="name the variable or the file that holds it: password_env, password_file",
            target=target.name,
        )
    text = connection_string(settings, str(password))
    connection = None
    try:
        with freetds.configured(settings) if settings.uses_freetds else nullcontext():
            connection = pyodbc.connect(text, timeout=settings.login_timeout, autocommit=True)
        _prepare(connection, settings)
    except pyodbc.Error as error:
        if connection is not None:
            connection.close()
        raise translate(error, target, settings=settings, connecting=connection is None) from None
    return connection


def _prepare(connection: pyodbc.Connection, settings: SourceSettings) -> None:
    add_converters(connection)
    # To SQL Server 0 ms means not to wait at all, which is what less than one means as well.
    connection.execute(_SESSION.format(lock_timeout=math.floor(settings.lock_timeout * 1000)))
    snapshot = settings.isolation == "snapshot"
    if settings.isolation == "auto":
        row = connection.execute(_SNAPSHOT_ALLOWED).fetchone()
        snapshot = row is not None and row[0] == 1
    # Before the transaction begins: in it, this could not change any more.
    connection.execute(f"SET TRANSACTION ISOLATION LEVEL {'SNAPSHOT' if snapshot else 'READ COMMITTED'}")
    connection.autocommit = False
