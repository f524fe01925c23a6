"""What SQL Server's errors mean for whoever has to decide about a retry.

The server's own number decides, where there is one: drivers give the same number different SQLSTATEs.
pyodbc puts all that a driver reported into one text, `[state] [maker][driver]message (number) (function)`,
several of them with a semicolon between. What is the caller's mistake (exit code 64) is not tried again,
because a scheduler that retries a wrong password locks the account.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one
from sqlmodel_framework.errors import (
    DatakitError,
    LockedError,
    StoppedError,
    TargetError,
    TerminalError,
    UnavailableError,
)
from sqlmodel_framework.runs.stopping import stop_was_requested
from sqlmodel_framework.targets.target import Target

from .diagnosis import CERTIFICATE_HINT, why_refused
from .settings import SourceSettings

__all__ = ["Record", "records", "translate"]

_RECORD = re.compile(
    r"\[(?P<state>[0-9A-Z]{5})\] (?P<text>.*?)(?: \((?P<number>-?\d+)\))?(?: \(SQL\w+\))?"
    r"(?=; \[[0-9A-Z]{5}\] |$)",
    re.DOTALL,
)
_MAKERS = re.compile(r"^(?:\[[^\[\]]*\])+")

_LOGIN_FAILED = frozenset({18456, 18452, 18450, 18470, 18486, 18487, 18488})
_NO_DATABASE = frozenset({4060, 911, 916, 40532})
_NOT_ALLOWED = frozenset({229, 230, 262, 300, 297, 40615})
_UNKNOWN = {208: "the source has no such table", 207: "the source's table has no such column"}
_LOCKED = frozenset({1222})
# Deadlocks, snapshots that changed under the query, memory, disks, servers that start, stop or move away.
_LATER = frozenset(
    {601, 701, 802, 1105, 1204, 1205, 3960, 3961, 3966, 8645, 8651, 9002, 10928, 10929, 10936, 17142, 17197}
    | {983, 976, 978, 18401, 18451, 40143, 40197, 40501, 40540, 40613, 42108, 42109, 49918, 49919, 49920}
)
_SNAPSHOT = frozenset({3951, 3952, 3953})
# FreeTDS's own: nobody answers; the connection came to nothing before the server said a word; it was lost.
_NOBODY = 20009
_CAME_TO_NOTHING = frozenset({0, 20002})
_LOST = frozenset({20003, 20004, 20006, 20017, 20047})
_CERTIFICATE = re.compile(
    r"certificate|SSL Provider|SSL routines|encryption (?:is )?not supported", re.IGNORECASE
)
_NO_DRIVER = re.compile(r"Can't open lib|Data source name not found|specified driver could not be loaded")

DRIVER_HINT = "FreeTDS is in the image; Microsoft's driver is added in an image of your own: see the README"


@dataclass(frozen=True)
class Record:
    """One thing that the driver reported.

    Attributes:
        state: the SQLSTATE.
        number: the server's number, or the driver's own; 0 for none.
        text: what it says, without the names of driver and server.
    """

    state: str
    number: int
    text: str


def records(error: pyodbc.Error) -> list[Record]:
    """All that the driver reported, in its order."""
    state, text = (str(error.args[0]), str(error.args[-1])) if error.args else ("HY000", str(error))
    found = [
        Record(
            match["state"],
            int(match["number"] or 0),
            _MAKERS.sub("", " ".join(match["text"].split())).strip(),
        )
        for match in _RECORD.finditer(text)
    ]
    return found or [Record(state, 0, " ".join(text.split()))]


def translate(
    error: pyodbc.Error,
    target: Target,
    *,
    settings: SourceSettings | None = None,
    connecting: bool = False,
) -> DatakitError:
    """The `DatakitError` that an error of the driver means; one line, without any secret.

    Args:
        error: what pyodbc raised.
        target: the server.
        settings: how it was reached; lets a connection that came to nothing be looked into.
        connecting: whether no connection had been made yet.
    """
    found = records(error)
    numbers = {record.number for record in found}
    states = {record.state for record in found}

    def told(by: frozenset[int] | set[int]) -> str:
        texts = dict.fromkeys(record.text for record in found if not by or record.number in by)
        return " ".join(texts) or found[0].text

    def made(kind: type[DatakitError], text: str, hint: str | None = None) -> DatakitError:
        message = _masked(f"SQL Server {target.name}: {text}", target)
        return kind(message, hint=hint, target=target.name)

    if numbers & _NO_DATABASE:
        return made(TargetError, told(_NO_DATABASE), "check the database's name, and the user's right to it")
    if numbers & _LATER:
        return made(UnavailableError, told(_LATER))
    if numbers & _LOGIN_FAILED or (connecting and "28000" in states):
        return made(TargetError, told(_LOGIN_FAILED & numbers), "check the user and the password")
    if numbers & _NOT_ALLOWED:
        return made(TargetError, told(_NOT_ALLOWED), "the user needs the right to SELECT from each table")
    for number, meaning in _UNKNOWN.items():
        if number in numbers:
            return made(TerminalError, f"{meaning}: {told({number})}", _names_hint(number))
    if numbers & _LOCKED:
        return made(
            LockedError,
            "somebody else holds a lock on the rows",
            f"it was waited for {target.lock_timeout:g} s; try later, or let the database allow snapshots",
        )
    if numbers & _SNAPSHOT:
        return made(TerminalError, told(_SNAPSHOT), "give the source the option isolation=read_committed")
    everything = told(frozenset())
    if states & {"IM002", "IM003", "IM004"} or _NO_DRIVER.search(everything):
        return made(TargetError, f"its ODBC driver cannot be loaded: {everything}", DRIVER_HINT)
    if "HY008" in states and stop_was_requested():
        return made(StoppedError, "the query was cancelled")
    if connecting and _CERTIFICATE.search(everything):
        return made(TargetError, f"no safe connection: {everything}", CERTIFICATE_HINT)
    if connecting and settings is not None and numbers <= _CAME_TO_NOTHING:
        refused = why_refused(settings)
        if refused is not None:
            return made(TargetError, f"no safe connection: {refused[0]}", refused[1])
    if connecting and settings is not None and _NOBODY in numbers:
        return made(UnavailableError, f"nobody answers at {settings.place}")
    if connecting:
        return made(UnavailableError, f"it cannot be reached: {everything}")
    if numbers & _LOST or any(state[:2] == "08" or state in ("HYT00", "HYT01") for state in states):
        return made(UnavailableError, f"the connection was lost: {everything}")
    return made(TerminalError, everything)


def _names_hint(number: int) -> str:
    if number == 208:
        return (
            "the parameter 'tables' says which table each bronze table is filled from; the user has to see it"
        )
    return "a bronze table's columns have the names of the source's columns"


def _masked(text: str, target: Target) -> str:
    # In a connection string for Microsoft's driver, braces stand doubled.
    try:
        password = str(target.secret_url().password or "")
    except DatakitError:
        password = ""
    if "}" in password:
        text = text.replace(password.replace("}", "}}"), "***")
    return target.mask(text)
