"""Airflow connections as endpoints of a run specification; the password goes its own way, as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException
from airflow.sdk.log import mask_secret
from pydantic import ValidationError
from sqlmodel_framework.runs.spec import Endpoint

__all__ = ["ConnectedEndpoint", "connected_endpoint"]

_DIALECTS = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mariadb",
    "mariadb": "mariadb",
    "mssql": "mssql",
    "sqlite": "sqlite",
}
_OWN_FIELDS = ("connect_timeout", "lock_timeout", "statement_timeout", "tls", "tls_ca")


@dataclass(frozen=True)
class ConnectedEndpoint:
    """A database that a connection names.

    Attributes:
        endpoint: it, without a password; a password is read from the file that is named there.
        password: the password, or None.
    """

    endpoint: Endpoint
    password: str | None = field(repr=False)


def connected_endpoint(connection_id: str, password_file: PurePosixPath) -> ConnectedEndpoint:
    """The database that an Airflow connection names.

    The connection's extra holds arguments for the driver, and `connect_timeout`, `lock_timeout`,
    `statement_timeout`, `tls` and `tls_ca` as a run specification's endpoint has them.

    Args:
        connection_id: the connection.
        password_file: where the step will find the password.

    Raises:
        AirflowFailException: there is no such connection, or it does not name a database.
    """
    try:
        connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        raise AirflowFailException(
            f"there is no Airflow connection {connection_id!r}: add it, or declare another one"
        ) from None
    if connection.password:
        mask_secret(connection.password)
    url = _url(connection)
    extra = _extra(connection)
    fields: dict[str, Any] = {name: extra.pop(name) for name in _OWN_FIELDS if name in extra}
    if connection.password:
        fields["password_file"] = str(password_file)
    try:
        endpoint = Endpoint.model_validate({"name": connection_id, "url": url, "options": extra, **fields})
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, found["loc"])) or "it"
        message = str(found["msg"]).removeprefix("Value error, ")
        raise _refused(connection_id, f"{where}: {message}") from None
    return ConnectedEndpoint(endpoint, connection.password or None)


def _url(connection: Connection) -> str:
    kind = (connection.conn_type or "").lower()
    dialect = _DIALECTS.get(kind)
    if dialect is None:
        known = ", ".join(sorted(_DIALECTS))
        raise _refused(connection.conn_id, f"its type is {kind or 'not given'!r}; it can be {known}")
    if dialect == "sqlite":
        path = connection.host or connection.schema
        if not path:
            raise _refused(connection.conn_id, "it names no file; give the path as its host")
        return f"sqlite:///{quote(path)}"
    if not connection.host and "host" not in _extra(connection):
        raise _refused(connection.conn_id, "it names no host")
    host = connection.host or ""
    user = f"{quote(connection.login, safe='')}@" if connection.login else ""
    place = f"[{host}]" if ":" in host else quote(host, safe="")
    port = f":{connection.port}" if connection.port else ""
    database = f"/{quote(connection.schema, safe='')}" if connection.schema else ""
    return f"{dialect}://{user}{place}{port}{database}"


def _extra(connection: Connection) -> dict[str, str]:
    given: Mapping[str, Any] = connection.extra_dejson
    extra = {}
    for name, value in given.items():
        if isinstance(value, (dict, list)):
            raise _refused(connection.conn_id, f"its extra {name!r} is no plain value")
        if value is not None:
            extra[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return extra


def _refused(connection_id: str, why: str) -> AirflowFailException:
    return AirflowFailException(f"the Airflow connection {connection_id!r} cannot be used: {why}")
