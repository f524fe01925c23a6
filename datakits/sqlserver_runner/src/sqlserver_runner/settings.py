"""How a server is reached: what a target's URL and options say, checked before anything is sent.

    mssql://reader@db.example:1433/sales
    mssql+pyodbc://reader@db.example/sales?instance=NORTH&application_intent=ReadOnly

Options stand in the URL or among the target's `options`, which win. Their names are read without regard
to case and underscores, so `TrustServerCertificate` of other tools is `trust_server_certificate`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, cast

from sqlmodel_framework.errors import TargetError
from sqlmodel_framework.targets.target import Target

__all__ = ["FREETDS", "SourceSettings", "read_settings"]

FREETDS = "FreeTDS"

Encrypt = Literal["yes", "strict", "no"]
Intent = Literal["ReadWrite", "ReadOnly"]
Isolation = Literal["auto", "snapshot", "read_committed"]

_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_INSTANCE = re.compile(r"[A-Za-z0-9_$-]+")
_DRIVER = re.compile(r"[A-Za-z0-9 ._/+-]+")
_DEFAULT_PORT = 1433


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """How a server is reached; the password is no part of it.

    Attributes:
        name: what errors call the server.
        host: its name or address.
        port: its TCP port; None for an instance, whose port the server's browser service tells.
        database: the database.
        user: a login of the server.
        driver: the ODBC driver, by its name in odbcinst.ini.
        encrypt: "yes" sends nothing, the password included, without TLS; "strict" is TDS 8, which only
            Microsoft's driver speaks; "no" sends everything in the clear.
        trust_server_certificate: whether the certificate goes unchecked.
        ca_file: the authorities to trust, PEM; None for those of the system.
        login_timeout: seconds to wait for a connection.
        lock_timeout: seconds to wait for a lock that somebody else holds.
        instance: a named instance.
        application_intent: "ReadOnly" lets an availability group answer from a secondary replica.
        isolation: "auto" reads a snapshot where the database allows it, else committed rows.
    """

    name: str
    host: str
    port: int | None
    database: str
    user: str
    driver: str = FREETDS
    encrypt: Encrypt = "yes"
    trust_server_certificate: bool = False
    ca_file: Path | None = None
    login_timeout: int = 10
    lock_timeout: float = 10.0
    instance: str | None = None
    application_intent: Intent = "ReadWrite"
    isolation: Isolation = "auto"

    @property
    def place(self) -> str:
        """Host and port, or host and instance, for people."""
        return f"{self.host}\\{self.instance}" if self.instance else f"{self.host}:{self.port}"

    @property
    def uses_freetds(self) -> bool:
        """Whether the driver is FreeTDS, whose connection strings have rules of their own."""
        return self.driver.lower() == "freetds" or "tdsodbc" in self.driver.lower()


OPTIONS = (
    "driver",
    "encrypt",
    "trust_server_certificate",
    "ca_file",
    "login_timeout",
    "instance",
    "application_intent",
    "isolation",
)
assert set(OPTIONS) <= {field.name for field in fields(SourceSettings)}
_BY_LETTERS = {name.replace("_", ""): name for name in OPTIONS}


def read_settings(target: Target) -> SourceSettings:
    """What a target's URL and options say.

    Raises:
        TargetError: something is missing, unknown or wrong; the message names it.
    """
    url = target.url
    reader = _Reader(target)
    if (url.get_backend_name(), url.drivername.partition("+")[2]) not in (("mssql", ""), ("mssql", "pyodbc")):
        raise reader.error(f"{url.drivername}:// is no SQL Server", "write mssql://user@host:port/database")
    for part, value in (("host", url.host), ("database", url.database), ("user", url.username)):
        if not value:
            raise reader.error(f"its URL names no {part}", "write mssql://user@host:port/database")
        if any(ord(character) < 32 for character in value):
            raise reader.error(f"the {part} in its URL holds a control character")
    assert url.host
    assert url.database
    assert url.username
    if not _HOST.fullmatch(url.host):
        raise reader.error("the host in its URL holds more than letters, digits, '.', '-' and '_'")
    driver = reader.text("driver", FREETDS, _DRIVER, "letters, digits and spaces").replace("+", " ")
    instance = reader.text("instance", "", _INSTANCE, "letters, digits, '_', '$' and '-'") or None
    if instance and url.port:
        raise reader.error(
            "both a port and an instance are given", "keep one: an instance's port is asked from the server"
        )
    settings = SourceSettings(
        name=target.name,
        host=url.host,
        port=url.port or (None if instance else _DEFAULT_PORT),
        database=url.database,
        user=url.username,
        driver=driver,
        encrypt=cast("Encrypt", reader.encrypt()),
        trust_server_certificate=reader.yes_or_no("trust_server_certificate", False),
        ca_file=reader.file("ca_file"),
        login_timeout=reader.seconds("login_timeout", target.connect_timeout),
        lock_timeout=target.lock_timeout,
        instance=instance,
        application_intent=cast(
            "Intent", reader.choice("application_intent", ("ReadWrite", "ReadOnly"), "ReadWrite")
        ),
        isolation=cast(
            "Isolation", reader.choice("isolation", ("auto", "snapshot", "read_committed"), "auto")
        ),
    )
    reader.check_together(settings)
    return settings


class _Reader:
    def __init__(self, target: Target) -> None:
        self._name = target.name
        self._given: dict[str, str] = {}
        for key, value in (*target.url.query.items(), *target.options.items()):
            name = _BY_LETTERS.get(key.replace("_", "").lower())
            if name is None:
                near = difflib.get_close_matches(key.lower(), OPTIONS, n=1)
                raise self.error(
                    f"there is no option {key!r}",
                    f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(OPTIONS)}",
                )
            self._given[name] = str(value)

    def error(self, what: str, hint: str | None = None) -> TargetError:
        return TargetError(f"SQL Server {self._name}: {what}", hint=hint, target=self._name)

    def text(self, option: str, default: str, pattern: re.Pattern[str], allowed: str) -> str:
        value = self._given.get(option, default)
        if value != default and not pattern.fullmatch(value):
            raise self.error(f"the option {option} is {value!r}: it may hold {allowed}")
        return value

    def choice(self, option: str, values: tuple[str, ...], default: str) -> str:
        given = self._given.get(option, default)
        for value in values:
            if given.lower() == value.lower():
                return value
        raise self.error(f"the option {option} is {given!r}", f"it is one of: {', '.join(values)}")

    def encrypt(self) -> str:
        given = self._given.get("encrypt", "yes").lower()
        words = {"true": "yes", "mandatory": "yes", "require": "yes", "false": "no", "optional": "no"}
        if given not in ("yes", "strict", "no") and given not in words:
            raise self.error(f"the option encrypt is {given!r}", "it is one of: yes, strict, no")
        return words.get(given, given)

    def yes_or_no(self, option: str, default: bool) -> bool:
        given = self._given.get(option, "yes" if default else "no").lower()
        if given not in ("yes", "no", "true", "false"):
            raise self.error(f"the option {option} is {given!r}", "it is yes or no")
        return given in ("yes", "true")

    def seconds(self, option: str, default: int) -> int:
        given = self._given.get(option, str(default))
        if not (given.isascii() and given.isdigit() and 0 < int(given) <= 86_400):
            raise self.error(f"the option {option} is {given!r}: it is whole seconds from 1 to 86400")
        return int(given)

    def file(self, option: str) -> Path | None:
        given = self._given.get(option)
        if given is None:
            return None
        try:
            Path(given).open("rb").close()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise self.error(f"{option}: {given} cannot be read: {reason}") from None
        return Path(given)

    def check_together(self, settings: SourceSettings) -> None:
        if settings.encrypt == "strict" and settings.uses_freetds:
            raise self.error(
                "FreeTDS cannot encrypt strictly", "write encrypt=yes, or add Microsoft's driver and name it"
            )
        if settings.encrypt == "no" and (settings.trust_server_certificate or settings.ca_file):
            raise self.error("options about a certificate are given with encrypt=no", "drop one of them")
        if settings.trust_server_certificate and settings.ca_file:
            raise self.error(
                "both ca_file and trust_server_certificate are given", "drop trust_server_certificate"
            )
        if settings.ca_file and not settings.uses_freetds:
            raise self.error(
                f"{settings.driver} takes no ca_file",
                "name the file in the environment variable SSL_CERT_FILE",
            )
