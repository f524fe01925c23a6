import pymysql
import pytest
from sqlalchemy.exc import DBAPIError, InvalidRequestError, OperationalError
from sqlmodel_framework import Target
from sqlmodel_framework.engines.mariadb.engine import MariadbEngine
from sqlmodel_framework.errors import (
    ContractError,
    DatakitError,
    LockedError,
    TargetError,
    TerminalError,
    UnavailableError,
)


def translated(*arguments: object) -> DatakitError:
    engine = MariadbEngine(Target("mariadb://me@h/d", name="shop", password="hush"))
    engine.target.secret_url()
    return engine.translate(OperationalError("SELECT", {}, pymysql.err.OperationalError(*arguments)))


@pytest.mark.parametrize(
    ("number", "text", "kind"),
    [
        (1045, "Access denied for user 'me'@'h' (using password: YES)", TargetError),
        (1049, "Unknown database 'd'", TargetError),
        (1146, "Table 'd.absent' doesn't exist", TerminalError),
        (1054, "Unknown column 'b' in 'SELECT'", TerminalError),
        (1205, "Lock wait timeout exceeded; try restarting transaction", LockedError),
        (1213, "Deadlock found when trying to get lock", UnavailableError),
        (1406, "Data too long for column 'a' at row 1", ContractError),
        (1021, "Disk full (/tmp)", UnavailableError),
        (1040, "Too many connections", UnavailableError),
        (2003, "Can't connect to MySQL server on 'h'", UnavailableError),
        (2013, "Lost connection to MySQL server during query", UnavailableError),
    ],
)
def test_the_number_of_an_error_decides_about_a_retry(
    number: int, text: str, kind: type[DatakitError]
) -> None:
    error = translated(number, text)
    assert type(error) is kind
    assert error.message.startswith("target shop: ")
    assert error.target == "shop"


@pytest.mark.parametrize(
    ("number", "text", "message"),
    [
        (2026, "SSL is required but the server doesn't support it", "the server offers no TLS"),
        (
            2003,
            "Can't connect to MySQL server on 'h' ([SSL: CERTIFICATE_VERIFY_FAILED] "
            "certificate verify failed: self-signed certificate (_ssl.c:1006))",
            "the server's certificate is not trusted: self-signed certificate",
        ),
        (
            4151,
            "Connections using insecure transport are prohibited while --require_secure_transport=ON.",
            "the server takes this user with TLS only, or not from here",
        ),
    ],
)
def test_what_a_server_does_not_offer_or_demands_is_no_reason_to_try_again(
    number: int, text: str, message: str
) -> None:
    error = translated(number, text)
    assert type(error) is TargetError
    assert error.message == f"target shop: {message}"


def test_an_error_without_a_number_is_a_lost_connection() -> None:
    assert isinstance(translated(0, ""), UnavailableError)


def test_what_no_driver_raised_is_a_mistake() -> None:
    engine = MariadbEngine(Target("mariadb://me@h/d", name="shop"))
    assert type(engine.translate(InvalidRequestError("no such thing"))) is TerminalError
    assert isinstance(
        engine.translate(DBAPIError("X", {}, pymysql.err.InterfaceError(0, ""))), UnavailableError
    )


def test_no_secret_is_told() -> None:
    assert "hush" not in str(translated(1064, "near 'hush'"))
