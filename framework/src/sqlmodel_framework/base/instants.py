"""Moments in time: one column type and two defaults that mean the same in every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from ..errors import TerminalError

__all__ = ["FOREVER", "Forever", "Instant", "TransactionTime", "utc"]

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Where the interval of a state that still holds ends. Midnight, so that no time zone makes it overflow."""

# Where MariaDB's timestamps end, by version; it closes an open interval there.
_MARIADB_ENDS = (datetime(2038, 1, 19, 3, 14, 7, 999999), datetime(2106, 2, 7, 6, 28, 15, 999999))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARIADB_LATEST = Decimal("2147483646.999999")
_MICROSECOND = timedelta(microseconds=1)


def utc(instant: datetime, what: str) -> datetime:
    """The same moment in UTC.

    Args:
        instant: with a time zone.
        what: what an error calls it.

    Raises:
        TerminalError: it is no moment, or has no time zone.
    """
    if not isinstance(instant, datetime):
        raise TerminalError(f"{what} is a {type(instant).__name__}, not a datetime")
    if instant.utcoffset() is None:
        raise TerminalError(
            f"{what} has no time zone: {instant.isoformat()}",
            hint="say which moment is meant: datetime.now(UTC), or .replace(tzinfo=UTC)",
        )
    return instant.astimezone(UTC)


class Instant(TypeDecorator[datetime]):
    """A moment to the microsecond, in Python always with time zone UTC.

    A naive value is refused. What a database takes for the end of time is read as `FOREVER`.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that keeps microseconds."""
        if dialect.name in ("mariadb", "mysql"):
            from sqlalchemy.dialects.mysql import TIMESTAMP

            return dialect.type_descriptor(TIMESTAMP(fsp=6))
        if dialect.name == "mssql":
            from sqlalchemy.dialects.mssql import DATETIME2

            return dialect.type_descriptor(DATETIME2(7))  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """What is sent: in UTC, as the database keeps it."""
        if value is None:
            return None
        moment = utc(value, "the instant")
        if dialect.name == "postgresql":
            return moment
        if dialect.name in ("mariadb", "mysql"):
            # In seconds, which mean the same in every session; see `bind_expression`.
            seconds = Decimal((moment - _EPOCH) // _MICROSECOND) / 1_000_000
            return min(max(seconds, Decimal(0)), _MARIADB_LATEST)
        return moment.replace(tzinfo=None)

    def process_literal_param(self, value: datetime | None, dialect: Dialect) -> str:
        """How a value is written into a statement that is printed."""
        bound = self.process_bind_param(value, dialect)
        return "NULL" if bound is None else str(bound) if isinstance(bound, Decimal) else f"'{bound}'"

    def bind_expression(self, bindparam: Any) -> ColumnElement[Any]:
        """What stands in the statement for a value."""
        return _Sent(bindparam)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is read: in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            if value in _MARIADB_ENDS:
                return FOREVER
            value = value.replace(tzinfo=UTC)
        return min(value.astimezone(UTC), FOREVER)


class _Sent(FunctionElement[Any]):
    """A bound instant; MariaDB is sent seconds, which it turns into a moment in the session's time zone."""

    inherit_cache = True


@compiles(_Sent)
def _sent(element: _Sent, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


@compiles(_Sent, "mariadb", "mysql")
def _sent_in_seconds(element: _Sent, compiler: Any, **kw: Any) -> str:
    return f"FROM_UNIXTIME({compiler.process(element.clauses, **kw)})"


class TransactionTime(FunctionElement[datetime]):
    """When the transaction began, or where the database does not know that, the statement."""

    inherit_cache = True
    type = Instant()


@compiles(TransactionTime)
def _transaction_time(_element: TransactionTime, _compiler: Any, **_kw: Any) -> str:
    return "CURRENT_TIMESTAMP"


@compiles(TransactionTime, "postgresql")
def _postgres_transaction_time(_element: TransactionTime, _compiler: Any, **_kw: Any) -> str:
    return "now()"


@compiles(TransactionTime, "sqlite")
def _sqlite_transaction_time(_element: TransactionTime, _compiler: Any, **_kw: Any) -> str:
    # Its clock ticks in milliseconds; SQLAlchemy keeps moments with six digits.
    return "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"


@compiles(TransactionTime, "mssql")
def _sqlserver_transaction_time(_element: TransactionTime, _compiler: Any, **_kw: Any) -> str:
    return "SYSUTCDATETIME()"


class Forever(FunctionElement[datetime]):
    """`FOREVER`, as a default."""

    inherit_cache = True
    type = Instant()


@compiles(Forever)
def _forever(_element: Forever, _compiler: Any, **_kw: Any) -> str:
    return f"'{FOREVER:%Y-%m-%d %H:%M:%S}.000000'"


@compiles(Forever, "postgresql")
def _postgres_forever(_element: Forever, _compiler: Any, **_kw: Any) -> str:
    return f"'{FOREVER:%Y-%m-%d %H:%M:%S}+00'"
