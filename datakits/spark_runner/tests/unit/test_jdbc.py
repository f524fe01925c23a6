"""A target as the JDBC driver knows it."""

from __future__ import annotations

from typing import Any

import pytest
from spark_runner.jdbc import JdbcDatabase, jdbc_properties, jdbc_url
from sqlmodel_framework import Target
from sqlmodel_framework.errors import TargetError, TerminalError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me@db/shop", "jdbc:postgresql://db:5432/shop"),
        ("postgresql://me@db:6432/a b", "jdbc:postgresql://db:6432/a%20b"),
        ("postgresql://me@[::1]:1/shop", "jdbc:postgresql://[::1]:1/shop"),
        ("postgresql://me@a,b:1/shop", "jdbc:postgresql://a:1,b:1/shop"),
        ("postgresql://me@db", "jdbc:postgresql://db:5432/me"),
    ],
)
def test_the_url_is_without_user_password_and_options(url: str, expected: str) -> None:
    assert jdbc_url(Target(url, password="hush")) == expected


def test_the_password_is_a_property_and_shown_nowhere() -> None:
    target = Target("postgresql://me@db/shop", name="till", password="hush")
    session: Any = None
    database = JdbcDatabase(target, session)
    assert jdbc_properties(target)["password"] == "hush"
    assert jdbc_properties(target)["user"] == "me"
    assert "hush" not in repr(database) + database.url + str(vars(database))


def test_options_of_the_url_and_the_target_become_the_drivers() -> None:
    target = Target(
        "postgresql://me@db/shop?sslmode=verify-full&connect_timeout=3",
        connect_timeout=7,
        options={"sslrootcert": "/ca.pem", "target_session_attrs": "read-write", "application_name": "x"},
    )
    properties = jdbc_properties(target)
    assert properties["sslmode"] == "verify-full"
    assert properties["sslrootcert"] == "/ca.pem"
    assert properties["targetServerType"] == "primary"
    assert properties["ApplicationName"] == "x"
    assert properties["connectTimeout"] == "7"
    assert "password" not in properties


@pytest.mark.parametrize("options", [{"keepalives": "1"}, {"target_session_attrs": "sometimes"}])
def test_an_option_that_would_be_lost_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(TargetError, match=next(iter(options))):
        jdbc_properties(Target("postgresql://me@db/shop", options=options))


def test_another_database_is_refused() -> None:
    with pytest.raises(TerminalError, match="is a mariadb database"):
        jdbc_url(Target("mariadb+pymysql://me@db/shop"))


@pytest.mark.parametrize("url", ["postgresql:///shop", "postgresql:///shop?host=/run/postgresql"])
def test_a_socket_is_out_of_sparks_reach(url: str) -> None:
    with pytest.raises(TargetError, match="names no host"):
        jdbc_url(Target(url, name="till"))
