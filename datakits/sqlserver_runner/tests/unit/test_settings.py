"""What a URL and options say, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel_framework.errors import TargetError
from sqlmodel_framework.targets.target import Target
from sqlserver_runner.connection import connection_string
from sqlserver_runner.freetds import section_text
from sqlserver_runner.settings import SourceSettings, read_settings

MICROSOFT = "ODBC Driver 18 for SQL Server"


def settings(rest: str = "db.example/sales", **options: str) -> SourceSettings:
    return read_settings(Target(f"mssql://reader@{rest}", name="erp", options=options))


def test_without_options_everything_is_safe() -> None:
    found = settings()
    assert (found.host, found.port, found.database, found.user) == ("db.example", 1433, "sales", "reader")
    assert (found.driver, found.encrypt, found.trust_server_certificate) == ("FreeTDS", "yes", False)
    assert found.application_intent == "ReadWrite"
    assert section_text(found, "system").splitlines() == [
        "[datakit]",
        "host = db.example",
        "port = 1433",
        "tds version = 7.4",
        "client charset = UTF-8",
        "text size = 2147483647",
        "encryption = require",
        "ca file = system",
        "check certificate hostname = yes",
    ]
    assert connection_string(found, "p") == (
        "Driver={FreeTDS};Servername={datakit};Database={sales};UID={reader};PWD={p};APP={datakit};"
        "ApplicationIntent={ReadWrite};TDS_Version={7.4};ClientCharset={UTF-8};Encryption={require};"
    )


def test_microsofts_driver_is_told_in_its_own_words() -> None:
    found = settings("db.example:1444/sales?driver=ODBC+Driver+18+for+SQL+Server")
    assert found.driver == MICROSOFT
    assert connection_string(found, "a}b;c") == (
        "Driver={ODBC Driver 18 for SQL Server};Server={tcp:db.example,1444};Database={sales};UID={reader};"
        "PWD={a}}b;c};APP={datakit};ApplicationIntent={ReadWrite};Encrypt={yes};TrustServerCertificate={no};"
    )
    strict = settings(driver=MICROSOFT, encrypt="strict", instance="NORTH")
    assert "Server={tcp:db.example\\NORTH};" in connection_string(strict, "p")
    assert "Encrypt={strict};" in connection_string(strict, "p")


def test_names_of_options_are_read_as_other_tools_write_them() -> None:
    found = settings(
        "db.example/sales?TrustServerCertificate=Yes&ApplicationIntent=readonly&Encrypt=mandatory"
    )
    assert found.trust_server_certificate
    assert found.application_intent == "ReadOnly"
    assert found.encrypt == "yes"


def test_an_option_wins_over_the_urls() -> None:
    assert settings("db.example/sales?login_timeout=3", login_timeout="4").login_timeout == 4


def test_an_instance_has_no_port_of_its_own() -> None:
    found = settings(instance="NORTH")
    assert found.port is None
    assert "instance = NORTH\n" in section_text(found, "system")
    assert "port" not in section_text(found, "system")
    assert found.place == "db.example\\NORTH"


def test_no_certificate_is_checked_only_where_that_is_asked_for() -> None:
    assert "ca file" not in section_text(settings(trust_server_certificate="yes"), "system")
    assert "encryption = require" in section_text(settings(trust_server_certificate="yes"), "system")
    assert "encryption = off" in section_text(settings(encrypt="no"), "system")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"encryptt": "yes"}, "'encryptt'"),
        ({"encrypt": "perhaps"}, "'perhaps'"),
        ({"encrypt": "strict"}, "FreeTDS cannot encrypt strictly"),
        ({"trust_server_certificate": "maybe"}, "trust_server_certificate is 'maybe'"),
        ({"login_timeout": "0"}, "login_timeout is '0'"),
        ({"login_timeout": "1.5"}, "login_timeout is '1.5'"),
        ({"application_intent": "write"}, "application_intent is 'write'"),
        ({"isolation": "chaos"}, "isolation is 'chaos'"),
        ({"instance": "A;B"}, "the option instance"),
        ({"driver": "x};PWD={y"}, "the option driver"),
        ({"ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem cannot be read"),
        ({"ca_file": "/nowhere\nencryption = off"}, "ca_file"),
        ({"encrypt": "no", "trust_server_certificate": "yes"}, "encrypt=no"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], words: str) -> None:
    with pytest.raises(TargetError, match="SQL Server erp") as caught:
        settings(**options)
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.touch()
    with pytest.raises(TargetError, match="both a port and an instance"):
        settings("db.example:1433/sales", instance="NORTH")
    with pytest.raises(TargetError, match="both ca_file"):
        settings(ca_file=str(file), trust_server_certificate="yes")
    with pytest.raises(TargetError, match="takes no ca_file"):
        settings(ca_file=str(file), driver=MICROSOFT)


@pytest.mark.parametrize(
    ("url", "missing"),
    [("mssql://db.example/sales", "user"), ("mssql://reader@db.example", "database")],
)
def test_what_a_url_lacks_is_named(url: str, missing: str) -> None:
    with pytest.raises(TargetError, match=f"names no {missing}"):
        read_settings(Target(url))


def test_another_driver_of_sqlalchemy_is_refused() -> None:
    with pytest.raises(TargetError, match="is no SQL Server"):
        read_settings(Target("mssql+pymssql://reader@db.example/sales"))


@hypothesis_settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_no_password_reaches_another_part_of_microsofts_connection_string(password: str) -> None:
    text = connection_string(settings(driver=MICROSOFT), password)
    assert _read(text)["PWD"] == password
    assert list(_read(text))[-1] == "TrustServerCertificate"


def _read(text: str) -> dict[str, str]:
    """A connection string by ODBC's rules."""
    found = {}
    while text:
        name, _, text = text.partition("={")
        value = ""
        while True:
            piece, _, text = text.partition("}")
            value += piece
            if not text.startswith("}"):
                break
            value, text = value + "}", text[1:]
        assert text.startswith(";")
        found[name], text = value, text[1:]
    return found


def test_freetds_refuses_the_one_password_that_it_cannot_send() -> None:
    with pytest.raises(TargetError, match="the password holds '};'") as caught:
        connection_string(settings(), "hush};Encryption=off")
    assert "hush" not in caught.value.message
