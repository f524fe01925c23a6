"""What is taken out of a source database: columns of a table, or those of its rows that lie in a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Select,
    Text,
    and_,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.mssql import DATETIME2
from sqlalchemy.engine import URL

from ..base.models import ExtractionMethod
from .watermark import Mark

__all__ = ["ColumnRange", "ColumnWindow", "Extraction", "written_out"]


@dataclass(frozen=True, kw_only=True)
class ColumnWindow:
    """Rows whose `column` is at or after `start` and before `end`; both have a time zone."""

    column: str
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class ColumnRange:
    """Rows whose `column` lies between two values, and those where it is null.

    Attributes:
        column: the column.
        low: the lower bound, if there is one.
        low_inclusive: whether a row may be equal to it.
        high: the upper bound, if there is one; a row may be equal to it.
    """

    column: str
    low: Mark | None = None
    low_inclusive: bool = True
    high: Mark | None = None


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """Columns of a table of a source, in the order in which they are wanted.

    Attributes:
        table: the table's name in the source, `name` or `schema.name`.
        columns: names of columns.
        window: which rows; all of them by default.
    """

    table: str
    columns: tuple[str, ...]
    window: ColumnWindow | ColumnRange | None = None

    @property
    def method(self) -> ExtractionMethod:
        """How the rows leave their source, as a bronze table records it."""
        return "full" if self.window is None else "incremental"

    def select(self, dialect: str, *, also: tuple[str, ...] = ()) -> Select[Any]:
        """The query.

        PostgreSQL and MariaDB turn values into text themselves, so every program that sends this
        query gets the same text, and the same row hash. Other databases return values as they are:
        what a value is in text is then for the program to say.

        The session's time zone has to be UTC: a moment is written without its zone, so that it fits
        columns with and without one.

        Args:
            dialect: the database, as in a SQLAlchemy URL: "postgresql", "mariadb", "mysql", "mssql".
            also: columns to return after the others as they are, under the names
                `datakit_0`, `datakit_1` and so on.
        """
        schema, _, name = self.table.rpartition(".")
        in_words = dialect in ("postgresql", "mariadb", "mysql")
        wanted = [cast(column(each), Text).label(each) if in_words else column(each) for each in self.columns]
        beside: list[ColumnElement[Any]] = [
            column(each).label(f"datakit_{number}") for number, each in enumerate(also)
        ]
        columns: list[Any] = [*wanted, *beside]
        query: Select[Any] = select(*columns)
        return self.within(query.select_from(table(name, schema=schema or None)), dialect)

    def within(self, query: Select[Any], dialect: str) -> Select[Any]:
        """A query of the same table, cut down to the rows of the window."""
        match self.window:
            case ColumnWindow(column=name, start=start, end=end):
                place: ColumnElement[Any] = column(name, DateTime)
                return query.where(place >= _moment(start, dialect), place < _moment(end, dialect))
            case ColumnRange(column=name, low=low, low_inclusive=inclusive, high=high):
                place = column(name)
                bounds: list[ColumnElement[bool]] = []
                if low is not None:
                    least = _value(low, dialect)
                    bounds.append(place >= least if inclusive else place > least)
                if high is not None:
                    bounds.append(place <= _value(high, dialect))
                return query.where(or_(and_(*bounds), place.is_(None))) if bounds else query
            case None:
                return query

    def greatest(self, name: str) -> Select[Any]:
        """The query of the greatest value of a column, as `greatest`; null where there is none."""
        schema, _, own = self.table.rpartition(".")
        return select(func.max(column(name)).label("greatest")).select_from(table(own, schema=schema or None))

    def sql(self, dialect: str, *, also: tuple[str, ...] = ()) -> str:
        """The query as text, with every name quoted and every value written out; see `select`."""
        return written_out(self.select(dialect, also=also), dialect)


def written_out(query: Select[Any], dialect: str) -> str:
    """A query as text, with every name quoted and every value written out.

    Args:
        query: the query.
        dialect: the database, as in a SQLAlchemy URL.
    """
    if dialect == "sqlite":
        from ..engines.sqlite.dialect import DatakitSqlite

        # Where a schema is a part of a table's name, as in a target.
        spoken: Any = DatakitSqlite
    else:
        spoken = URL.create(dialect).get_dialect()
    # Named placeholders, of which there are none: for others SQLAlchemy would double percent signs.
    return str(query.compile(dialect=spoken(paramstyle="named"), compile_kwargs={"literal_binds": True}))


def _value(mark: Mark, dialect: str) -> ColumnElement[Any]:
    if isinstance(mark, datetime):
        return _moment(mark, dialect)
    if isinstance(mark, date) and dialect == "postgresql":
        return cast(literal(mark, Date), Date)
    return literal(mark)


def _moment(moment: datetime, dialect: str) -> ColumnElement[datetime]:
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    value: ColumnElement[datetime] = literal(utc, DateTime)
    if dialect == "postgresql":
        # What has no type would be cut down to a day for a column of dates.
        return cast(value, DateTime)
    if dialect == "mssql":
        # So it would be there; and an old `datetime` takes no text with six digits of a second.
        return cast(value, DATETIME2(7))  # type: ignore[no-untyped-call]
    # A cast of MariaDB would cut fractions.
    return value
