"""Targets made from their parts, without a URL to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel_framework import Target, test_connection
from sqlmodel_framework.engines.sqlserver.connecting import connection_string
from sqlmodel_framework.errors import TargetError
from sqlmodel_framework.targets.url import parse_url

ODD = "a b@c/d?e=f%20&gü:#"


@pytest.mark.parametrize(
    ("target", "url"),
    [
        (
            Target.postgres(host="db.example", database="shop", user="me"),
            "postgresql+psycopg2://me@db.example:5432/shop",
        ),
        (Target.postgres(database="shop"), "postgresql+psycopg2://localhost:5432/shop"),
        (
            Target.postgres(host="/run/postgresql", database="shop", port=5433),
            "postgresql+psycopg2:///shop?host=%2Frun%2Fpostgresql&port=5433",
        ),
        (
            Target.mariadb(host="::1", database="shop", user="me", port=3307),
            "mariadb+pymysql://me@[::1]:3307/shop",
        ),
        (
            Target.sqlserver(host="db.example", database="shop", user="me"),
            "mssql://me@db.example/shop?driver=ODBC+Driver+18+for+SQL+Server",
        ),
        (
            Target.sqlserver(
                host="10.0.0.1", database="shop", user="me", port=1444, driver="FreeTDS", trust=True
            ),
            "mssql://me@10.0.0.1:1444/shop?driver=FreeTDS&trust_server_certificate=yes",
        ),
        (
            Target.sqlserver(host="h", database="shop", user="me", instance="NORTH", encrypt="strict"),
            "mssql://me@h/shop?driver=ODBC+Driver+18+for+SQL+Server&encrypt=strict&instance=NORTH",
        ),
    ],
    ids=lambda value: None if isinstance(value, Target) else value,
)
def test_the_url_is_the_one_that_would_be_written(target: Target, url: str) -> None:
    assert target.url.render_as_string() == url


@pytest.mark.parametrize("make", [Target.postgres, Target.mariadb, Target.sqlserver])
def test_a_url_that_is_written_down_means_the_same_when_it_is_read(make: Callable[..., Target]) -> None:
    target = make(host="h-1.example", database=ODD, user=ODD)
    assert (target.url.database, target.url.username) == (ODD, ODD)
    read = parse_url(target.url.render_as_string())
    assert (read.database, read.username, read.host) == (ODD, ODD, "h-1.example")


def test_the_rest_is_what_any_target_takes() -> None:
    target = Target.postgres(
        database="shop", name="till", password="hush", connect_timeout=3, tls="require", lock_timeout=2.0
    )
    assert (target.name, target.connect_timeout, target.lock_timeout) == ("till", 3, 2.0)
    assert target.options == {"sslmode": "require"}
    assert target.secret_url().password == "hush"
    assert "hush" not in f"{target!r} {target.url}"


def test_what_the_odbc_driver_is_told() -> None:
    freetds = Target.sqlserver(host="h", database="d", user="u", driver="FreeTDS", trust=True)
    assert connection_string(freetds, "p").startswith("Driver={FreeTDS};Database={d};UID={u};PWD={p};")
    microsoft = Target.sqlserver(host="h", database="d", user="u", encrypt="no", trust=True)
    assert "Encrypt={no};TrustServerCertificate={yes};" in connection_string(microsoft, "p")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": "postgresql://me:hush@h/d"}, "a host is asked for, and a database URL is given"),
        ({"host": "me:hush@h"}, "the host is neither a name nor an address"),
        ({"host": "h:5432"}, "the host holds a port"),
        ({"host": ""}, "no host is given"),
        ({"database": ""}, "no database is given"),
        ({"database": 7}, "the database is a int, not a text"),
        ({"user": "a\nb"}, "the user holds a character that cannot be printed"),
        ({"port": 0}, "the port is 0"),
        ({"port": "5432"}, "the port is '5432'"),
        ({"host": "/run/postgresql", "port": 65536}, "the port is 65536"),
    ],
)
def test_a_part_that_cannot_be_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(TargetError) as caught:
        Target.postgres(**{"host": "h", "database": "d", "user": "u", **given})
    assert words in caught.value.message
    assert "hush" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 1433, "instance": "x"}, "both a port and an instance are given"),
        ({"driver": "FreeTDS"}, "FreeTDS checks a certificate only by its own configuration"),
        ({"driver": "FreeTDS", "encrypt": "strict", "trust": True}, "FreeTDS cannot encrypt strictly"),
        ({"driver": "FreeTDS", "instance": "x", "trust": True}, "FreeTDS is not told an instance here"),
        ({"encrypt": "maybe"}, "the option encrypt is 'maybe'"),
        ({"encrypt": "yes", "tls": "require"}, "both tls and the driver's option 'encrypt' are given"),
        ({"user": ""}, "no user is given"),
    ],
)
def test_what_does_not_go_together_is_told_before_anybody_connects(given: dict[str, Any], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        Target.sqlserver(**{"host": "h", "database": "d", "user": "u", **given})


def test_such_a_target_is_one_that_can_be_reached(datakit_server: Target) -> None:
    url = datakit_server.url
    there = Target.postgres(
        host=str(url.query["host"]), database=str(url.database), user=url.username, name="there"
    )
    assert str(test_connection(there)).startswith("there: ok, postgresql ")
