"""Database URLs: read without losing a password, shown without telling it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from sqlalchemy.engine import URL

from ..errors import TargetError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\+([A-Za-z0-9_]+))?://(.*)", re.DOTALL)
_HOST = re.compile(r"(?:\[(?P<v6>[^\[\]/?#]+)\]|(?P<host>[^:/?#\[\]]*))(?::(?P<port>[^/?#]*))?", re.DOTALL)
_SAFE_HOST = re.compile(r"[A-Za-z0-9._%,-]*")

# SQLAlchemy's own default for the first changed between its versions; for the second it has to be compiled.
_DRIVER = {"postgresql": "psycopg2", "mariadb": "pymysql"}
_ALIAS = {"postgres": "postgresql"}

# Options of a URL or a driver that are secrets; the second opens libpq's client key.
SECRET_OPTIONS = frozenset({"password", "sslpassword"})

SAFE_WAYS = (
    "give the password apart from the URL: password_env or password_file in datakit.toml, "
    "or the whole URL in DATAKIT_TARGETS__<NAME>__URL"
)


def parse_url(text: str) -> URL:
    """Read a database URL such as `postgresql://user:password@host:5432/name?sslmode=require`.

    The password may hold any character. It is read as percent-encoded where it has valid escapes,
    and as it stands elsewhere; everything up to the last `@` before the host belongs to it.
    `postgresql://` and `postgres://` mean psycopg2, `mariadb://` means PyMySQL.

    Raises:
        TargetError: it cannot be read. The message never repeats the URL.
    """
    match = _SCHEME.fullmatch(text.strip())
    if match is None:
        raise TargetError("a database URL looks like postgresql://user@host:5432/name; this one does not")
    dialect, driver, rest = match.groups()
    dialect = _ALIAS.get(dialect.lower(), dialect.lower())
    driver = driver or _DRIVER.get(dialect)

    userinfo, place = _split_userinfo(rest)
    username, colon, password = userinfo.partition(":")
    location, _, query = place.partition("?")
    authority, _, database = location.partition("/")
    host = _HOST.fullmatch(authority)
    if host is None or not _SAFE_HOST.fullmatch(host["host"] or ""):
        # What was taken for a host may be a piece of a password, so it is not shown.
        raise TargetError("the host in a database URL cannot be read", hint=SAFE_WAYS)
    port = host["port"]
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise TargetError("the port in a database URL must be a number from 1 to 65535")

    options = _options(query)
    in_query = options.pop("password", None)
    return URL.create(
        f"{dialect}+{driver}" if driver else dialect,
        username=unquote(username) or None,
        password=unquote(password) if colon else in_query,
        host=host["v6"] or unquote(host["host"] or "") or None,
        port=int(port) if port else None,
        database=unquote(database) or None,
        query=options,
    )


def with_driver(url: URL) -> URL:
    """The URL with its driver named, so that it means the same with every version of SQLAlchemy."""
    dialect, _, driver = url.drivername.partition("+")
    dialect = _ALIAS.get(dialect, dialect)
    driver = driver or _DRIVER.get(dialect, "")
    return url.set(drivername=f"{dialect}+{driver}" if driver else dialect)


def has_password(text: str) -> bool:
    """Whether a URL holds a password, even an empty one or one among its options."""
    match = _SCHEME.fullmatch(text.strip())
    if match is None:
        return False
    userinfo, place = _split_userinfo(match.group(3))
    return ":" in userinfo or not SECRET_OPTIONS.isdisjoint(_options(place.partition("?")[2]))


def with_secrets(url: URL, secrets: Mapping[str, str]) -> URL:
    """The URL with these secrets and no others: its password, and secret options."""
    # `URL.set` cannot take a password away.
    return URL.create(
        url.drivername,
        username=url.username,
        password=secrets.get("password"),
        host=url.host,
        port=url.port,
        database=url.database,
        query={
            **{key: value for key, value in url.query.items() if key not in SECRET_OPTIONS},
            **{key: value for key, value in secrets.items() if key != "password"},
        },
    )


def secrets_of(url: URL) -> dict[str, str]:
    """The secrets in a URL by the names of their options; the password proper wins over an option."""
    found = {key: str(value) for key, value in url.query.items() if key in SECRET_OPTIONS}
    if url.password is not None:
        found["password"] = str(url.password)
    return found


def shown(url: URL) -> str:
    """A URL for people: without driver, password and options."""
    return with_secrets(url, {}).set(drivername=url.get_backend_name(), query={}).render_as_string()


def _split_userinfo(rest: str) -> tuple[str, str]:
    # A password may hold @, / and ?, and an option may hold an @. So the first @ counts behind which
    # everything reads as a place; without one, the last.
    if _looks_like_place(rest):
        return "", rest
    ats = [position for position, character in enumerate(rest) if character == "@"]
    for position in ats:
        if _looks_like_place(rest[position + 1 :]):
            return rest[:position], rest[position + 1 :]
    return (rest[: ats[-1]], rest[ats[-1] + 1 :]) if ats else ("", rest)


def _looks_like_place(text: str) -> bool:
    location, _, query = text.partition("?")
    authority, _, database = location.partition("/")
    host = _HOST.fullmatch(authority)
    if host is None or not _SAFE_HOST.fullmatch(host["host"] or "") or "@" in database:
        return False
    if host["port"] is not None and not host["port"].isdigit():
        return False
    return all("=" in item for item in query.split("&") if item)


def _options(query: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in query.split("&") if item)
    return {unquote(key): unquote(value) for key, _, value in pairs}
