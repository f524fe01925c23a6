"""What SQLite's errors mean for whoever has to decide about a retry: its result code decides."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from ...errors import (
    ContractError,
    DatakitError,
    LockedError,
    StoppedError,
    TargetError,
    TerminalError,
    UnavailableError,
)
from ...runs.stopping import stop_was_requested
from ...targets.target import Target

__all__ = ["translate"]

# Extended codes tell more; the lowest byte is the kind.
_KIND = 0xFF
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNUSABLE = {
    sqlite3.SQLITE_AUTH: "it may not be used",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is not an SQLite database",
    sqlite3.SQLITE_PERM: "its file may not be used",
    sqlite3.SQLITE_READONLY: "its file, or the folder of it, may only be read",
}
_HINTS = {
    sqlite3.SQLITE_CANTOPEN: "the folder must exist, and both may be read",
    sqlite3.SQLITE_CORRUPT: "restore it from a backup; `PRAGMA integrity_check` says what is damaged",
    sqlite3.SQLITE_NOTADB: "name another file",
    sqlite3.SQLITE_READONLY: "SQLite also writes a journal beside the file",
}
_BAD_DATA = frozenset(
    {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG}
)
_UNAVAILABLE = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL})


def translate(error: SQLAlchemyError, target: Target) -> DatakitError:
    """The `DatakitError` that a database error means; one line, without any secret."""
    original = getattr(error, "orig", None)
    if not isinstance(original, sqlite3.Error):
        return TerminalError(f"target {target.name}: {target.mask(str(error))}", target=target.name)
    # What Python's module finds wrong by itself has no code.
    code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _KIND
    text = target.mask(str(original))
    message = f"target {target.name}: {text}"
    if code in _LOCKED:
        return LockedError(
            f"target {target.name} is in use by another deployment or program",
            hint=f"it was waited for {target.lock_timeout:g} s; try later",
            target=target.name,
        )
    if code == sqlite3.SQLITE_FULL:
        return UnavailableError(
            f"target {target.name}: its disk is full",
            hint="make room and run again: what was finished is kept, the rest was rolled back",
            target=target.name,
        )
    if code in _UNUSABLE:
        return TargetError(
            f"target {target.name}: {_UNUSABLE[code]} ({text})", hint=_HINTS.get(code), target=target.name
        )
    if code == sqlite3.SQLITE_INTERRUPT and stop_was_requested():
        return StoppedError(f"target {target.name}: the statement was cancelled", target=target.name)
    if code in _BAD_DATA:
        return ContractError(message, target=target.name)
    if code in _UNAVAILABLE or code == sqlite3.SQLITE_INTERRUPT:
        return UnavailableError(message, target=target.name)
    return TerminalError(message, target=target.name)
