import socket

from sqlmodel_framework import Target
from sqlmodel_framework.targets.check import check_target


def test_a_target_that_answers_says_what_it_is(datakit_server: Target) -> None:
    result = check_target(datakit_server)
    assert result.error is None
    assert (result.value or "").startswith("postgresql ")


def test_a_target_that_is_not_there_says_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        result = check_target(Target(f"postgresql://me@127.0.0.1:{free.getsockname()[1]}/d", name="gone"))
    assert result.error is not None
    assert "target gone cannot be reached" in result.error.message
    assert result.error.exit_code == 69


def test_a_target_without_an_engine_says_so() -> None:
    result = check_target(Target("mysql://h/d"))
    assert result.error is not None
    assert result.error.message == "there is no engine for 'mysql' databases"
