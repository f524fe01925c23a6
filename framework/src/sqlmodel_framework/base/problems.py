"""What is wrong with a row, in words that name its table and columns and give no secret away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from ..errors import InvalidRowError

__all__ = ["Problem", "invalid_row", "problems_of"]

_NOTHING = object()
_LONGEST_VALUE = 40
_LONGEST_REASON = 160
_MOST_PROBLEMS = 5

_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase|code)?s?(?:_|$)|pwd|secret|token|credential|(?:api|access|private|auth)_?key|_pin(?:_|$)",
    re.IGNORECASE,
)
# A password in a URL, a PEM block, or a long run of letters and digits as keys and tokens are.
_SECRET_TEXT = re.compile(r"://[^/\s]*@|-----BEGIN|(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9+/_=.~-]{20,}")

# What a validator of the user's own says can hold the value.
_OWN_WORDS = ("value_error", "assertion_error")


@dataclass(frozen=True)
class Problem:
    """What is wrong with one column.

    Attributes:
        column: its name, or None when the row as a whole is wrong.
        reason: why.
        value: the value.
        inside: where in the value, such as `[0].price`.
        own_words: whether the reason was written by a validator of the user's.
    """

    column: str | None
    reason: str
    value: Any = _NOTHING
    inside: str = ""
    own_words: bool = False

    def described(self, table: str) -> str:
        """One line, or part of one."""
        secret = self.column is not None and _SECRET_NAME.search(self.column) is not None
        reason = "is not valid" if secret and self.own_words else self.reason
        if len(reason) > _LONGEST_REASON:
            reason = f"{reason[:_LONGEST_REASON]}…"
        shown = "" if secret else _shown(self.value)
        return f"{table}{f'.{self.column}' if self.column else ''}{self.inside}: {reason}{shown}"


def invalid_row(table: str, problems: Sequence[Problem]) -> InvalidRowError:
    """The error that these problems are."""
    lines = tuple(problem.described(table) for problem in problems)
    more = len(lines) - _MOST_PROBLEMS
    message = "; ".join(lines[:_MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
    return InvalidRowError(message, problems=lines, table=table, column=problems[0].column)


def problems_of(
    error: ValidationError, fields: Mapping[str, str], columns: Mapping[str, str]
) -> list[Problem]:
    """What pydantic found.

    Args:
        error: pydantic's.
        fields: the field that a name or alias means.
        columns: the column of each field.
    """
    found = []
    for item in error.errors(include_url=False):
        first, *rest = item["loc"] or (None,)
        field = fields.get(str(first), str(first)) if first is not None else None
        column = columns.get(field, field) if field is not None else None
        inside = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
        if item["type"] == "missing":
            found.append(Problem(column, "is missing", inside=inside))
            continue
        reason = item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        value = item["input"] if column is not None else _NOTHING
        found.append(Problem(column, reason, value, inside, item["type"] in _OWN_WORDS))
    return found


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return ""
    if isinstance(value, str):
        if _SECRET_TEXT.search(value):
            return f", not a text of {len(value)} characters"
        cut = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
        return f", not {cut!r}"
    if value is None or isinstance(value, bool | int | float | Decimal | date | time | UUID):
        text = (
            repr(value) if not isinstance(value, int) or abs(value) < 10**_LONGEST_VALUE else "a huge number"
        )
        return f", not {text}"
    return f", not a {type(value).__name__}"
