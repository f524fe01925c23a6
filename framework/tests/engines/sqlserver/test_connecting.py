"""The connection string, from a target's URL and options: encrypted unless it is said otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.engines.sqlserver.connecting import (
    connection_string,
    login_timeout,
    open_connection,
    session_of,
)
from sqlmodel_framework.errors import TargetError

from .nowhere import objections


def parts(
    url: str = "mssql://me@db.example/shop", password: str = "secret", **options: Any
) -> dict[str, str]:
    words = connection_string(Target(url, name="shop", **options), password)
    found = re.findall(r"(\w+)=\{((?:[^}]|\}\})*)\};", words)
    assert "".join(f"{name}={{{value}}};" for name, value in found) == words
    return {name: value.replace("}}", "}") for name, value in found}


def test_a_connection_is_encrypted_and_the_certificate_checked_unless_it_is_said_otherwise() -> None:
    found = parts()
    assert found == {
        "Driver": "ODBC Driver 18 for SQL Server",
        "Database": "shop",
        "UID": "me",
        "PWD": "secret",
        "APP": "datakit",
        "Server": "tcp:db.example,1433",
        "Encrypt": "yes",
        "TrustServerCertificate": "no",
        "ApplicationIntent": "ReadWrite",
    }


@pytest.mark.parametrize(
    ("options", "encrypt", "trust"),
    [
        ({"tls": "disable"}, "no", "no"),
        ({"tls": "require"}, "yes", "yes"),
        ({"options": {"Encrypt": "strict"}}, "strict", "no"),
        ({"options": {"encrypt": "mandatory", "TrustServerCertificate": "yes"}}, "yes", "yes"),
    ],
)
def test_tls_is_what_the_target_says(options: dict[str, Any], encrypt: str, trust: str) -> None:
    found = parts(**options)
    assert (found["Encrypt"], found["TrustServerCertificate"]) == (encrypt, trust)


def test_braces_do_not_end_a_value() -> None:
    assert parts(password="a};Encrypt={no")["PWD"] == "a};Encrypt={no"


def test_an_instance_stands_in_the_ports_place() -> None:
    found = parts("mssql://me@db.example/shop?instance=NORTH&application_intent=ReadOnly&isolation=snapshot")
    assert found["Server"] == "tcp:db.example\\NORTH"
    assert found["ApplicationIntent"] == "ReadOnly"


def test_freetds_is_told_in_its_own_words() -> None:
    found = parts("mssql://me@db.example:1444/shop?driver=FreeTDS&trust_server_certificate=yes")
    assert (found["Server"], found["Port"], found["Encryption"]) == ("db.example", "1444", "require")
    assert parts("mssql://me@h/d?driver=FreeTDS&encrypt=no")["Encryption"] == "off"


@pytest.mark.parametrize(
    ("url", "options", "reason"),
    [
        ("mssql://me@/shop", {}, "its URL names no host"),
        ("mssql://me@h/", {}, "its URL names no database"),
        ("mssql://h/d", {}, "its URL names no user"),
        ("mssql://me@h:1/d?instance=x", {}, "both a port and an instance are given"),
        ("mssql://me@h/d?driver=FreeTDS", {}, "FreeTDS checks a certificate only by its own configuration"),
        ("mssql://me@h/d?driver=FreeTDS&encrypt=strict", {}, "FreeTDS cannot encrypt strictly"),
        ("mssql://me@h/d?encrypt=perhaps", {}, "the option encrypt is 'perhaps'"),
        ("mssql://me@h/d?trust_server_certificate=1", {}, "the option trust_server_certificate is '1'"),
        ("mssql://me@h/d?encrpyt=no", {}, "there is no option 'encrpyt'"),
        ("mssql://me@h/d", {"tls": "verify-full", "tls_ca": Path("ca.pem")}, "the driver takes no ca_file"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(TargetError, match=f"target shop: {reason}"):
        parts(url, **options)


def test_a_password_that_freetds_cannot_send_is_refused_without_telling_it() -> None:
    with pytest.raises(TargetError, match="the password holds '};', which FreeTDS cannot send") as caught:
        parts("mssql://me@h/d?driver=FreeTDS&encrypt=no", password="abc};def")
    assert "abc" not in caught.value.message


def test_the_time_to_wait_for_a_connection_is_the_targets_or_an_options() -> None:
    assert login_timeout(Target("mssql://me@h/d", connect_timeout=7)) == 7
    assert login_timeout(Target("mssql://me@h/d?login_timeout=8")) == 8
    with pytest.raises(TargetError, match="the option login_timeout is '0'"):
        login_timeout(Target("mssql://me@h/d?login_timeout=0"))


def test_a_session_waits_for_locks_as_long_as_the_target_says() -> None:
    session = session_of(Target("mssql://me@h/d", lock_timeout=1.5))
    assert session.endswith("SET LOCK_TIMEOUT 1500")
    assert "SET XACT_ABORT ON" in session
    assert objections(session) == []


class Driver:
    """What stands in the driver's place: it notes what it is told."""

    class Error(Exception):
        """What the driver raises."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.told: list[Any] = []
        self.timeout = 0
        self.autocommit = False
        self.closed = False

    def connect(self, words: str, *, timeout: int, autocommit: bool) -> Driver:
        self.told += [words, timeout]
        self.autocommit = autocommit
        return self

    def execute(self, sql: str) -> None:
        # In a transaction, some of it would not hold.
        assert self.autocommit
        self.told.append(sql)
        if self.fails:
            raise self.Error

    def close(self) -> None:
        self.closed = True


def test_a_connection_is_told_its_session_before_a_transaction_begins() -> None:
    driver = Driver()
    target = Target("mssql://me@h/d", password="x", connect_timeout=7, statement_timeout=20.5)
    assert open_connection(driver, target) is driver
    assert driver.told == [connection_string(target, "x"), 7, session_of(target)]
    assert (driver.timeout, driver.autocommit, driver.closed) == (21, False, False)


def test_a_connection_without_its_session_is_closed() -> None:
    driver = Driver(fails=True)
    with pytest.raises(Driver.Error):
        open_connection(driver, Target("mssql://me@h/d", password="x"))
    assert driver.closed


def test_a_connection_needs_a_password() -> None:
    with pytest.raises(TargetError, match="no password is given"):
        open_connection(Driver(), Target("mssql://me@h/d"))
