"""Whether a target can be reached: asked in Python."""

import socket
from pathlib import Path
from typing import Any

import pytest
from sqlmodel_framework import BaseEngine, ConnectionTest, Target, test_connection
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.targets.check import check_targets
from sqlmodel_framework.targets.settings import Settings


def test_a_target_that_answers_says_what_it_is(datakit_server: Target) -> None:
    result = test_connection(datakit_server)
    assert (result.ok, result.error, result.reason) == (True, None, None)
    assert (result.server or "").startswith("postgresql ")
    assert str(result) == f"{datakit_server.name}: ok, {result.server}"


def test_a_url_and_a_name_are_targets_too(
    datakit_server: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datakit.toml").write_text(
        f'[targets.there]\nurl = "{datakit_server.url.render_as_string()}"\n'
    )
    assert test_connection("there").ok
    assert test_connection(datakit_server.url).ok
    assert test_connection(datakit_server.url.render_as_string()).ok
    unknown = test_connection("their")
    assert str(unknown) == "their: there is no target 'their' (named are: there; did you mean 'there'?)"


def test_a_target_that_is_not_there_says_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        result = test_connection(Target.postgres(host="127.0.0.1", port=port, database="d", name="gone"))
    assert result.error is not None
    assert result.error.exit_code == 69
    assert str(result) == (
        f"gone: target gone cannot be reached: nobody listens on port {port} of 127.0.0.1 "
        "(check host and port, and that the server runs)"
    )


@pytest.mark.parametrize("make", [Target.postgres, Target.mariadb])
def test_whoever_says_nothing_is_waited_for_so_long(make: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        result = test_connection(
            make(host="127.0.0.1", port=port, database="d", user="me", name="mute", connect_timeout=2)
        )
    assert result.reason is not None
    assert result.reason.startswith("target mute cannot be reached: no answer from port")
    assert result.seconds < 30


def test_a_target_without_an_engine_says_so() -> None:
    result = test_connection(Target("mysql://h/d"))
    assert result.error is not None
    assert result.error.message == "there is no engine for 'mysql' databases"


def test_a_server_without_its_driver_is_refused_whatever_of_it_is_missing() -> None:
    target = Target.sqlserver(
        host="nowhere.invalid", database="d", user="me", password="hush", name="s", connect_timeout=1
    )
    result = test_connection(target)
    assert not result.ok
    assert "\n" not in str(result)
    assert "hush" not in f"{result} {result!r}"


@pytest.mark.parametrize("given", ["postgresql://me:hush@ bad host/d", "postgresql:// me:hush@h:99999/d", 7])
def test_what_cannot_be_read_is_told_without_its_secret(given: Any) -> None:
    result = test_connection(given)
    assert result.target == "the given target"
    assert not result.ok
    assert "hush" not in f"{result} {result!r}"
    if isinstance(given, str):
        (of_several,) = check_targets(Settings(), [given])
        assert "hush" not in f"{of_several} {of_several!r}"


class Forbidding(PostgresEngine):
    def check_rights(self) -> None:
        raise AssertionError("nobody asked for rights")


def test_the_rights_of_who_only_reads_are_not_asked_for(datakit_server: Target) -> None:
    assert test_connection(datakit_server, engine=Forbidding, may_deploy=False).ok
    strict = test_connection(datakit_server, engine=Forbidding)
    assert "nobody asked for rights" in str(strict)
    assert issubclass(Forbidding, BaseEngine)


def test_no_collector_takes_the_function_for_a_test() -> None:
    assert getattr(test_connection, "__test__", True) is False
    assert ConnectionTest("t", "s", None, 0.0).ok
