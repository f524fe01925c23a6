"""What drivers print, and what it means."""

from __future__ import annotations

import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one
import pytest
from sqlmodel_framework.errors import (
    DatakitError,
    LockedError,
    TargetError,
    TerminalError,
    UnavailableError,
)
from sqlmodel_framework.runs import stopping
from sqlmodel_framework.targets.target import Target
from sqlserver_runner.errors import records, translate

FREETDS = "[FreeTDS][SQL Server]"
MICROSOFT = "[Microsoft][ODBC Driver 18 for SQL Server]"
SERVER = MICROSOFT + "[SQL Server]"
CONNECTING = " (SQLDriverConnect)"
ASKING = " (SQLExecDirectW)"

# state, what pyodbc says, the error, its exit code, words of its message.
MESSAGES = [
    (
        "28000",
        f"[28000] {FREETDS}Login failed for user 'reader'. (18456){CONNECTING}",
        TargetError,
        "Login failed for user 'reader'.",
    ),
    (
        "28000",
        f"[28000] {SERVER}Login failed for user 'reader'. (18456){CONNECTING}; "
        f"[28000] {SERVER}Login failed for user 'reader'. (18456)",
        TargetError,
        "erp: Login failed for user 'reader'.",
    ),
    (
        "28000",
        f"[28000] {SERVER}Login failed for user 'reader'. (18456){CONNECTING}; "
        f'[28000] {SERVER}Cannot open database "nope" requested by the login. The login failed. (4060)',
        TargetError,
        'erp: Cannot open database "nope"',
    ),
    (
        "HY000",
        f'[HY000] {FREETDS}Cannot open database "nope" requested by the login. The login failed. (4060)'
        f"{CONNECTING}",
        TargetError,
        'Cannot open database "nope"',
    ),
    (
        "HYT00",
        f"[HYT00] {MICROSOFT}Login timeout expired (0){CONNECTING}",
        UnavailableError,
        "cannot be reached: Login timeout expired",
    ),
    (
        "08001",
        f"[08001] {MICROSOFT}TCP Provider: Error code 0x274C (10060){CONNECTING}; "
        f"[08001] {MICROSOFT}A network-related or instance-specific error has occurred while establishing "
        "a connection to SQL Server. Server is not found or not accessible. (10060)",
        UnavailableError,
        "Server is not found or not accessible",
    ),
    (
        "08001",
        f"[08001] {MICROSOFT}SSL Provider: [error:0A000086:SSL routines::certificate verify failed:"
        f"self-signed certificate] (-1){CONNECTING}; "
        f"[08001] {MICROSOFT}Client unable to establish connection. (-1)",
        TargetError,
        "no safe connection: SSL Provider: [error:0A000086:SSL routines::certificate verify failed",
    ),
    (
        "08S01",
        f"[08S01] {FREETDS}Unable to connect: Adaptive Server is unavailable or does not exist (20009)"
        f"{CONNECTING}",
        UnavailableError,
        "cannot be reached",
    ),
    (
        "01000",
        "[01000] [unixODBC][Driver Manager]Can't open lib 'ODBC Driver 18 for SQL Server' : file not found"
        f" (0){CONNECTING}",
        TargetError,
        "its ODBC driver cannot be loaded: Can't open lib 'ODBC Driver 18 for SQL Server' : file not found",
    ),
    (
        "IM002",
        "[IM002] [unixODBC][Driver Manager]Data source name not found and no default driver specified (0)"
        f"{CONNECTING}",
        TargetError,
        "its ODBC driver cannot be loaded",
    ),
    (
        "42S02",
        f"[42S02] {FREETDS}Invalid object name 'dbo.gone'. (208){ASKING}",
        TerminalError,
        "no such table: Invalid object name 'dbo.gone'.",
    ),
    (
        "42S22",
        f"[42S22] {SERVER}Invalid column name 'one'. (207){ASKING}; "
        f"[42S22] {SERVER}Invalid column name 'two'. (207); "
        f"[42S22] {SERVER}Statement(s) could not be prepared. (8180)",
        TerminalError,
        "no such column: Invalid column name 'one'. Invalid column name 'two'.",
    ),
    (
        "42000",
        f"[42000] {SERVER}The SELECT permission was denied on the object 'goods', database 'sales', "
        f"schema 'dbo'. (229){ASKING}",
        TargetError,
        "The SELECT permission was denied on the object 'goods'",
    ),
    (
        "40001",
        f"[40001] {SERVER}Transaction (Process ID 61) was deadlocked on lock resources with another process "
        "and has been chosen as the deadlock victim. Rerun the transaction. (1205) (SQLFetch)",
        UnavailableError,
        "deadlock",
    ),
    (
        "HY000",
        f"[HY000] {FREETDS}Lock request time out period exceeded. (1222){ASKING}",
        LockedError,
        "somebody else holds a lock",
    ),
    (
        "42000",
        f"[42000] {SERVER}Database 'sales' on server 'x' is not currently available. (40613){CONNECTING}",
        UnavailableError,
        "not currently available",
    ),
    (
        "42000",
        f"[42000] {SERVER}Snapshot isolation transaction failed accessing database 'other' because snapshot "
        f"isolation is not allowed in this database. (3952){ASKING}",
        TerminalError,
        "Snapshot isolation transaction failed",
    ),
    (
        "08S01",
        f"[08S01] {MICROSOFT}Communication link failure (0) (SQLFetch)",
        UnavailableError,
        "connection was lost",
    ),
    (
        "HY000",
        f"[HY000] {FREETDS}Unexpected EOF from the server (20017) (SQLFetch)",
        UnavailableError,
        "connection was lost: Unexpected EOF",
    ),
    (
        "22007",
        f"[22007] {SERVER}Conversion failed when converting date and/or time from character string. (241)"
        f"{ASKING}",
        TerminalError,
        "Conversion failed",
    ),
    ("HY106", "ODBC SQL type -150 is not yet supported.  column-index=0  type=-150", TerminalError, "-150"),
]


