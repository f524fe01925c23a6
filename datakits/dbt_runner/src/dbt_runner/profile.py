"""dbt's profile, made from a target: connection settings in a file, the password in a variable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue
from sqlmodel_framework.errors import TargetError
from sqlmodel_framework.targets.target import Target

from dbt_runner import sqlserver

__all__ = ["PASSWORD_VARIABLE", "PROFILE", "connection_settings", "password_of", "write_profile"]

PROFILE = "datakit"
"""The profile's name: the one that a project asks for does not matter."""

PASSWORD_VARIABLE = "DBT_ENV_SECRET_DATAKIT_PASSWORD"  # noqa: S105
"""dbt keeps what is in variables of this prefix out of what it writes."""

# libpq's options that dbt-postgres passes on, and one of its own.
_POSTGRES_TEXTS = ("sslmode", "sslcert", "sslkey", "sslrootcert", "application_name", "role")
_POSTGRES_NUMBERS = ("connect_timeout", "keepalives_idle")
_JINJA = re.compile(r"\{[{%#]")
_DEFAULT_PORT = 5432


def connection_settings(target: Target, schema: str) -> dict[str, JsonValue]:
    """What dbt's adapter for the target's kind of database is given, the password apart.

    Args:
        target: a PostgreSQL or an SQL Server.
        schema: where models go that name no schema.

    Raises:
        TargetError: dbt has no adapter for it here, or something is missing, unknown or wrong.
    """
    if target.dialect == "postgresql":
        settings = _postgres(target)
    elif target.dialect == "mssql":
        settings = sqlserver.connection_settings(target)
    else:
        raise TargetError(
            f"target {target.name}: dbt has no adapter for {target.dialect!r} databases here",
            hint="there are: postgresql, mssql",
            target=target.name,
        )
    return settings | {"schema": schema}


def password_of(target: Target) -> str:
    """The target's password, read now; empty where there is none.

    Raises:
        TargetError: it cannot be read.
    """
    return str(target.secret_url().password or "")


def write_profile(folder: Path, settings: Mapping[str, JsonValue], *, target_name: str, threads: int) -> Path:
    """Write profiles.yml into a folder of this process alone; returns its path.

    The password is not in it, but the name of the variable that dbt reads it from.

    Args:
        folder: where it goes.
        settings: those of `connection_settings`.
        target_name: what models see as `target.name`.
        threads: how many nodes are worked on at a time.
    """
    output = {name: _verbatim(value) for name, value in settings.items()}
    output |= {"threads": threads, "password": f"{{{{ env_var('{PASSWORD_VARIABLE}') }}}}"}
    profile = {PROFILE: {"target": _verbatim(target_name), "outputs": {target_name: output}}}
    path = folder / "profiles.yml"
    # JSON is YAML, and has one way only to write a text.
    path.write_text(json.dumps(profile, indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def _verbatim(value: JsonValue) -> JsonValue:
    """A value that dbt's templates leave as it is."""
    if isinstance(value, str) and _JINJA.search(value):
        return f"{{{{ {json.dumps(value, ensure_ascii=False)} }}}}"
    return value


def _postgres(target: Target) -> dict[str, JsonValue]:
    url = target.url
    given = {key: str(value) for key, value in (*url.query.items(), *target.options.items())}
    host = url.host or given.pop("host", None)
    port = url.port or int(given.pop("port", None) or _DEFAULT_PORT)
    for part, value in (("host", host), ("database", url.database), ("user", url.username)):
        if not value:
            raise TargetError(
                f"target {target.name}: its URL names no {part}",
                hint="write postgresql://user@host:port/database",
                target=target.name,
            )
    settings: dict[str, JsonValue] = {
        "type": "postgres",
        "host": host,
        "port": port,
        "user": url.username,
        "dbname": url.database,
        "connect_timeout": target.connect_timeout,
    }
    for name, value in given.items():
        if name in _POSTGRES_NUMBERS and value.isdecimal():
            settings[name] = int(value)
        elif name in _POSTGRES_TEXTS:
            settings[name] = value
        else:
            raise TargetError(
                f"target {target.name}: dbt cannot use the option {name!r} as it is given",
                hint=f"it can use: {', '.join((*_POSTGRES_TEXTS, *_POSTGRES_NUMBERS))}",
                target=target.name,
            )
    return settings
