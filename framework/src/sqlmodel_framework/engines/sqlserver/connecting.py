"""How a server is reached: what a target's URL and options say, as an ODBC connection string.

    mssql://deployer@db.example:1433/sales
    mssql://deployer@db.example/sales?driver=FreeTDS&trust_server_certificate=yes

Options stand in the URL or among the target's `options`, which win. Their names are read without regard to
case and underscores, and are those of `sqlserver_runner`, which reads from the same servers.
"""

from __future__ import annotations

import difflib
import math
from typing import Any

from ...errors import TargetError
from ...targets.building import MICROSOFT_DRIVER
from ...targets.target import Target

__all__ = ["connection_string", "driver_of", "login_timeout", "open_connection", "session_of"]

_PORT = 1433
# What a reader may be told besides; it makes no difference to a deployment.
_OF_READERS = ("isolation",)
_OPTIONS = (
    "application_intent",
    "ca_file",
    "driver",
    "encrypt",
    "instance",
    "login_timeout",
    "trust_server_certificate",
    *_OF_READERS,
)
_BY_LETTERS = {name.replace("_", ""): name for name in _OPTIONS}
_ENCRYPT = {
    "yes": "yes",
    "true": "yes",
    "mandatory": "yes",
    "require": "yes",
    "strict": "strict",
    "no": "no",
    "false": "no",
    "optional": "no",
}
# The same text must mean the same for every login, and what fails undoes the whole transaction.
_SESSION = (
    "SET LANGUAGE us_english; SET DATEFORMAT ymd; SET TEXTSIZE 2147483647; "
    "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, QUOTED_IDENTIFIER, CONCAT_NULL_YIELDS_NULL ON; "
    "SET NUMERIC_ROUNDABORT OFF; SET NOCOUNT ON; SET XACT_ABORT ON; SET LOCK_TIMEOUT {lock_timeout}"
)


def open_connection(driver: Any, target: Target) -> Any:
    """A connection whose session means the same for every login; autocommit is off.

    Args:
        driver: the module `pyodbc`.
        target: the target.

    Raises:
        TargetError: no password is given, or the settings are wrong.
    """
    password = target.secret_url().password
    if password is None:
        raise _error(
            target,
            "no password is given",
            "name the variable or the file that holds it: password_env, password_file",
        )
    words = connection_string(target, str(password))
    connection = driver.connect(words, timeout=login_timeout(target), autocommit=True)
    try:
        connection.execute(session_of(target))
        if target.statement_timeout is not None:
            connection.timeout = math.ceil(target.statement_timeout)
        connection.autocommit = False
    except driver.Error:
        connection.close()
        raise
    return connection


def session_of(target: Target) -> str:
    """What a new session is told."""
    # To SQL Server 0 ms means not to wait at all.
    return _SESSION.format(lock_timeout=max(1, math.floor(target.lock_timeout * 1000)))


def login_timeout(target: Target) -> int:
    """Seconds to wait for a connection.

    Raises:
        TargetError: it is no number of seconds.
    """
    given = _options(target).get("login_timeout", str(target.connect_timeout))
    if not (given.isascii() and given.isdigit() and 0 < int(given) <= 86_400):
        raise _error(target, f"the option login_timeout is {given!r}: it is whole seconds from 1 to 86400")
    return int(given)


def driver_of(target: Target) -> str:
    """The name of the ODBC driver that a target asks for."""
    return _options(target).get("driver", MICROSOFT_DRIVER).replace("+", " ")


def connection_string(target: Target, password: str) -> str:
    """The ODBC connection string: a secret.

    Raises:
        TargetError: something is missing, unknown or wrong; the message names it.
    """
    url, options = target.url, _options(target)
    for part, value in (("host", url.host), ("database", url.database), ("user", url.username)):
        if not value:
            raise _error(target, f"its URL names no {part}", "write mssql://user@host:port/database")
    instance, driver = options.get("instance"), driver_of(target)
    if instance and url.port:
        raise _error(target, "both a port and an instance are given", "keep one of them")
    place = f"{url.host}\\{instance}" if instance else f"{url.host},{url.port or _PORT}"
    encrypt, trusting = _encrypt(target, options), _yes(target, options, "trust_server_certificate")
    parts = {
        "Driver": driver,
        "Database": str(url.database),
        "UID": str(url.username),
        "PWD": password,
        "APP": "datakit",
    }
    if "freetds" in driver.lower() or "tdsodbc" in driver.lower():
        if encrypt == "strict":
            raise _error(
                target, "FreeTDS cannot encrypt strictly", "write encrypt=yes, or name Microsoft's driver"
            )
        if encrypt == "yes" and not trusting:
            raise _error(
                target,
                "FreeTDS checks a certificate only by its own configuration, which is not used here",
                "name Microsoft's driver, or say trust_server_certificate=yes",
            )
        if instance:
            raise _error(target, "FreeTDS is not told an instance here", "name the instance's port instead")
        if "};" in password:
            raise _error(target, "the password holds '};', which FreeTDS cannot send")
        parts |= {"Server": str(url.host), "Port": str(url.port or _PORT), "TDS_Version": "7.4"}
        parts |= {"ClientCharset": "UTF-8", "Encryption": "off" if encrypt == "no" else "require"}
        return "".join(f"{name}={{{value}}};" for name, value in parts.items())
    parts |= {
        "Server": f"tcp:{place}",
        "Encrypt": encrypt,
        "TrustServerCertificate": "yes" if trusting else "no",
        "ApplicationIntent": options.get("application_intent", "ReadWrite"),
    }
    return "".join(f"{name}={{{value.replace('}', '}}')}}};" for name, value in parts.items())


def _encrypt(target: Target, options: dict[str, str]) -> str:
    given = options.get("encrypt", "yes").lower()
    if given not in _ENCRYPT:
        raise _error(target, f"the option encrypt is {given!r}", "it is one of: yes, strict, no")
    if "ca_file" in options:
        raise _error(
            target,
            "the driver takes no ca_file",
            "name the file in the environment variable SSL_CERT_FILE, and say encrypt=yes instead of tls",
        )
    return _ENCRYPT[given]


def _yes(target: Target, options: dict[str, str], name: str) -> bool:
    given = options.get(name, "no").lower()
    if given not in ("yes", "no", "true", "false"):
        raise _error(target, f"the option {name} is {given!r}", "it is yes or no")
    return given in ("yes", "true")


def _options(target: Target) -> dict[str, str]:
    found = {}
    for key, value in (*target.url.query.items(), *target.options.items()):
        name = _BY_LETTERS.get(key.replace("_", "").lower())
        if name is None:
            near = difflib.get_close_matches(key.lower(), _OPTIONS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(_OPTIONS)}"
            raise _error(target, f"there is no option {key!r}", hint)
        found[name] = str(value)
    return found


def _error(target: Target, what: str, hint: str | None = None) -> TargetError:
    return TargetError(f"target {target.name}: {what}", hint=hint, target=target.name)
