"""Rows of a temporary table, on their way into the table that they are loaded into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, TableClause, func

__all__ = ["POSITION", "REASONS", "Candidates", "accepted", "screened_rows"]

POSITION = "datakit_position"
"""The column of staged and screened rows that has their order."""

REASONS = "datakit_reasons"
"""The column of screened rows that says why each is rejected."""


@dataclass(frozen=True)
class Candidates:
    """What is to be written.

    Attributes:
        table: the rows, with their values converted.
        accepted: the condition that a row keeps the contract.
        order: their order in the source.
        distinct: how many rows the source has, where it is known that each is accepted and has a key of its
            own. Those that the table has already need not be among the rows.
        mostly_differ: whether those that the table has already were left out, as far as they were seen.
        gone: the keys that only the table has, where they are known.
    """

    table: TableClause
    accepted: ColumnElement[bool]
    order: ColumnElement[Any]
    distinct: int | None = None
    mostly_differ: bool = False
    gone: TableClause | None = None


def accepted(screened: FromClause) -> ColumnElement[bool]:
    """The condition that there is no reason against a screened row."""
    return func.cardinality(screened.c[REASONS]) == 0


def screened_rows(screened: TableClause) -> Candidates:
    """Screened rows, of which those count that nothing is said against."""
    return Candidates(screened, accepted(screened), screened.c[POSITION])
