"""Incremental loads: a column of the source that grows says what came since the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ..errors import TerminalError

__all__ = ["Mark", "Watermark", "earlier", "mark_text", "read_mark"]

Mark = int | Decimal | datetime | date | str
"""How far a load has come: a value of the watermark's column."""


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """Only rows are read that came since the last load, which the target's ledger knows.

    A load reads up to the greatest value that the column has when it begins, and writes that value down in
    the transaction of its rows. Rows where the column is null are read each time.

    Args:
        column: the source's column; it should have an index.
        lag: how far before the last value reading begins anew, for rows that became visible late: a
            timedelta for moments and days, a number for numbers.
        inclusive: whether rows with the last value itself are read again, for more of them may have come.
        start: where the first load begins; by default with all that there is.
    """

    column: str
    lag: timedelta | int | Decimal | None = None
    inclusive: bool = True
    start: Mark | None = None


def earlier(mark: Mark, lag: timedelta | int | Decimal | None, column: str) -> Mark:
    """The value that lies so far before another one.

    Raises:
        TerminalError: the one cannot be taken from the other.
    """
    match mark, lag:
        case _, None:
            return mark
        case date(), timedelta():
            return mark - lag
        case ((int() | Decimal()), (int() | Decimal())):
            return mark - lag
        case _:
            raise TerminalError(
                f"the watermark {column} is a {type(mark).__name__}; no {type(lag).__name__} goes from it",
                hint="a lag is a timedelta for moments and days, and a number for numbers",
            )


def mark_text(mark: Mark) -> str:
    """A value as the ledger keeps it; moments with a zone are those of UTC."""
    if isinstance(mark, datetime):
        return (mark if mark.tzinfo is None else mark.astimezone(UTC)).isoformat(sep=" ")
    return mark.isoformat() if isinstance(mark, date) else str(mark)


def read_mark(text: str, like: Mark, column: str) -> Mark:
    """A value that the ledger kept, as the source's column has it.

    Args:
        text: of `mark_text`.
        like: a value that the column has now.
        column: what it is called in an error.

    Raises:
        TerminalError: the column has another type than it had.
    """
    try:
        match like:
            case datetime():
                moment = datetime.fromisoformat(text)
                if (moment.tzinfo is None) != (like.tzinfo is None):
                    moment = moment.replace(tzinfo=None if like.tzinfo is None else UTC)
                return moment
            case date():
                return date.fromisoformat(text)
            case int():
                return int(text)
            case Decimal():
                return Decimal(text)
            case _:
                return text
    except (ArithmeticError, ValueError):
        raise TerminalError(
            f"the watermark {column} was {text!r} at the last load, and now is {like!r}",
            hint="where it has another type than before, give the load another name: it then begins anew",
        ) from None
