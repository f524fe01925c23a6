"""What goes over the wire to a SQL Server, by the real driver and dbt's own connection manager."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from dbt_runner import sqlserver
from kit.tds import ENCRYPT_NOT_SUPPORTED, ENCRYPT_ON, Listener
from sqlmodel_framework import Target
from sqlmodel_framework.errors import TargetError, UnavailableError

PASSWORD = "hush-hush"


def target_of(server: Listener, options: str = "") -> Target:
    return Target(
        f"mssql://loader@localhost:{server.port}/shop{options}",
        name="erp",
        password=PASSWORD,
        connect_timeout=3,
    )


def connect_by_dbt(target: Target) -> None:
    """A connection as a model of dbt gets one; fails, as nothing here is a whole server."""
    from dbt.adapters.contracts.connection import Connection, Identifier
    from dbt.adapters.exceptions.connection import FailedToConnectError
    from dbt.adapters.sqlserver.sqlserver_connections import SQLServerConnectionManager
    from dbt.adapters.sqlserver.sqlserver_credentials import SQLServerCredentials
    from dbt_common.context import set_invocation_context

    set_invocation_context({})
    settings: dict[str, Any] = {
        **sqlserver.connection_settings(target),
        "schema": "gold",
        "password": PASSWORD,
    }
    del settings["type"]
    settings["retries"] = 0
    credentials = SQLServerCredentials.from_dict(SQLServerCredentials.translate_aliases(settings))
    with pytest.raises(FailedToConnectError):
        SQLServerConnectionManager.open(Connection(Identifier("sqlserver"), None, credentials))


def test_no_password_goes_to_a_server_that_does_not_encrypt() -> None:
    with Listener(ENCRYPT_NOT_SUPPORTED) as server:
        target = target_of(server)
        with pytest.raises(UnavailableError, match="erp"):
            sqlserver.connect(target, PASSWORD)
        connect_by_dbt(target)
        assert server.logins == []


def test_a_connection_begins_with_tls() -> None:
    with Listener(ENCRYPT_ON) as server:
        target = target_of(server, "?trust_server_certificate=yes")
        with pytest.raises(UnavailableError, match="erp"):
            sqlserver.connect(target, PASSWORD)
        connect_by_dbt(target)
        assert server.handshakes >= 2
        assert server.logins == []


def test_only_an_option_sends_it_in_the_clear() -> None:
    with Listener(ENCRYPT_NOT_SUPPORTED) as server:
        target = target_of(server, "?encrypt=no")
        with pytest.raises(UnavailableError, match="erp"):
            sqlserver.connect(target, PASSWORD)
        before = len(server.logins)
        connect_by_dbt(target)
        assert len(server.logins) > before > 0
        assert "shop".encode("utf-16-le") in server.logins[-1]


def settings_of(options: str) -> list[str]:
    sqlserver.prepare(Target(f"mssql://me@db.example/shop{options}"), PASSWORD)
    return Path(os.environ["FREETDSCONF"]).read_text().splitlines()


def test_a_certificate_is_checked_unless_an_option_says_otherwise() -> None:
    checked = settings_of("?ca_file=/ca.pem")
    assert {"encryption = require", "ca file = /ca.pem", "check certificate hostname = yes"} <= set(checked)
    assert {"ca file = system", "host = db.example", "port = 1433"} <= set(settings_of(""))
    unchecked = settings_of("?trust_cert=yes")
    assert "encryption = require" in unchecked
    assert not [line for line in unchecked if "certificate" in line or "ca file" in line]
    assert "encryption = off" in settings_of("?encrypt=no")


def test_a_password_that_would_end_its_value_is_refused() -> None:
    target = Target("mssql://me@db.example/shop", name="erp")
    with pytest.raises(TargetError, match="the password holds"):
        sqlserver.prepare(target, "x};Encryption=off;")


def test_microsofts_driver_gets_dbts_own_string() -> None:
    from dbt.adapters.sqlserver import sqlserver_connections
    from dbt.adapters.sqlserver.sqlserver_credentials import SQLServerCredentials

    sqlserver.prepare(Target("mssql://me@db.example/shop"), PASSWORD)
    build = vars(sqlserver_connections)["build_pyodbc_connection_string"]
    common: dict[str, Any] = {
        "host": "db.example",
        "database": "shop",
        "schema": "gold",
        "UID": "me",
        "PWD": PASSWORD,
    }
    theirs = build(SQLServerCredentials(driver="ODBC Driver 18 for SQL Server", **common))
    assert "SERVER=db.example,1433;" in theirs
    assert "encrypt=Yes;TrustServerCertificate=No" in theirs
    ours = build(SQLServerCredentials(driver="FreeTDS", **common))
    assert "Servername={datakit};" in ours
    assert "Encryption={require};" in ours
