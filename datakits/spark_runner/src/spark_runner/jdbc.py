"""A PostgreSQL database as Spark reaches it: the JDBC URL, and properties that hold the password."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlmodel_framework.errors import TargetError, TerminalError
from sqlmodel_framework.targets.target import Target

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SESSION", "JdbcDatabase"]

SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; "
    # What a server does by itself; the driver would ask for more, which old servers print.
    "SET extra_float_digits = 1"
)
"""What makes the same value the same text for every program that reads it."""

# libpq's names, which a target's URL and options use, to those of the driver.
_OPTIONS = {
    "application_name": "ApplicationName",
    "options": "options",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslmode": "sslmode",
    "sslpassword": "sslpassword",
    "sslrootcert": "sslrootcert",
    "target_session_attrs": "targetServerType",
}
_SERVER_TYPES = {
    "any": "any",
    "primary": "primary",
    "read-write": "primary",
    "read-only": "secondary",
    "standby": "secondary",
    "prefer-standby": "preferSecondary",
}
# The framework's own connection heeds them; to the driver they mean nothing that matters.
_PASSED_OVER = frozenset({"connect_timeout", "client_encoding", "gssencmode"})


class JdbcDatabase:
    """A database for Spark to read and write. It shows its password nowhere.

    Args:
        target: where it is; PostgreSQL alone is possible.
        spark: the session to read with.

    Raises:
        TerminalError: it is no PostgreSQL database.
    """

    def __init__(self, target: Target, spark: SparkSession) -> None:
        self._target = target
        self._spark = spark
        self.url = jdbc_url(target)

    def __repr__(self) -> str:
        return f"JdbcDatabase({self._target.name!r})"

    @property
    def name(self) -> str:
        """What logs and reports call it."""
        return self._target.name

    def read(
        self,
        query: str,
        *,
        predicates: Sequence[str] | None = None,
        fetch_size: int = 10_000,
        session: str = SESSION,
    ) -> DataFrame:
        """The rows of a query.

        Args:
            query: SQL, `SELECT ...`.
            predicates: conditions on the query's columns, one for each partition that is read apart; together
                they have to be true once for every row. By default all is one partition.
            fetch_size: the rows that are asked for at a time.
            session: SQL for the session, before the query.
        """
        options = {"fetchsize": str(fetch_size), "sessionInitStatement": session}
        properties = {**jdbc_properties(self._target), **options}
        table = f"({query}) AS datakit_rows"
        if not predicates:
            return self._spark.read.jdbc(self.url, table, properties=properties)
        return self._spark.read.jdbc(self.url, table, predicates=list(predicates), properties=properties)

    def write(self, rows: DataFrame, table: str, *, mode: str = "append", batch_size: int = 10_000) -> None:
        """Write rows to a table. Each partition is a transaction of its own.

        Args:
            rows: what to write.
            table: `schema.name`, as SQL has it.
            mode: "append"; "overwrite" empties the table first and keeps its columns.
            batch_size: the rows that are sent at a time.
        """
        options = {"batchsize": str(batch_size), "truncate": "true", "stringtype": "unspecified"}
        rows.write.jdbc(self.url, table, mode=mode, properties={**jdbc_properties(self._target), **options})


def jdbc_url(target: Target) -> str:
    """The URL, without user, password and options.

    Raises:
        TerminalError: it is no PostgreSQL database.
        TargetError: it names no host.
    """
    if target.dialect != "postgresql":
        raise TerminalError(
            f"{target.name} is a {target.dialect} database; this runner reads and writes PostgreSQL",
            target=target.name,
        )
    url = target.url
    if not url.host or url.host.startswith("/"):
        raise TargetError(
            f"target {target.name}: Spark connects by TCP, and the URL names no host", target=target.name
        )
    port = url.port or 5432
    hosts = ",".join(f"{_bracketed(host)}:{port}" for host in url.host.split(","))
    return f"jdbc:postgresql://{hosts}/{quote(url.database or url.username or '', safe='')}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def jdbc_properties(target: Target) -> dict[str, str]:
    """What the driver is told beside the URL: user, password, encryption, timeouts.

    Raises:
        TargetError: an option of the target means nothing to the driver, or the password is not there.
    """
    url = target.secret_url()
    properties = {
        "driver": "org.postgresql.Driver",
        "connectTimeout": str(target.connect_timeout),
        "loginTimeout": str(target.connect_timeout),
        "tcpKeepAlive": "true",
        "ApplicationName": "datakit",
    }
    if url.username:
        properties["user"] = url.username
    if url.password is not None:
        properties["password"] = str(url.password)
    given: dict[str, Any] = {**url.query, **target.options}
    for name, value in given.items():
        if name in _PASSED_OVER:
            continue
        text = value if isinstance(value, str) else ",".join(value)
        if name not in _OPTIONS or (name == "target_session_attrs" and text not in _SERVER_TYPES):
            raise TargetError(
                f"target {target.name}: the option {name!r} means nothing to Spark's driver",
                hint=f"there are: {', '.join(sorted(_OPTIONS))}",
                target=target.name,
            )
        properties[_OPTIONS[name]] = _SERVER_TYPES[text] if name == "target_session_attrs" else text
    return properties
