"""What SQL Server's errors mean, from the texts that pyodbc makes of them."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError
from sqlmodel_framework import Target
from sqlmodel_framework.engines.sqlserver import errors
from sqlmodel_framework.engines.sqlserver.errors import translate
from sqlmodel_framework.errors import (
    ContractError,
    DatakitError,
    LockedError,
    StoppedError,
    TargetError,
    TerminalError,
    UnavailableError,
)

TARGET = Target("mssql://me@db.example/shop", name="shop", password="se}cret")
SERVER = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"


def raised(state: str, text: str, *, maker: str = SERVER) -> SQLAlchemyError:
    return DBAPIError("SELECT 1", None, Exception(state, f"[{state}] {maker}{text}"))


def meant(number: int, text: str = "it went wrong", state: str = "42000") -> DatakitError:
    return translate(raised(state, f"{text} ({number}) (SQLExecDirectW)"), TARGET)


@pytest.mark.parametrize(
    ("number", "kind", "exit_code"),
    [
        (18456, TargetError, 64),
        (4060, TargetError, 64),
        (229, TargetError, 64),
        (262, TargetError, 64),
        (1222, LockedError, 75),
        (1205, UnavailableError, 69),
        (13535, UnavailableError, 69),
        (40613, UnavailableError, 69),
        (9002, UnavailableError, 69),
        (20017, UnavailableError, 69),
        (2627, ContractError, 65),
        (2601, ContractError, 65),
        (547, ContractError, 65),
        (515, ContractError, 65),
        (2628, ContractError, 65),
        (8115, ContractError, 65),
        (208, TerminalError, 64),
    ],
)
def test_the_servers_number_decides(number: int, kind: type[DatakitError], exit_code: int) -> None:
    error = meant(number)
    assert type(error) is kind
    assert error.exit_code == exit_code
    assert error.message == "target shop: it went wrong"
    assert error.target == "shop"


def test_of_several_reports_the_one_that_decides_is_told() -> None:
    text = "Cannot open database 'x'. (4060) (SQLDriverConnect)"
    text += f"; [28000] {SERVER}Login failed for user 'me'. (18456)"
    error = translate(raised("42000", text), TARGET)
    assert error.message == "target shop: Cannot open database 'x'."
    assert error.hint == "check the database's name, and the user's right to it"


@pytest.mark.parametrize(
    ("state", "text", "kind", "words"),
    [
        (
            "08001",
            "TCP Provider: Error code 0x2AF9: Name or service not known (11001)",
            UnavailableError,
            "does not",
        ),
        ("08001", "Connection refused (111)", UnavailableError, "nobody listens on db.example"),
        (
            "HYT00",
            "Login timeout expired (0) (SQLDriverConnect)",
            UnavailableError,
            "no answer from db.example",
        ),
        ("HYT00", "Query timeout expired (0) (SQLExecDirectW)", UnavailableError, "Query timeout expired"),
        ("08S01", "Communication link failure (10054)", UnavailableError, "Communication link failure"),
        ("08001", "SSL Provider: certificate verify failed:unable to get (336)", TargetError, "certificate"),
        ("01000", "Can't open lib 'x' : file not found (0)", TargetError, "Can't open lib"),
        ("IM002", "Data source name not found (0)", TargetError, "Data source name not found"),
        ("28000", "Login failed for user 'me'.", TargetError, "Login failed"),
    ],
)
def test_where_the_server_gave_no_number_the_state_decides(
    state: str, text: str, kind: type[DatakitError], words: str
) -> None:
    error = translate(raised(state, text), TARGET)
    assert type(error) is kind
    assert words in error.message
    assert error.hint or "Communication" in text


@pytest.mark.parametrize(
    ("driver", "state", "text", "said", "hint"),
    [
        (
            "FreeTDS",
            "01000",
            "Can't open lib 'FreeTDS' : file not found (0) (SQLDriverConnect)",
            "there is no ODBC driver 'FreeTDS' here",
            "on Debian the package tdsodbc",
        ),
        (
            "ODBC+Driver+18+for+SQL+Server",
            "01000",
            "Can't open lib 'ODBC Driver 18 for SQL Server' : file not found (0) (SQLDriverConnect)",
            "there is no ODBC driver 'ODBC Driver 18 for SQL Server' here",
            "on Debian the package msodbcsql18",
        ),
        (
            "Sybase",
            "IM002",
            "Data source name not found and no default driver specified (0) (SQLDriverConnect)",
            "there is no ODBC driver 'Sybase' here",
            "install it, or name one that `odbcinst -q -d` lists",
        ),
        (
            "FreeTDS",
            "01000",
            "Can't open lib '/usr/lib/libtdsodbc.so' : file not found (0) (SQLDriverConnect)",
            "the library of the ODBC driver 'FreeTDS' cannot be loaded",
            "`ldd /usr/lib/libtdsodbc.so` shows what it lacks",
        ),
    ],
)
def test_a_missing_odbc_driver_is_named_with_what_brings_it(
    driver: str, state: str, text: str, said: str, hint: str
) -> None:
    target = Target(f"mssql://me@h/d?driver={driver}", name="shop", password="se}cret")
    error = translate(raised(state, text, maker="[unixODBC][Driver Manager]"), target)
    assert type(error) is TargetError
    assert said in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("TCP Provider: Error code 0x2AF9 (11001)", "the host name db.example does not resolve", "DNS"),
        ("TCP Provider: Error code 0x274D (10061)", "nobody listens on db.example", "check host and port"),
        ("TCP Provider: No route to host (113)", "there is no way to db.example", "firewalls"),
        ("Unable to connect: Adaptive Server is unavailable (20009)", "Adaptive Server", "check host, port"),
    ],
)
def test_what_drivers_say_of_a_server_that_is_not_reached(text: str, words: str, hint: str) -> None:
    timed_out = "; [HYT00] [Microsoft][ODBC Driver 18 for SQL Server]Login timeout expired (0)"
    error = translate(raised("08001", text + ("" if "Adaptive" in text else timed_out)), TARGET)
    assert type(error) is UnavailableError
    assert words in error.message
    assert hint in (error.hint or "")


def test_no_message_holds_the_password_however_it_is_written() -> None:
    TARGET.secret_url()
    error = meant(208, "Driver={x};PWD={se}}cret}; se}cret se%7Dcret")
    assert "cret" not in error.message
    assert "***" in error.message


def test_a_statement_that_was_cancelled_by_who_stops_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = raised("HY008", "Operation canceled (0) (SQLExecDirectW)")
    assert type(translate(cancelled, TARGET)) is TerminalError
    monkeypatch.setattr(errors, "stop_was_requested", lambda: True)
    assert type(translate(cancelled, TARGET)) is StoppedError


def test_what_no_driver_raised_is_a_mistake_in_a_statement() -> None:
    assert type(translate(InvalidRequestError("no such column"), TARGET)) is TerminalError


def test_an_error_without_a_text_is_told_as_it_is() -> None:
    error = translate(DBAPIError("SELECT 1", None, Exception()), TARGET)
    assert type(error) is TerminalError
