import socket
import time

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.engines.mariadb.engine import MariadbEngine, may_create
from sqlmodel_framework.targets.check import test_connection


def said_of(target: Target) -> tuple[int, str]:
    error = test_connection(target).error
    assert error is not None
    return error.exit_code, error.message


def test_a_server_that_takes_the_connection_and_says_nothing_is_not_waited_for_without_end() -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        said = said_of(Target(f"mariadb://me@127.0.0.1:{port}/d", name="t", connect_timeout=1))
    assert said == (69, f"target t cannot be reached: no answer from port {port} of 127.0.0.1 within 1 s")
    assert time.monotonic() - started < 30


def test_a_name_that_does_not_resolve_and_a_port_that_is_closed_are_told_apart() -> None:
    assert said_of(Target("mariadb://nowhere.invalid/d", name="t")) == (
        69,
        "target t cannot be reached: the host name nowhere.invalid does not resolve",
    )
    assert said_of(Target("mariadb://127.0.0.1:1/d", name="t")) == (
        69,
        "target t cannot be reached: nobody listens on port 1 of 127.0.0.1",
    )


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `me`@`%` WITH GRANT OPTION"], True),
        (["GRANT USAGE ON *.* TO `me`@`%`", "GRANT SELECT, CREATE, DROP ON `a b`.* TO `me`@`%`"], True),
        (["GRANT CREATE ON `back``tick`.* TO `me`@`%`"], True),
        (["GRANT USAGE ON *.* TO `me`@`%`", "GRANT SELECT, CREATE VIEW ON `shop`.* TO `me`@`%`"], False),
        (["GRANT SELECT ON `x ON CREATE`.* TO `me`@`%`"], False),
        (["GRANT `CREATE` TO `me`@`%`"], False),
        ([], False),
    ],
)
def test_the_right_to_create_is_read_from_what_the_server_prints(grants: list[str], expected: bool) -> None:
    assert may_create(grants) is expected


def test_the_oldest_version_is_the_first_with_the_type_uuid() -> None:
    assert MariadbEngine.oldest_version == (10, 7)
