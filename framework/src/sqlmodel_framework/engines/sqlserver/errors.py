"""What SQL Server's errors mean for whoever has to decide about a retry.

The server's own number decides, where there is one: drivers give the same number different SQLSTATEs.
pyodbc puts all that a driver reported into one text, `[state] [maker][driver]message (number) (function)`,
several of them with a semicolon between.
"""

from __future__ import annotations

import re

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
from .connecting import driver_of

__all__ = ["DRIVER_HINT", "in_use", "translate"]

DRIVER_HINT = "install sqlmodel-framework[sqlserver], unixODBC, and an ODBC driver named by the option driver"

_RECORD = re.compile(
    r"\[(?P<state>[0-9A-Z]{5})\] (?P<text>.*?)(?: \((?P<number>-?\d+)\))?(?: \(SQL\w+\))?"
    r"(?=; \[[0-9A-Z]{5}\] |$)",
    re.DOTALL,
)
_MAKERS = re.compile(r"^(?:\[[^\[\]]*\])+")

_LOGIN_FAILED = frozenset({18450, 18452, 18456, 18470, 18486, 18487, 18488})
_NO_DATABASE = frozenset({911, 916, 4060, 40532})
_NOT_ALLOWED = frozenset({229, 230, 262, 297, 300, 2760, 15247, 40615})
_LOCKED = frozenset({1222})
# Null, duplicates, foreign keys and checks, length, range, conversion.
_BAD_DATA = frozenset({220, 241, 242, 245, 515, 547, 2601, 2627, 2628, 8114, 8115, 8152})
_FULL = frozenset({1101, 1105, 9002})
# Deadlocks, rows that a newer transaction changed, memory, servers that start, stop or move away.
_LATER = frozenset(
    {601, 701, 802, 1204, 1205, 3960, 3961, 3966, 8645, 8651, 10928, 10929, 10936, 13535, 17142, 17197}
    | {983, 976, 978, 18401, 18451, 40143, 40197, 40501, 40540, 40613, 42108, 42109, 49918, 49919, 49920}
)
# FreeTDS's own: nobody answers, or the connection was lost.
_LOST = frozenset({20003, 20004, 20006, 20009, 20017, 20047})
_NO_CONNECTION = frozenset({20009})
_REACH_HINT = "check host, port and firewalls, that the server runs, and what it asks for in TLS"
_CERTIFICATE = re.compile(r"certificate|SSL Provider|SSL routines|encryption (?:is )?not supported", re.I)
_NO_DRIVER = re.compile(r"Can't open lib|Data source name not found|specified driver could not be loaded")
_MICROSOFT_PACKAGES = {f"ODBC Driver {number} for SQL Server": f"msodbcsql{number}" for number in (17, 18)}
_LIBRARY = re.compile(r"Can't open lib '(?P<path>[^']*/[^']*)'")


def translate(error: SQLAlchemyError, target: Target) -> DatakitError:
    """The `DatakitError` that a database error means; one line, without any secret."""
    if not isinstance(error, DBAPIError):
        return TerminalError(f"target {target.name}: {_masked(str(error), target)}", target=target.name)
    found = _records(error.orig)
    numbers = {number for _, number, _ in found}
    states = {state for state, _, _ in found}
    everything = _masked(" ".join(dict.fromkeys(text for _, _, text in found)), target)

    def made(
        kind: type[DatakitError], numbers: frozenset[int] = frozenset(), hint: str | None = None
    ) -> DatakitError:
        texts = " ".join(dict.fromkeys(text for _, number, text in found if number in numbers))
        text = _masked(texts, target) if texts else everything
        return kind(f"target {target.name}: {text}", hint=hint, target=target.name)

    if "HY008" in states and stop_was_requested():
        return StoppedError(f"target {target.name}: the statement was cancelled", target=target.name)
    if numbers & _NO_DATABASE:
        return made(TargetError, _NO_DATABASE, "check the database's name, and the user's right to it")
    if numbers & _LATER:
        return made(UnavailableError, _LATER)
    if numbers & _FULL:
        return made(UnavailableError, _FULL, "make room and run again: what was under way was rolled back")
    if numbers & _LOGIN_FAILED or "28000" in states:
        return made(TargetError, _LOGIN_FAILED, "check the user and the password")
    if numbers & _NOT_ALLOWED:
        return made(TargetError, _NOT_ALLOWED, "let the user have this right, or name another user")
    if numbers & _LOCKED:
        return made(LockedError, _LOCKED, "somebody else holds it; try later")
    if numbers & _BAD_DATA:
        return made(ContractError, _BAD_DATA)
    if states & {"IM002", "IM003", "IM004"} or _NO_DRIVER.search(everything):
        return _no_driver(everything, target)
    if states & {"08001", "08S01", "HYT00", "01000"} and _CERTIFICATE.search(everything):
        return made(
            TargetError,
            hint="name the host that the certificate is for, trust who signed it, or say "
            "trust_server_certificate=yes",
        )
    if (unreached := why_unreachable(everything, target)) is not None and "Query" not in everything:
        return unreached
    if "HYT00" in states and "Query" in everything:
        return made(UnavailableError, hint="see statement_timeout of the target")
    if numbers & _LOST or any(state[:2] == "08" or state in ("HYT00", "HYT01") for state in states):
        made_none = "08001" in states or bool(numbers & _NO_CONNECTION)
        return made(UnavailableError, hint=_REACH_HINT if made_none else None)
    return made(TerminalError)


def in_use(target: Target) -> LockedError:
    """Somebody else deploys or runs."""
    return LockedError(
        f"target {target.name} is in use by another deployment or run",
        hint=f"it was waited for {target.lock_timeout:g} s; try later",
        target=target.name,
    )


def _no_driver(text: str, target: Target) -> TargetError:
    """An ODBC driver that is not there, or that cannot be loaded; unixODBC's words tell neither."""
    driver = driver_of(target)
    library = _LIBRARY.search(text)
    if library is not None:
        return TargetError(
            f"target {target.name}: the library of the ODBC driver {driver!r} cannot be loaded: {text}",
            hint=f"`ldd {library['path']}` shows what it lacks; odbcinst.ini names it",
            target=target.name,
        )
    package = "tdsodbc" if "freetds" in driver.lower() else _MICROSOFT_PACKAGES.get(driver)
    install = f"install it (on Debian the package {package})" if package else "install it"
    return TargetError(
        f"target {target.name}: there is no ODBC driver {driver!r} here: {text}",
        hint=f"{install}, or name one that `odbcinst -q -d` lists by the option driver",
        target=target.name,
    )


def _records(original: BaseException | None) -> list[tuple[str, int, str]]:
    """State, number and text of all that the driver reported, in its order."""
    arguments = getattr(original, "args", ())
    state, text = (str(arguments[0]), str(arguments[-1])) if arguments else ("HY000", str(original))
    found = [
        (match["state"], int(match["number"] or 0), _MAKERS.sub("", " ".join(match["text"].split())).strip())
        for match in _RECORD.finditer(text)
    ]
    return found or [(state, 0, " ".join(text.split()))]


def _masked(text: str, target: Target) -> str:
    # In a connection string braces stand doubled.
    try:
        password = str(target.secret_url().password or "")
    except DatakitError:
        password = ""
    if "}" in password:
        text = text.replace(password.replace("}", "}}"), "***")
    return target.mask(text)
