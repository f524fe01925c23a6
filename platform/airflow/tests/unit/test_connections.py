"""An Airflow connection becomes an endpoint without a password, which goes into a file."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from datakit_airflow.connections import ConnectedEndpoint, connected_endpoint

FILE = PurePosixPath("/run/secrets/datakit/shop.password")
PASSWORD = "p@ss/w:rd"


def connected(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> ConnectedEndpoint:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(fields))
    return connected_endpoint("shop", FILE)


def refused(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> str:
    with pytest.raises(AirflowFailException) as caught:
        connected(monkeypatch, **fields)
    return str(caught.value)


SERVER = {"host": "db.example", "login": "lo@der", "password": PASSWORD, "schema": "shop", "port": 1234}


@pytest.mark.parametrize(
    ("kind", "dialect"), [("postgres", "postgresql"), ("mysql", "mariadb"), ("mssql", "mssql")]
)
def test_a_server_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, kind: str, dialect: str
) -> None:
    found = connected(monkeypatch, conn_type=kind, **SERVER)

    assert found.endpoint.url == f"{dialect}://lo%40der@db.example:1234/shop"
    assert found.endpoint.name == "shop"
    assert str(found.endpoint.password_file) == str(FILE)
    assert found.password == PASSWORD
    assert PASSWORD not in repr(found)


def test_the_framework_reads_the_same_server(monkeypatch: pytest.MonkeyPatch) -> None:
    url = connected(monkeypatch, conn_type="postgres", **{**SERVER, "password": None}).endpoint.target().url

    assert (url.username, url.host, url.port, url.database) == ("lo@der", "db.example", 1234, "shop")


def test_a_file_is_named_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    found = connected(monkeypatch, conn_type="sqlite", host="/data/shop.db")

    assert found.endpoint.url == "sqlite:////data/shop.db"
    assert found.password is None


def test_the_extra_holds_settings_and_arguments_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"lock_timeout": 60, "tls": "require", "application_name": "airflow"}
    found = connected(monkeypatch, conn_type="postgres", **SERVER, extra=extra).endpoint

    assert found.lock_timeout == 60
    assert found.tls == "require"
    assert found.options == {"application_name": "airflow"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"conn_type": "http", "host": "x"}, "its type is 'http'; it can be mariadb, mssql, mysql, postgres"),
        ({"conn_type": "postgres"}, "it names no host"),
        ({"conn_type": "sqlite"}, "it names no file"),
        ({"conn_type": "postgres", "host": "x", "extra": {"tls": "maybe"}}, "tls: Input should be"),
        ({"conn_type": "postgres", "host": "x", "extra": {"a": {}}}, "its extra 'a' is no plain value"),
    ],
)
def test_what_names_no_database_is_refused(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], told: str
) -> None:
    assert told in refused(monkeypatch, **fields)


def test_a_password_in_the_extra_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"sslpassword": PASSWORD}
    message = refused(monkeypatch, conn_type="postgres", host="x", extra=extra)

    assert "the options hold a password, sslpassword" in message
    assert PASSWORD not in message


def test_a_missing_connection_is_not_tried_again(airflow_database: None) -> None:
    with pytest.raises(AirflowFailException, match="there is no Airflow connection 'nowhere'"):
        connected_endpoint("nowhere", FILE)
