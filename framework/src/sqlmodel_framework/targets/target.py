"""A target: a named database, and how its password is come by."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL

from ..errors import DatakitError, TargetError, UnavailableError
from .building import MICROSOFT_DRIVER, Encrypt, TargetOptions, mariadb_url, postgres_url, sqlserver_url
from .tls import TlsMode, tls_options
from .url import SECRET_OPTIONS, parse_url, secrets_of, shown, with_driver, with_secrets

if TYPE_CHECKING:
    from .pool import Pool

__all__ = ["LONGEST_TIME", "MOST_CONNECTIONS", "Target"]


LONGEST_TIME = 2_147_483
"""Seconds: the longest that PostgreSQL takes."""

MOST_CONNECTIONS = 10_000


class _Secrets:
    """Secrets that are known or were read; shows none of them."""

    __slots__ = ("options", "read")

    def __init__(self, options: dict[str, str]) -> None:
        self.options = options
        self.read: set[str] = set()


class Target:
    """A database to deploy to or load into; immutable.

    The password is read when a connection is made, from the first of these that is given:
    `password`, `password_env`, `password_file`, the URL. It is in no representation of a target.

    Args:
        url: a database URL, as text or as SQLAlchemy's URL; `postgresql://` means psycopg2.
        name: what it is called in reports and errors; by default the URL without its password.
        password: the password, or a callable that returns it.
        password_env: the environment variable that holds the password.
        password_file: a file that holds the password; one line end at its end is dropped.
        connect_timeout: seconds to wait for a connection; 10 by default.
        lock_timeout: seconds to wait for somebody else's deployment or run; 10 by default.
        statement_timeout: seconds that a statement may take, waiting for a lock included; by default as
            long as the server lets it.
        tls: "disable", "require" (TLS, whoever answers) or "verify-full" (TLS with the host of the URL,
            vouched for by `tls_ca`); by default what the driver does by itself.
        tls_ca: the file of the authorities to trust, PEM; for "verify-full".
        pool_size: connections that `shared_pool` keeps open; 5 by default.
        pool_overflow: connections beyond these while there is need, at most; 5 by default.
        pool_lifetime: seconds after which a pool opens a connection anew; 1800 by default.
        pool_timeout: seconds to wait for a connection of a pool to come free; 30 by default.
        options: more arguments for the driver's connect, such as {"keepalives_idle": "30"}.
        server_log: the server's own log, when it can be read here; it explains a lost connection.

    Raises:
        TargetError: the URL cannot be read, the password or TLS is asked for in two ways or in a way that
            cannot be, a time or a number is out of range, or a lock would be waited for longer than a
            statement may take.
    """

    # Not a dataclass: some printers show every field of one, whatever its own representation says.
    __slots__ = (
        "_password",
        "_secrets",
        "connect_timeout",
        "lock_timeout",
        "name",
        "options",
        "pool",
        "pool_lifetime",
        "pool_overflow",
        "pool_size",
        "pool_timeout",
        "server_log",
        "statement_timeout",
        "tls",
        "tls_ca",
        "url",
    )

    url: URL
    name: str
    connect_timeout: int
    lock_timeout: float
    statement_timeout: float | None
    tls: TlsMode | None
    tls_ca: Path | None
    pool_size: int
    pool_overflow: int
    pool_lifetime: float
    pool_timeout: float
    options: Mapping[str, str]
    server_log: Path | None
    pool: Pool | None
    _password: Callable[[], str | None]
    _secrets: _Secrets

    def __init__(
        self,
        url: str | URL,
        *,
        name: str | None = None,
        password: str | Callable[[], str] | None = None,
        password_env: str | None = None,
        password_file: str | os.PathLike[str] | None = None,
        connect_timeout: int = 10,
        lock_timeout: float = 10.0,
        statement_timeout: float | None = None,
        tls: TlsMode | None = None,
        tls_ca: str | os.PathLike[str] | None = None,
        pool_size: int = 5,
        pool_overflow: int = 5,
        pool_lifetime: float = 1800.0,
        pool_timeout: float = 30.0,
        options: Mapping[str, str] | None = None,
        server_log: Path | None = None,
    ) -> None:
        parsed = parse_url(url) if isinstance(url, str) else with_driver(url)
        name = name or shown(parsed)
        given = [password, password_env, password_file]
        if sum(item is not None for item in given) > 1:
            raise TargetError(
                f"target {name}: the password is given in more than one way",
                hint="keep one of password, password_env, password_file",
            )
        times = {
            "connect_timeout": connect_timeout,
            "lock_timeout": lock_timeout,
            "pool_lifetime": pool_lifetime,
            "pool_timeout": pool_timeout,
        }
        counts = {"pool_size": pool_size, "pool_overflow": pool_overflow}
        limit = {} if statement_timeout is None else {"statement_timeout": statement_timeout}
        _check(name, times | limit, counts)
        if statement_timeout is not None and statement_timeout <= lock_timeout:
            raise TargetError(
                f"target {name}: statement_timeout, {statement_timeout:g} s, is not above lock_timeout, "
                f"{lock_timeout:g} s: it would end the wait for a lock",
                hint="raise the one or lower the other",
            )
        options = options or {}
        secrets = {key: value for key, value in options.items() if key in SECRET_OPTIONS} | secrets_of(parsed)
        plain = {key: value for key, value in options.items() if key not in SECRET_OPTIONS}
        ca = None if tls_ca is None else Path(tls_ca)
        fields = {
            **times,
            **counts,
            "url": with_secrets(parsed, {}),
            "name": name,
            "statement_timeout": statement_timeout,
            "tls": tls,
            "tls_ca": ca,
            "options": plain | tls_options(parsed, name, tls, ca, plain),
            "server_log": server_log,
            "pool": None,
            "_secrets": _Secrets(secrets),
        }
        for field, value in fields.items():
            object.__setattr__(self, field, value)
        object.__setattr__(self, "_password", self._reader(password, password_env, password_file))

    @classmethod
    def postgres(
        cls,
        *,
        database: str,
        host: str = "localhost",
        user: str | None = None,
        port: int = 5432,
        **more: Unpack[TargetOptions],
    ) -> Self:
        """A PostgreSQL database.

        Args:
            database: its name.
            host: the server's name or address, or the folder of its socket.
            user: by default the one that the driver takes, which is that of the operating system.
            port: the server's.
            **more: as for a `Target`: name, password_env, tls and so on.

        Raises:
            TargetError: a part cannot be what it is given as; the message names it.
        """
        return cls(postgres_url(host, database, user, port), **more)

    @classmethod
    def mariadb(
        cls,
        *,
        database: str,
        host: str = "localhost",
        user: str | None = None,
        port: int = 3306,
        **more: Unpack[TargetOptions],
    ) -> Self:
        """A MariaDB database; the arguments are those of `postgres`, without sockets.

        Raises:
            TargetError: a part cannot be what it is given as; the message names it.
        """
        return cls(mariadb_url(host, database, user, port), **more)

    @classmethod
    def sqlserver(
        cls,
        *,
        database: str,
        user: str,
        host: str = "localhost",
        port: int | None = None,
        instance: str | None = None,
        driver: str = MICROSOFT_DRIVER,
        encrypt: Encrypt | None = None,
        trust: bool = False,
        **more: Unpack[TargetOptions],
    ) -> Self:
        """A SQL Server database, through an ODBC driver.

        Args:
            database: its name.
            user: the login.
            host: the server's name or address.
            port: the server's, 1433 by default; not together with an instance.
            instance: the name of one, whose port the server is asked for.
            driver: the ODBC driver by its name in unixODBC: Microsoft's, or "FreeTDS".
            encrypt: "yes", which is the default, "strict" or "no"; instead of `tls`.
            trust: whether a certificate is taken that nobody vouches for; FreeTDS cannot check one.
            **more: as for a `Target`: name, password_env, connect_timeout and so on.

        Raises:
            TargetError: a part cannot be what it is given as, or the driver cannot do what is asked for.
        """
        url = sqlserver_url(
            host, database, user, port, instance=instance, driver=driver, encrypt=encrypt, trust=trust
        )
        made = cls(url, **more)
        # What does not go together is told now, and not when somebody connects.
        from ..engines.sqlserver.connecting import connection_string

        connection_string(made, "")
        return made

    def with_pool(self, pool: Pool) -> Self:
        """The same target, whose connections come from a pool; see `shared_pool`."""
        copy = object.__new__(type(self))
        for field in Target.__slots__:
            object.__setattr__(copy, field, getattr(self, field))
        object.__setattr__(copy, "pool", pool)
        return copy

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Target is immutable: {name} cannot be set")

    def __repr__(self) -> str:
        return f"Target({self.name!r}, {shown(self.url)!r})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a Target is not pickled: it may hold a password")

    @property
    def dialect(self) -> str:
        """The kind of database, such as "postgresql"."""
        return self.url.get_backend_name()

    @property
    def place(self) -> str:
        """The URL for people: without password and options."""
        return shown(self.url)

    def secret_url(self) -> URL:
        """The URL with its password, read now; for a connection, never for a message.

        Raises:
            TargetError: the password's variable or file is not there, or holds what no database takes.
            UnavailableError: a callable could not reach the place where the password is kept.
        """
        secrets = dict(self._secrets.options)
        password = self._password()
        if password is not None:
            secrets["password"] = password
        for secret in secrets.values():
            if not _can_be_sent(secret):
                raise TargetError(
                    f"target {self.name}: the password holds a zero byte, or bytes that are not UTF-8",
                    target=self.name,
                )
        self._secrets.read.update(filter(None, secrets.values()))
        return with_secrets(self.url, secrets)

    def mask(self, text: str) -> str:
        """`text` with every secret that was read, in every way of writing it, replaced by ***."""
        for password in self._secrets.read:
            # Quoted in full, as SQLAlchemy quotes in a URL, as a form does, and as Python shows it.
            quoted = {quote(password, safe=""), quote(password, safe=" +"), quote_plus(password)}
            for written in {password, *quoted, repr(password)[1:-1]}:
                text = text.replace(written, "***")
        return text

    def _reader(
        self,
        password: str | Callable[[], str] | None,
        variable: str | None,
        file: str | os.PathLike[str] | None,
    ) -> Callable[[], str | None]:
        name = self.name

        def from_environment() -> str:
            value = os.environ.get(variable or "")
            if value is None:
                raise TargetError(
                    f"target {name}: the environment variable {variable} is not set",
                    hint="it should hold the password",
                    target=name,
                )
            return value

        def from_file() -> str:
            path = Path(file or "")
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
                raise TargetError(
                    f"target {name}: the password file {path} cannot be read: {reason}", target=name
                ) from None
            return text.removesuffix("\n").removesuffix("\r")

        def from_callable() -> str:
            assert callable(password)
            try:
                return password()
            except DatakitError:
                raise
            except Exception as error:
                kind = UnavailableError if isinstance(error, OSError) else TargetError
                raise kind(
                    f"target {name}: the password could not be read: {type(error).__name__}: {error}",
                    target=name,
                ) from error

        if variable is not None:
            return from_environment
        if file is not None:
            return from_file
        if callable(password):
            return from_callable
        return lambda: password


def _can_be_sent(secret: str) -> bool:
    try:
        return b"\0" not in secret.encode()
    except UnicodeEncodeError:
        return False


def _check(name: str, times: Mapping[str, float], counts: Mapping[str, int]) -> None:
    for what, seconds in times.items():
        if not (math.isfinite(seconds) and 0 < seconds <= LONGEST_TIME):
            raise TargetError(
                f"target {name}: {what} is {seconds}; it must be above 0 s and at most {LONGEST_TIME} s"
            )
    for what, number in counts.items():
        least = 1 if what == "pool_size" else 0
        if not (isinstance(number, int) and least <= number <= MOST_CONNECTIONS):
            raise TargetError(
                f"target {name}: {what} is {number}; "
                f"it must be a whole number from {least} to {MOST_CONNECTIONS}"
            )
