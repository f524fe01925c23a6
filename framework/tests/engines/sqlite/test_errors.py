import sqlite3

import pytest
from sqlalchemy.exc import DatabaseError, InvalidRequestError
from sqlmodel_framework import DatakitError, Target
from sqlmodel_framework.engines.sqlite.errors import translate
from sqlmodel_framework.errors import ContractError, LockedError, TargetError, TerminalError, UnavailableError

TARGET = Target("sqlite:///shop.db", name="shop")


def meant(code: int, text: str = "some words") -> DatakitError:
    original = sqlite3.OperationalError(text)
    original.sqlite_errorcode = code
    return translate(DatabaseError("SELECT 1", {}, original), TARGET)


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        (sqlite3.SQLITE_BUSY, LockedError, 75),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, LockedError, 75),
        (sqlite3.SQLITE_LOCKED, LockedError, 75),
        (sqlite3.SQLITE_FULL, UnavailableError, 69),
        (sqlite3.SQLITE_IOERR, UnavailableError, 69),
        (sqlite3.SQLITE_CORRUPT, TargetError, 64),
        (sqlite3.SQLITE_NOTADB, TargetError, 64),
        (sqlite3.SQLITE_READONLY, TargetError, 64),
        (sqlite3.SQLITE_READONLY_DIRECTORY, TargetError, 64),
        (sqlite3.SQLITE_CANTOPEN, TargetError, 64),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, ContractError, 65),
        (sqlite3.SQLITE_ERROR, TerminalError, 64),
    ],
)
def test_a_code_says_whether_trying_again_helps(code: int, kind: type[DatakitError], exit_code: int) -> None:
    error = meant(code)
    assert type(error) is kind
    assert error.exit_code == exit_code
    assert error.message.startswith("target shop")
    assert "\n" not in error.message


def test_what_no_driver_raised_is_a_mistake_in_a_statement() -> None:
    assert type(translate(InvalidRequestError("no such thing"), TARGET)) is TerminalError
