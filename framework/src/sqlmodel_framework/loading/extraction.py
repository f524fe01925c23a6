"""What is taken out of a source database: columns of a table, or those of its rows that lie in a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Select, Text, cast, column, literal, select, table
from sqlalchemy.dialects.mssql import DATETIME2
from sqlalchemy.engine import URL

from ..base.models import ExtractionMethod

__all__ = ["ColumnWindow", "Extraction", "written_out"]


@dataclass(frozen=True, kw_only=True)
class ColumnWindow:
    """Rows whose `column` is at or after `start` and before `end`; both have a time zone."""

    column: str
    start: datetime
    end: datetime


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
    window: ColumnWindow | None = None

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
        if self.window is None:
            return query
        place: ColumnElement[datetime] = column(self.window.column, DateTime)
        return query.where(
            place >= _moment(self.window.start, dialect), place < _moment(self.window.end, dialect)
        )

    def sql(self, dialect: str, *, also: tuple[str, ...] = ()) -> str:
        """The query as text, with every name quoted and every value written out; see `select`."""
        return written_out(self.select(dialect, also=also), dialect)


def written_out(query: Select[Any], dialect: str) -> str:
    """A query as text, with every name quoted and every value written out.

    Args:
        query: the query.
        dialect: the database, as in a SQLAlchemy URL.
    """
    # Named placeholders, of which there are none: for others SQLAlchemy would double percent signs.
    spoken: Any = URL.create(dialect).get_dialect()
    return str(query.compile(dialect=spoken(paramstyle="named"), compile_kwargs={"literal_binds": True}))


def _moment(moment: datetime, dialect: str) -> ColumnElement[datetime]:
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    value: ColumnElement[datetime] = literal(utc, DateTime)
    if dialect == "postgresql":
        # What has no type would be cut down to a day for a column of dates.
        return cast(value, DateTime)
    if dialect == "mssql":
        # So it would be there; and an old `datetime` takes no text with six digits of a second.
        return cast(value, DATETIME2(7))  # type: ignore[no-untyped-call]
    # A cast of MariaDB would cut fractions.
    return value
