"""How many rows a table has, by itself and beside what it had before."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlmodel import SQLModel

from ..base.datakit import Check
from ..base.tables import table_of
from ..errors import DeclarationError
from ..runs import ledger

__all__ = ["row_count"]


def row_count(
    cls: type[SQLModel],
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    change: float | None = None,
    because: str = "so many rows are expected",
) -> Check:
    """A table has a number of rows that can be right.

    What is found is how many rows are missing, or too many; of a change that is too large, by how many rows
    the table changed.

    A change is measured against the number of rows that the table had when the last run succeeded that had
    such a check with a `change`: the ledger keeps it in `datakit.table_size`. So what failed is compared with
    the same number again, until the table is as expected or `change` is raised for one run. A table that
    no run has counted yet, or that was empty, has nothing to be compared with and passes.

    Args:
        cls: a table class.
        at_least: the smallest number of rows that is right.
        at_most: the largest.
        change: the largest share of its rows by which the table may have grown or shrunk; 0.1 is 10 %.
        because: what it protects, in a few words.

    Raises:
        DeclarationError: nothing is asked for, or a number cannot be meant.
    """
    table = table_of(cls)
    _refuse_unmeant(table.fullname, at_least, at_most, change)
    counted = select(func.count().label("number")).select_from(table)
    if change is not None:
        counted = counted.add_columns(_before(table.fullname).label("before"))
    found = counted.subquery("found").c
    words: list[str] = []
    broken: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = []
    if at_least is not None:
        words.append(f"at least {at_least} rows")
        broken.append((found.number < at_least, at_least - found.number))
    if at_most is not None:
        words.append(f"at most {at_most} rows")
        broken.append((found.number > at_most, found.number - at_most))
    if change is not None:
        words.append(f"at most {change:.4g} of its rows more or less than before")
        changed = func.abs(found.number - found.before)
        broken.append((and_(found.before > 0, changed > literal(change) * found.before), changed))
    return Check(
        name=f"{table.fullname} has {', '.join(words)}",
        statement=select(case(*broken, else_=0)),
        because=because,
        keeps_size_of=None if change is None else cls,
    )


def _before(table: str) -> Any:
    """How many rows the ledger says that a table had; null where it says nothing."""
    sizes = ledger.table(ledger.SizeRecord).c
    latest = select(sizes.number).where(sizes.table_name == table).order_by(sizes.size_id.desc()).limit(1)
    return latest.scalar_subquery()


def _refuse_unmeant(table: str, at_least: int | None, at_most: int | None, change: float | None) -> None:
    given = [number for number in (at_least, at_most, change) if number is not None]
    if not given:
        raise DeclarationError(
            f"row_count of {table} asks for nothing", hint="give at_least, at_most or change"
        )
    if not all(math.isfinite(number) and number >= 0 for number in given):
        raise DeclarationError(f"row_count of {table}: a number is below 0, or none")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise DeclarationError(f"row_count of {table}: at_least {at_least} is above at_most {at_most}")
