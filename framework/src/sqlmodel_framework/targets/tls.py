"""TLS in one word for every database, in the words of each driver.

The driver's words go among a target's options, so that whatever connects to the target is told them, or
refuses what it does not know: nobody connects with less than was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy.engine import URL

from ..errors import TargetError

__all__ = ["TLS_MODES", "TlsMode", "tls_options"]

TlsMode = Literal["disable", "require", "verify-full"]
"""No TLS; TLS with whoever answers; TLS with the host that is named, vouched for by the CA file."""

TLS_MODES: tuple[TlsMode, ...] = get_args(TlsMode)

_Words = dict[TlsMode, dict[str, str]]

# What stands in {} is the CA file. PyMySQL reads any text as a yes, and "none" as a way to check.
_BY_DRIVER: dict[str, _Words] = {
    "psycopg2": {
        "disable": {"sslmode": "disable"},
        "require": {"sslmode": "require"},
        "verify-full": {"sslmode": "verify-full", "sslrootcert": "{}"},
    },
    "pymysql": {
        "disable": {"ssl_disabled": "true"},
        "require": {"ssl_verify_cert": "none"},
        "verify-full": {"ssl_ca": "{}", "ssl_verify_cert": "true", "ssl_verify_identity": "true"},
    },
    "pyodbc": {
        "disable": {"encrypt": "no"},
        "require": {"encrypt": "yes", "trust_server_certificate": "yes"},
        "verify-full": {"encrypt": "yes", "trust_server_certificate": "no", "ca_file": "{}"},
    },
}
_DEFAULT_DRIVER = {"mssql": "pyodbc"}


def tls_options(
    url: URL, name: str, mode: TlsMode | None, ca: Path | None, given: Mapping[str, str]
) -> dict[str, str]:
    """The options by which the driver in a URL does what `mode` says; none without a mode.

    Args:
        url: the target's URL.
        name: the target's name.
        mode: what is asked for; None leaves it to the driver.
        ca: the CA file, PEM; for verify-full.
        given: the target's other options.

    Raises:
        TargetError: there is no such mode or no way to have it with this driver, the CA file is missing or
            of no use, or the driver's own options speak of TLS as well.
    """
    if mode is None and ca is None:
        return {}
    if mode not in TLS_MODES:
        said = f"tls is {mode!r}" if mode else "tls_ca is given without tls"
        raise _error(name, said, f"tls is one of: {', '.join(TLS_MODES)}")
    if (mode == "verify-full") is (ca is None):
        raise _error(
            name,
            "tls = 'verify-full' needs tls_ca" if ca is None else f"tls = {mode!r} has no use for tls_ca",
            "tls_ca names the file of the authorities to trust, PEM, and goes with tls = 'verify-full'",
        )
    dialect = url.get_backend_name()
    _, _, driver = url.drivername.partition("+")
    words = _BY_DRIVER.get(driver or _DEFAULT_DRIVER.get(dialect, ""))
    if words is None:
        raise _error(
            name,
            f"tls = {mode!r} cannot be had by {url.drivername}",
            "drop tls, and give the driver's own options" if url.host else "drop tls",
        )
    letters = {_letters(word) for of_mode in words.values() for word in of_mode} | {"ssl"}
    if twice := [word for word in (*url.query, *given) if _letters(word) in letters]:
        raise _error(name, f"both tls and the driver's option {twice[0]!r} are given", "keep one of them")
    return {word: value.format(ca) for word, value in words[mode].items()}


def _letters(word: str) -> str:
    return word.replace("_", "").lower()


def _error(name: str, what: str, hint: str) -> TargetError:
    return TargetError(f"target {name}: {what}", hint=hint, target=name)
