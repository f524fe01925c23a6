"""What PostgreSQL's errors mean for whoever has to decide about a retry.

The server's SQLSTATE decides. While a connection is being made psycopg2 knows none, so the few
refusals that no retry can mend are told by their text: a wrong password, an unknown user or database
and a refused host are mistakes of the caller (exit code 64), because a scheduler that retries them
locks accounts and hides the cause. Anything else is a service that is not there now (69).
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg2
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

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
from ..reach import why_unreachable

_REFUSALS = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry|"
    r"(?:role|database) \"[^\"]*\" does not exist|authentication failed|is not permitted to log in|"
    r"invalid connection option|invalid dsn|certificate|permission denied for database"
)
_CLOSED = re.compile(r"server closed the connection|connection already closed|SSL connection has been closed")
_BUSY = re.compile(r"too many (?:clients|connections)|remaining connection slots|is (?:starting|shutting)")
_BUSY_HINT = "try later: the server is starting, stopping, or has no connection left"
_NO_SPACE = "No space left on device"


def in_use(target: Target) -> LockedError:
    """Somebody else holds the lock, and held it for as long as was waited."""
    return LockedError(
        f"target {target.name} is in use by another deployment or run",
        hint=f"it was waited for {target.lock_timeout:g} s; try later",
        target=target.name,
    )


def translate(error: SQLAlchemyError, target: Target) -> DatakitError:
    """The `DatakitError` that a database error means; one line, without any secret."""
    original = getattr(error, "orig", None)
    if not isinstance(original, psycopg2.Error):
        return TerminalError(f"target {target.name}: {target.mask(str(error))}", target=target.name)
    state = original.pgcode
    if state is None:
        return _without_state(
            original, target, lost=isinstance(error, DBAPIError) and error.statement is not None
        )
    diag = original.diag
    text = diag.message_primary or str(original)
    detail = f" ({diag.message_detail})" if diag.message_detail and state.startswith("42") else ""
    table = f"{diag.schema_name}.{diag.table_name}" if diag.table_name else None
    message = target.mask(f"target {target.name}: {text}{detail}")
    if state == "55P03":
        return in_use(target)
    if state == "57014" and stop_was_requested():
        return StoppedError(f"target {target.name}: the statement was cancelled", target=target.name)
    if state == "57014" and "statement timeout" in text:
        return UnavailableError(
            message, hint="see statement_timeout of the target, or of the server", target=target.name
        )
    if state in ("53100", "58030"):
        return _full_disk(target) if _NO_SPACE in text or state == "53100" else UnavailableError(message)
    if state[:2] in ("22", "23"):
        return ContractError(message, table=table, column=diag.column_name, target=target.name)
    if state[:2] in ("08", "40", "53", "57", "58", "XX"):
        return UnavailableError(message, target=target.name)
    if state[:2] == "28" or state in ("3D000", "42501"):
        return TargetError(message, target=target.name)
    return TerminalError(message, table=table, target=target.name)


def _without_state(original: psycopg2.Error, target: Target, *, lost: bool) -> DatakitError:
    text = target.mask(" ".join(str(original).split()))
    if _CLOSED.search(text) or lost:
        if target.server_log is not None and _NO_SPACE in _tail(target.server_log):
            return _full_disk(target)
        return UnavailableError(f"target {target.name}: the connection was lost: {text}", target=target.name)
    if (unreached := why_unreachable(text, target)) is not None:
        return unreached
    if _REFUSALS.search(text):
        reason = text.rpartition("FATAL: ")[2].strip() or text
        return TargetError(f"target {target.name}: {reason}", hint=_hint(reason), target=target.name)
    return UnavailableError(
        f"target {target.name} cannot be reached: {text}",
        hint=_BUSY_HINT if _BUSY.search(text) else "check host and port, and that the server runs",
        target=target.name,
    )


def _hint(reason: str) -> str | None:
    if "password" in reason:
        return "check the user and the password"
    if reason.startswith("database "):
        return "check the database's name, or create it"
    if reason.startswith("role "):
        return "check the user's name"
    if reason.startswith("permission denied"):
        return "let the user connect to it: GRANT CONNECT ON DATABASE"
    if "pg_hba.conf" in reason:
        return "the server's pg_hba.conf must let this user in from here"
    return None


def _full_disk(target: Target) -> UnavailableError:
    return UnavailableError(
        f"target {target.name}: its disk is full",
        hint="make room and run again: what was finished is kept, the rest was rolled back",
        target=target.name,
    )


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
