"""Settings of the entry point, and the SQL that comes of them."""

from __future__ import annotations

import pytest
from database_server import SettingsError
from mariadb_server.server import Settings, accounts, password_hash, read_settings


def test_both_names_of_the_database_are_known() -> None:
    assert read_settings({"MARIADB_ROOT_PASSWORD": "r", "MARIADB_DATABASE": "d"}).database == "d"
    assert read_settings({"MARIADB_ROOT_PASSWORD": "r", "MARIADB_DB": "d"}).database == "d"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "a new database needs a password"),
        ({"MARIADB_ROOT_PASSWORD": ""}, "a new database needs a password"),
        ({"MARIADB_USER": "u"}, "MARIADB_USER is set and MARIADB_PASSWORD is not"),
        ({"MARIADB_PASSWORD": "p"}, "MARIADB_PASSWORD is set and MARIADB_USER is not"),
        ({"MARIADB_USER": "root", "MARIADB_PASSWORD": "p"}, "MARIADB_USER is root"),
    ],
)
def test_what_is_missing_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_settings(environment)


def test_a_password_is_hashed_as_the_server_does() -> None:
    # SELECT PASSWORD('password')
    assert password_hash("password") == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"


def test_no_statement_holds_a_password() -> None:
    sql = "\n".join(accounts(Settings("d", "u", "hidden", "secret")))
    assert "hidden" not in sql
    assert "secret" not in sql


def test_names_are_quoted() -> None:
    sql = accounts(Settings("a`b_%", "o'w\\n", "p", None))
    assert "CREATE DATABASE `a``b_%`;" in sql
    assert r"GRANT ALL ON `a``b\_\%`.* TO 'o''w\\n'@'%';" in sql
