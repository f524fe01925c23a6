"""What MariaDB's errors mean for whoever has to decide about a retry: its error number decides."""

from __future__ import annotations

import pymysql
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
from ..reach import why_unreachable

__all__ = ["translate"]

# Wrong password, unknown database, refused host or right.
_REFUSALS = frozenset({1044, 1045, 1049, 1130, 1142, 1227, 1251, 1275, 1370, 1524, 1698, 3159, 4151})
_HINTS = {
    1044: "let the user have rights to the database, or check its name",
    1045: "check the user and the password",
    1049: "check the database's name, or create it",
    1130: "the server lets this host in for no user: make a 'user'@'host' for it",
    1142: "let the user have this right, or name another user",
    1227: "let the user have this right, or name another user",
    1698: "check the user and the password",
}
_LOCK_WAIT = 1205
_STATEMENT_TIMEOUT = 1969
# The client's own, and the server's that wants TLS.
_NO_CONNECTION = frozenset({2003, 2005, 2013, 2026, 3159, 4151})
_INTERRUPTED = frozenset({1317, 1028})
# Values that do not fit: null, range, length, characters, duplicates, foreign keys, checks.
_BAD_DATA = frozenset(
    {1048, 1062, 1063, 1216, 1217, 1264, 1265, 1292, 1300, 1364, 1365, 1366, 1367, 1406, 1411, 1451, 1452}
    | {1526, 1690, 4025, 4078, 4079}
)
_FULL_DISK = frozenset({1021, 1114, 1915})
# A server that starts, stops, is busy or lost; a deadlock, which the next try is unlikely to meet.
_UNAVAILABLE = frozenset({1020, 1040, 1053, 1077, 1159, 1161, 1180, 1203, 1213, 1226, 1290, 1836, 1927})


def translate(error: SQLAlchemyError, target: Target) -> DatakitError:
    """The `DatakitError` that a database error means; one line, without any secret."""
    original = getattr(error, "orig", None)
    if not isinstance(original, pymysql.Error):
        return TerminalError(f"target {target.name}: {target.mask(str(error))}", target=target.name)
    number = original.args[0] if original.args and isinstance(original.args[0], int) else 0
    text = target.mask(" ".join(str(part) for part in original.args[1:]) or str(original))
    message = f"target {target.name}: {text}"
    if number in _INTERRUPTED and stop_was_requested():
        return StoppedError(f"target {target.name}: the statement was cancelled", target=target.name)
    if number == _LOCK_WAIT:
        return LockedError(message, hint="somebody else holds it; try later", target=target.name)
    if number in _FULL_DISK:
        return UnavailableError(
            f"target {target.name}: its disk is full",
            hint="make room and run again: what was finished is kept, the rest was rolled back",
            target=target.name,
        )
    if number in _NO_CONNECTION and (unreached := why_unreachable(text, target)) is not None:
        return unreached
    if number == _STATEMENT_TIMEOUT:
        return UnavailableError(
            message, hint="see statement_timeout of the target, or of the server", target=target.name
        )
    if number in _REFUSALS:
        return TargetError(message, hint=_HINTS.get(number), target=target.name)
    if number in _BAD_DATA:
        return ContractError(message, target=target.name)
    # From 2000 on they are the client's own: no connection, or a lost one.
    if number == 0 or number in _UNAVAILABLE or (number >= 2000 and number < 3000):
        return UnavailableError(message, target=target.name)
    return TerminalError(message, target=target.name)
