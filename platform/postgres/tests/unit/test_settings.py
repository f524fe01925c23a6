"""Settings of the entry point."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_server import SettingsError, secret
from postgres_server.server import read_settings


def test_defaults_are_those_of_the_usual_image() -> None:
    settings = read_settings({"POSTGRES_PASSWORD": "p"})
    assert (settings.user, settings.database, settings.password) == ("postgres", "postgres", "p")
    assert settings.method == "scram-sha-256"
    assert settings.data == Path("/var/lib/postgresql/data/pgdata")


def test_the_database_is_called_like_its_user() -> None:
    assert read_settings({"POSTGRES_PASSWORD": "p", "POSTGRES_USER": "u"}).database == "u"
    assert read_settings({"POSTGRES_PASSWORD": "p", "POSTGRES_USER": "u", "POSTGRES_DB": "d"}).database == "d"


def test_trust_needs_no_password() -> None:
    assert read_settings({"POSTGRES_HOST_AUTH_METHOD": "trust"}).password is None


@pytest.mark.parametrize("environment", [{}, {"POSTGRES_PASSWORD": ""}])
def test_anything_else_needs_one(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="set POSTGRES_PASSWORD"):
        read_settings(environment)


def test_a_password_of_two_lines_is_refused() -> None:
    with pytest.raises(SettingsError, match="more than one line"):
        read_settings({"POSTGRES_PASSWORD": "a\nb"})


@pytest.mark.parametrize(
    ("content", "value"), [("p", "p"), ("p\n", "p"), ("p\r\n", "p"), (" p \n", " p "), ("ä\n", "ä")]
)
def test_a_secret_is_a_file_without_its_last_line_end(tmp_path: Path, content: str, value: str) -> None:
    (tmp_path / "file").write_bytes(content.encode())
    assert secret({"X_FILE": str(tmp_path / "file")}, "X") == value


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "not UTF-8")]
)
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SettingsError, match=f"X_FILE names {tmp_path / 'file'}, which .*{message}"):
        secret({"X_FILE": str(tmp_path / "file")}, "X")


def test_both_are_one_too_many() -> None:
    with pytest.raises(SettingsError, match="X and X_FILE are both set"):
        secret({"X": "a", "X_FILE": "b"}, "X")


def test_neither_is_none() -> None:
    assert secret({}, "X") is None
