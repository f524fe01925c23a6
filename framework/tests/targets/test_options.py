from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework import DatakitError, Target, deploy_datakit
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import UnavailableError
from sqlmodel_framework.targets.settings import read_settings
from sqlmodel_framework.targets.tls import TLS_MODES

URLS = ("postgresql://h/d", "mariadb://h/d", "mssql+pyodbc://h/d")
NUMBERS = {
    "connect_timeout": 3,
    "lock_timeout": 1.5,
    "statement_timeout": 90.0,
    "pool_size": 2,
    "pool_overflow": 0,
    "pool_lifetime": 60.0,
    "pool_timeout": 0.5,
}


def complaint(make: Callable[[], object]) -> str:
    with pytest.raises(DatakitError) as caught:
        make()
    assert caught.value.exit_code == 64
    assert "\n" not in caught.value.message
    return f"{caught.value.message} / {caught.value.hint}"


def test_every_option_can_be_given_in_the_file(tmp_path: Path) -> None:
    lines = [f"{name} = {value}" for name, value in NUMBERS.items()]
    (tmp_path / "datakit.toml").write_text(
        '[targets.a]\nurl = "postgresql://h/d"\ntls = "verify-full"\ntls_ca = "ca.pem"\n' + "\n".join(lines)
    )
    target = read_settings(tmp_path).find("a")
    assert {name: getattr(target, name) for name in NUMBERS} == NUMBERS
    assert (target.tls, target.tls_ca) == ("verify-full", tmp_path / "ca.pem")
    assert dict(target.options) == {"sslmode": "verify-full", "sslrootcert": str(tmp_path / "ca.pem")}


def test_every_option_can_be_given_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {**NUMBERS, "url": "postgresql://h/d", "tls": "require"}
    for name, value in given.items():
        monkeypatch.setenv(f"DATAKIT_TARGETS__A__{name.upper()}", str(value))
    target = read_settings(tmp_path).find("a")
    assert {name: getattr(target, name) for name in NUMBERS} == NUMBERS
    assert (target.tls, dict(target.options)) == ("require", {"sslmode": "require"})


def test_the_defaults_are_the_same_in_the_file_and_in_python(tmp_path: Path) -> None:
    (tmp_path / "datakit.toml").write_text('[targets.a]\nurl = "postgresql://h/d"\n')
    found, made = read_settings(tmp_path).find("a"), Target("postgresql://h/d", name="a")
    names = [*NUMBERS, "tls", "tls_ca", "options", "url", "name"]
    assert [getattr(found, name) for name in names] == [getattr(made, name) for name in names]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("pool_size", 0),
        ("pool_size", 2.5),
        ("pool_overflow", -1),
        ("pool_overflow", 100_000),
        ("pool_lifetime", 0),
        ("pool_timeout", float("inf")),
        ("statement_timeout", float("nan")),
        ("tls", "prefer"),
    ],
)
def test_a_value_out_of_range_is_one_line_that_names_it(tmp_path: Path, option: str, value: Any) -> None:
    said = complaint(lambda: Target("postgresql://h/d", name="t", **{option: value}))
    assert said.startswith(f"target t: {option} is ")
    text = f'"{value}"' if isinstance(value, str) else str(value)
    (tmp_path / "datakit.toml").write_text(f'[targets.t]\nurl = "postgresql://h/d"\n{option} = {text}\n')
    assert f"targets.t.{option}: " in complaint(lambda: read_settings(tmp_path))


def test_a_statement_timeout_that_would_end_the_wait_for_a_lock_is_refused() -> None:
    said = complaint(lambda: Target("postgresql://h/d", name="t", lock_timeout=10, statement_timeout=10))
    assert "statement_timeout, 10 s, is not above lock_timeout, 10 s" in said


@given(url=st.sampled_from(URLS), mode=st.sampled_from(TLS_MODES))
def test_one_word_for_tls_reaches_every_driver(url: str, mode: Any) -> None:
    ca = "/etc/{ca}.pem" if mode == "verify-full" else None
    options = Target(url, tls=mode, tls_ca=ca, options={"other": "1"}).options
    assert options["other"] == "1"
    assert len(options) > 1
    # A text in which the driver would see no CA file, or another one, would be a weaker check.
    assert (ca in options.values()) is (ca is not None)
    others = [Target(url, tls=other, tls_ca="/ca" if other == "verify-full" else None) for other in TLS_MODES]
    assert sum(dict(other.options).items() <= dict(options).items() for other in others) <= 1


def test_without_a_word_the_driver_is_told_nothing() -> None:
    assert [dict(Target(url).options) for url in URLS] == [{}, {}, {}]


@pytest.mark.parametrize(
    ("url", "options", "given"),
    [
        ("postgresql://h/d?sslmode=disable", {}, "sslmode"),
        ("postgresql://h/d", {"sslrootcert": "x"}, "sslrootcert"),
        ("mariadb://h/d", {"ssl_disabled": "true"}, "ssl_disabled"),
        ("mariadb://h/d?ssl_ca=x", {}, "ssl_ca"),
        ("mssql+pyodbc://h/d?Encrypt=no", {}, "Encrypt"),
        ("mssql://h/d", {"TrustServerCertificate": "yes"}, "TrustServerCertificate"),
    ],
)
def test_tls_that_is_given_in_two_ways_is_refused(url: str, options: dict[str, str], given: str) -> None:
    said = complaint(lambda: Target(url, name="t", tls="require", options=options))
    assert said == f"target t: both tls and the driver's option {given!r} are given / keep one of them"


@pytest.mark.parametrize(
    ("url", "arguments", "expected"),
    [
        ("postgresql://h/d", {"tls": "verify-full"}, "'verify-full' needs tls_ca"),
        ("postgresql://h/d", {"tls": "require", "tls_ca": "x"}, "'require' has no use for tls_ca"),
        ("postgresql://h/d", {"tls_ca": "x"}, "tls_ca is given without tls"),
        ("sqlite:///x", {"tls": "require"}, "tls = 'require' cannot be had by sqlite"),
        ("oracle+thin://h/d", {"tls": "disable"}, "tls = 'disable' cannot be had by oracle+thin"),
    ],
)
def test_tls_that_cannot_be_had_is_refused(url: str, arguments: dict[str, Any], expected: str) -> None:
    assert expected in complaint(lambda: Target(url, name="t", **arguments))


def test_a_statement_may_take_as_long_as_the_target_says(database: Target) -> None:
    quick = Target(database.url, name="t", lock_timeout=0.01, statement_timeout=0.05)
    with pytest.raises(UnavailableError, match="target t: canceling statement due to statement timeout"):
        PostgresEngine(quick).read_rows("SELECT pg_sleep(60)")
    (row,) = PostgresEngine(database).read_rows("SHOW statement_timeout")
    assert row == {"statement_timeout": "0"}


def test_a_ca_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    target = Target("postgresql://127.0.0.1:1/d", name="t", tls="verify-full", tls_ca=tmp_path / "absent.pem")
    said = complaint(lambda: deploy_datakit("flights", target, engine=PostgresEngine))
    assert "absent.pem" in said or "flights" in said
