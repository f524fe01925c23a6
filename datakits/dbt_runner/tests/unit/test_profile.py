"""The profile that is written is what dbt's own adapters read."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from dbt_runner.profile import PASSWORD_VARIABLE, PROFILE, connection_settings, write_profile
from sqlmodel_framework import Target
from sqlmodel_framework.errors import TargetError


def read_by_dbt(folder: Path, target: Target, password: str) -> Any:
    """The credentials that dbt itself finds in a profile."""
    from dbt.config.profile import Profile, read_profile
    from dbt.config.renderer import ProfileRenderer
    from dbt.flags import set_flags
    from dbt_common.context import get_invocation_context, set_invocation_context

    path = write_profile(
        folder, connection_settings(target, "gold"), target_name="{{ warehouse }}", threads=3
    )
    assert not password or password not in path.read_text()
    set_invocation_context({})
    get_invocation_context()._env = {PASSWORD_VARIABLE: password}
    set_flags(Namespace(PROFILES_DIR=str(folder), LOG_CACHE_EVENTS=False))  # type: ignore[no-untyped-call]
    profile = Profile.from_raw_profiles(
        read_profile(str(folder)), PROFILE, ProfileRenderer({}), threads_override=None
    )
    assert (profile.threads, profile.target_name) == (3, "{{ warehouse }}")
    return profile.credentials


@pytest.mark.parametrize(
    "password", ["p@ss/{{ 1 + 1 }}", "0123", "", "a'b\"c\\d$", "{% raw %}", "tränen: - #"]
)
def test_postgresql(tmp_path: Path, password: str) -> None:
    target = Target(
        "postgresql://00{{ 7 }}@db.example:6432/ware house?sslmode=verify-full",
        password=password,
        connect_timeout=3,
        options={"sslrootcert": "/ca.pem"},
    )
    found = read_by_dbt(tmp_path, target, password)
    assert found.type == "postgres"
    assert (found.host, found.port, found.user, found.database) == (
        "db.example",
        6432,
        "00{{ 7 }}",
        "ware house",
    )
    assert (found.password, found.schema, found.connect_timeout) == (password, "gold", 3)
    assert (found.sslmode, found.sslrootcert) == ("verify-full", "/ca.pem")


def test_postgresql_by_a_socket_without_a_password(tmp_path: Path) -> None:
    target = Target("postgresql://me@/shop?host=/run/postgres&port=5433")
    found = read_by_dbt(tmp_path, target, "")
    assert (found.host, found.port, found.database, found.password) == ("/run/postgres", 5433, "shop", "")


def test_sql_server(tmp_path: Path) -> None:
    target = Target("mssql://loader@db.example/shop", password="p@ss};{{ 1 }}", connect_timeout=3)
    found = read_by_dbt(tmp_path, target, "p@ss};{{ 1 }}")
    assert found.type == "sqlserver"
    assert (found.driver, found.host, found.port, found.database) == ("FreeTDS", "db.example", 1433, "shop")
    assert (found.UID, found.PWD, found.schema, found.login_timeout) == ("loader", "p@ss};{{ 1 }}", "gold", 3)
    assert (found.encrypt, found.trust_cert) == (True, False)


@pytest.mark.parametrize("option", ["trust_cert", "TrustServerCertificate", "trust_server_certificate"])
def test_a_certificate_goes_unchecked_by_an_option_only(tmp_path: Path, option: str) -> None:
    target = Target("mssql+pyodbc://me@db.example:1434/shop", password="hush-hush", options={option: "yes"})
    found = read_by_dbt(tmp_path, target, "hush-hush")
    assert (found.encrypt, found.trust_cert, found.port) == (True, True, 1434)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("mariadb://me@db.example/shop", "mariadb"),
        ("postgresql://db.example/shop", "user"),
        ("postgresql://me@/shop", "host"),
        ("postgresql://me@db.example", "database"),
        ("postgresql://me@db.example/shop?target_session_attrs=any", "target_session_attrs"),
        ("postgresql://me@db.example/shop?keepalives_idle=often", "keepalives_idle"),
        ("mssql://db.example/shop", "user"),
        ("mssql://me@db.example", "database"),
        ("mssql://me@db.example/sh;op", "database"),
        ("mssql://me@db.example/shop?encrypt=maybe", "encrypt"),
        ("mssql://me@db.example/shop?colour=blue", "colour"),
        ("mssql://me@db.example/shop?driver=a;b", "driver"),
    ],
)
def test_what_dbt_cannot_use_is_named(url: str, word: str) -> None:
    with pytest.raises(TargetError, match=word):
        connection_settings(Target(url), "gold")
