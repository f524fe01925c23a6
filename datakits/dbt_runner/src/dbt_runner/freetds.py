"""FreeTDS as dbt's driver: a connection that is encrypted, and whose server is known.

What dbt-sqlserver writes into a connection string about encryption is Microsoft's, and FreeTDS passes over
it: it would send the password in the clear to a server that does not encrypt, and check no certificate. So
the string is written here. It names a section of a freetds.conf of this process, the only place where FreeTDS
can be told to check certificates.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from sqlmodel_framework.errors import DatakitError, TargetError
from sqlmodel_framework.targets.target import Target

__all__ = ["check_password", "configure", "connection_string", "is_freetds", "use_in_dbt"]

_SECTION = "datakit"
# FreeTDS knows no escape: a value in braces ends where these two follow each other.
_VALUE_END = "};"
# What dbt-sqlserver calls, by this name, in the module that connects.
_CALLED = "build_pyodbc_connection_string"


def is_freetds(driver: str) -> bool:
    """Whether an ODBC driver, by its name or path, is FreeTDS."""
    return driver.strip("{}").lower() == "freetds" or "tdsodbc" in driver.lower()


def check_password(target: Target, password: str) -> None:
    """Refuse a password that FreeTDS cannot be given.

    Raises:
        TargetError: it is such.
    """
    if _VALUE_END in password:
        raise TargetError(
            f"target {target.name}: the password holds '{_VALUE_END}', which FreeTDS cannot send",
            hint="change it, or add Microsoft's driver and name it by the option driver",
            target=target.name,
        )


def configure(host: str, port: int, *, encrypt: bool, trust: bool, ca_file: str) -> None:
    """Say where the server of this process is, and how it is known; no secret is in it.

    Args:
        host: its name or address.
        port: its TCP port.
        encrypt: whether nothing is sent without TLS.
        trust: whether its certificate goes unchecked.
        ca_file: the authorities to trust, PEM; empty for those of the system.
    """
    lines = [
        f"[{_SECTION}]",
        f"host = {host}",
        f"port = {port}",
        "tds version = 7.4",
        "client charset = UTF-8",
        "text size = 2147483647",
        f"encryption = {'require' if encrypt else 'off'}",
    ]
    if encrypt and not trust:
        lines += [f"ca file = {ca_file or 'system'}", "check certificate hostname = yes"]
    file = _settings_file()
    os.ftruncate(file, 0)
    os.pwrite(file, ("\n".join(lines) + "\n").encode(), 0)


def connection_string(credentials: Any) -> str:
    """The connection string for dbt's credentials, to the server of `configure`: a secret."""
    parts = {
        "Driver": credentials.driver.strip("{}"),
        "Servername": _SECTION,
        "Database": credentials.database,
        "UID": credentials.UID,
        "PWD": credentials.PWD,
        "APP": "dbt",
        "TDS_Version": "7.4",
        "ClientCharset": "UTF-8",
        "Encryption": "require" if credentials.encrypt else "off",
    }
    return "".join(f"{name}={{{value}}};" for name, value in parts.items())


def use_in_dbt() -> None:
    """Let dbt-sqlserver connect by these strings wherever its driver is FreeTDS.

    Raises:
        DatakitError: this version of dbt-sqlserver makes its strings elsewhere.
    """
    from dbt.adapters.sqlserver import sqlserver_backend, sqlserver_connections

    def build(credentials: Any) -> str:
        if is_freetds(credentials.driver):
            return connection_string(credentials)
        return sqlserver_backend.build_pyodbc_connection_string(credentials)

    called = vars(sqlserver_connections)
    if _CALLED not in called:
        raise DatakitError(f"dbt-sqlserver has no {_CALLED}: FreeTDS cannot be used safely")
    called[_CALLED] = build


@cache
def _settings_file() -> int:
    # One for the whole life of the process: FreeTDS reads the variable whenever it connects.
    file = os.memfd_create("freetds.conf")
    os.environ["FREETDSCONF"] = f"/proc/self/fd/{file}"
    return file