@pytest.mark.parametrize(("state", "said", "kind", "words"), MESSAGES, ids=[m[1][:60] for m in MESSAGES])
def test_what_drivers_say(state: str, said: str, kind: type[DatakitError], words: str) -> None:
    error = translate(
        pyodbc.Error(state, said), Target("mssql://r@h/d", name="erp"), connecting=CONNECTING in said
    )
    assert type(error) is kind
    assert words in error.message
    assert error.message.startswith("SQL Server erp: ")
    assert "[FreeTDS]" not in error.message
    assert "[Microsoft]" not in error.message
    assert "(SQL" not in error.message
    assert error.target == "erp"


def test_the_hint_says_how_to_add_a_driver() -> None:
    error = translate(
        pyodbc.Error("IM002", "[IM002] [unixODBC][Driver Manager]Data source name not found (0)"),
        Target("mssql://r@h/d"),
        connecting=True,
    )
    assert "Microsoft's driver is added in an image of your own" in (error.hint or "")


@pytest.mark.parametrize("password", ["hush-hush", "hu}sh;h'ush"])
def test_a_driver_that_repeats_the_password_is_not_repeated(password: str) -> None:
    target = Target("mssql://r@h/d", password=password)
    doubled = password.replace("}", "}}")
    said = f"[HY000] [x]bad string: PWD={{{doubled}}}; and\n{password} (0) (SQLDriverConnect)"
    error = translate(pyodbc.Error("HY000", said), target, connecting=True)
    assert "***" in error.message
    assert password not in error.message
    assert doubled not in error.message
    assert "\n" not in error.message


def test_a_query_that_a_signal_cancelled_is_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = pyodbc.Error("HY008", f"[HY008] {MICROSOFT}Operation canceled (0) (SQLFetch)")
    target = Target("mssql://r@h/d")
    assert translate(cancelled, target).exit_code == 64
    monkeypatch.setattr(stopping._requested, "is_set", lambda: True)
    assert translate(cancelled, target).exit_code == 143


def test_brackets_and_numbers_within_a_message_stay() -> None:
    (record,) = records(pyodbc.Error("42000", f"[42000] {SERVER}Near [a] (1) is wrong. (102){ASKING}"))
    assert (record.state, record.number, record.text) == ("42000", 102, "Near [a] (1) is wrong.")
