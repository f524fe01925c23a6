"""A target: a named database, and how its password is come by."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL

from ..errors import TargetError
from .url import parse_url, shown, with_driver, with_password

__all__ = ["Target"]


class _Passwords:
    """Passwords that were read, to be masked; shows none of them."""

    __slots__ = ("all",)

    def __init__(self) -> None:
        self.all: set[str] = set()


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
        options: more arguments for the driver's connect, such as {"sslmode": "require"}.
        server_log: the server's own log, when it can be read here; it explains a lost connection.

    Raises:
        TargetError: the URL cannot be read, or the password is given in two ways.
    """

    # Not a dataclass: some printers show every field of one, whatever its own representation says.
    __slots__ = (
        "_password",
        "_read",
        "connect_timeout",
        "lock_timeout",
        "name",
        "options",
        "server_log",
        "url",
    )

    url: URL
    name: str
    connect_timeout: int
    lock_timeout: float
    options: Mapping[str, str]
    server_log: Path | None
    _password: Callable[[], str | None]
    _read: _Passwords

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
        options: Mapping[str, str] | None = None,
        server_log: Path | None = None,
    ) -> None:
        parsed = parse_url(url) if isinstance(url, str) else with_driver(url)
        given = [password, password_env, password_file]
        if sum(item is not None for item in given) > 1:
            raise TargetError(
                f"target {name or shown(parsed)}: the password is given in more than one way",
                hint="keep one of password, password_env, password_file",
            )
        set_field = object.__setattr__
        set_field(self, "url", with_password(parsed, None))
        set_field(self, "name", name or shown(parsed))
        set_field(self, "connect_timeout", connect_timeout)
        set_field(self, "lock_timeout", lock_timeout)
        set_field(self, "options", dict(options or {}))
        set_field(self, "server_log", server_log)
        set_field(self, "_read", _Passwords())
        set_field(self, "_password", self._reader(parsed, password, password_env, password_file))

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
            TargetError: the password's variable or file is not there.
        """
        password = self._password()
        if password:
            self._read.all.add(password)
        return with_password(self.url, password)

    def mask(self, text: str) -> str:
        """`text` with every password that was read, in every way of writing it, replaced by ***."""
        for password in self._read.all:
            # Quoted in full, as SQLAlchemy quotes in a URL, as a form does, and as Python shows it.
            quoted = {quote(password, safe=""), quote(password, safe=" +"), quote_plus(password)}
            for written in {password, *quoted, repr(password)[1:-1]}:
                text = text.replace(written, "***")
        return text

    def _reader(
        self,
        url: URL,
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

        if variable is not None:
            return from_environment
        if file is not None:
            return from_file
        if callable(password):
            return password
        fixed = password if password is not None else url.password
        return lambda: None if fixed is None else str(fixed)
