"""SQL Server by dbt-sqlserver: its settings, a connection, and what its errors mean."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue
from sqlmodel_framework.errors import (
    ContractError,
    DatakitError,
    LockedError,
    StoppedError,
    TargetError,
    TerminalError,
    UnavailableError,
)
from sqlmodel_framework.runs.stopping import stop_was_requested
from sqlmodel_framework.targets.target import Target

from dbt_runner import freetds

__all__ = ["connect", "connection_settings", "prepare", "translate"]

_OPTIONS = {"encrypt": "yes", "trustservercertificate": "no", "driver": "FreeTDS", "cafile": ""}
_ALIASES = {"trustcert": "trustservercertificate"}
_SHOWN = ("encrypt", "trust_server_certificate", "driver", "ca_file")
_YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_DEFAULT_PORT = 1433


def connection_settings(target: Target) -> dict[str, JsonValue]:
    """What dbt-sqlserver is given, the password and the schema apart.

    Raises:
        TargetError: something is missing, unknown or wrong; the message names it.
    """
    url = target.url
    for part, value in (("host", url.host), ("database", url.database), ("user", url.username)):
        if not value:
            raise _wrong(target, f"its URL names no {part}", "write mssql://user@host:port/database")
        if any(character in value for character in ";{}\n\r"):
            raise _wrong(target, f"the {part} in its URL holds a ';', a brace or a line end")
    options = _options(target)
    return {
        "type": "sqlserver",
        "driver": options["driver"],
        "host": url.host,
        "port": url.port or _DEFAULT_PORT,
        "database": url.database,
        "user": url.username,
        "encrypt": _flag(target, "encrypt", options["encrypt"]),
        "trust_cert": _flag(target, "trust_server_certificate", options["trustservercertificate"]),
        "login_timeout": target.connect_timeout,
        # The runner waits for a server itself, and a statement that failed is not to be said twice.
        "retries": 1,
    }


def prepare(target: Target, password: str) -> None:
    """Let dbt find this server in the way that its settings say.

    Raises:
        TargetError: the settings are wrong, or the driver cannot be given the password.
    """
    settings, options = connection_settings(target), _options(target)
    if not freetds.is_freetds(options["driver"]):
        return
    freetds.check_password(target, password)
    freetds.configure(
        str(settings["host"]),
        target.url.port or _DEFAULT_PORT,
        encrypt=bool(settings["encrypt"]),
        trust=bool(settings["trust_cert"]),
        ca_file=options["cafile"],
    )
    freetds.use_in_dbt()


def connect(target: Target, password: str) -> None:
    """Connect once as dbt does, and hang up.

    Raises:
        TargetError: the settings are wrong, or the server refuses them.
        UnavailableError: the server does not answer.
    """
    try:
        import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one
        from dbt.adapters.sqlserver.sqlserver_backend import build_pyodbc_connection_string
        from dbt.adapters.sqlserver.sqlserver_credentials import SQLServerCredentials
    except ImportError as error:
        raise TargetError(
            f"target {target.name}: ODBC is not installed: {error}",
            hint="install unixODBC and FreeTDS; the image has both",
            target=target.name,
        ) from None
    prepare(target, password)
    settings = connection_settings(target) | {"schema": "dbo", "password": password}
    del settings["type"]
    credentials = SQLServerCredentials.from_dict(SQLServerCredentials.translate_aliases(settings))
    by_freetds = freetds.is_freetds(str(settings["driver"]))
    text = (freetds.connection_string if by_freetds else build_pyodbc_connection_string)(credentials)
    try:
        pyodbc.connect(text, timeout=target.connect_timeout, autocommit=True).close()
    except pyodbc.Error as error:
        raise translate(error, target, connecting=True) from None


def translate(error: Any, target: Target, *, connecting: bool = False) -> DatakitError:
    """The `DatakitError` that an error of pyodbc means; one line, without any secret.

    Args:
        error: an error of pyodbc, whose first argument is a SQLSTATE.
        target: the server.
        connecting: whether it came up while a connection was made.
    """
    state = str(error.args[0]) if error.args else ""
    text = " ".join(str(part) for part in error.args[1:]) or str(error)
    message = target.mask(f"target {target.name}: {text}")

    def made(kind: type[DatakitError], hint: str | None = None) -> DatakitError:
        return kind(message, hint=hint, target=target.name)

    if state in ("IM002", "IM003", "IM004") or "Can't open lib" in text:
        return made(
            TargetError, "install the ODBC driver that the option 'driver' names; the image has FreeTDS"
        )
    if state == "28000" or "(18456)" in text:
        return made(TargetError, "check the user and the password")
    if "(4060)" in text:
        return made(TargetError, "check the database's name, and the user's right to it")
    if connecting:
        return made(UnavailableError, "look at host, port and certificate: FreeTDS tells them not apart")
    if state in ("HY008", "57014") and stop_was_requested():
        return made(StoppedError)
    if "(1222)" in text:
        return made(LockedError)
    if state in ("40001", "HYT00", "HYT01") or state[:2] == "08" or "(1205)" in text:
        return made(UnavailableError)
    if state[:2] in ("22", "23"):
        return made(ContractError)
    return made(TerminalError)


def _options(target: Target) -> dict[str, str]:
    options = dict(_OPTIONS)
    for key, value in (*target.url.query.items(), *target.options.items()):
        letters = key.replace("_", "").lower()
        name = _ALIASES.get(letters, letters)
        if name not in options:
            raise _wrong(target, f"it has no option {key!r}", f"there are: {', '.join(_SHOWN)}")
        if any(character in str(value) for character in ";{}\n\r"):
            raise _wrong(target, f"the option {key!r} holds a ';', a brace or a line end")
        options[name] = str(value).replace("+", " ") if name == "driver" else str(value)
    return options


def _flag(target: Target, name: str, value: str) -> bool:
    if value.lower() not in _YES_OR_NO:
        raise _wrong(target, f"the option {name!r} is {value!r}, neither yes nor no")
    return _YES_OR_NO[value.lower()]


def _wrong(target: Target, message: str, hint: str | None = None) -> TargetError:
    return TargetError(f"target {target.name}: {message}", hint=hint, target=target.name)
