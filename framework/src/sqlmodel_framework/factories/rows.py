"""Rows of one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlmodel import SQLModel

from ..base.tables import table_of
from ..errors import DeclarationError
from .parents import GivenParents, HeldRows, Referred
from .recipe import MadeRow, Recipe

__all__ = ["check_count", "make_rows"]


def make_rows(
    table: type[SQLModel],
    count: int,
    /,
    *,
    seed: int = 0,
    parents: GivenParents | None = None,
    **fixed: Any,
) -> Iterator[MadeRow]:
    """Rows that a table takes, made up one after another.

    Each is a mapping of the names of columns to values, as `RowSource` takes them; an instance of the class
    is `Item(**row)`, where the fields are called as the columns are. What the database fills is left out, and
    so is `inactivated_at` of `ReferenceTableMixin`. One row in ten has no value where there need not be one.

    The same arguments make the same rows in every process. Keys are reckoned from the number of their row,
    and a row refers to one that `parents` has, or to an earlier one of its own table: nothing is kept in
    memory, however many rows there are.

    Args:
        table: the class.
        count: how many rows.
        seed: other seeds make other rows.
        parents: what foreign keys refer to: for each class its rows, or a number of them, which are those
            that `make_rows` makes of that class with the same seed and parents. A foreign key without is
            null, if it may be.
        **fixed: by the name of a column, the value of all rows, or a callable of the row so far and of a
            `random.Random`, which makes the value: `ends=lambda row, random: row["starts"]`. Whoever gives
            a value sees to it that it is valid, and where it is part of a key, that rows differ. For a
            column that is called as a parameter here, `fill` takes it.

    Raises:
        DeclarationError: no values can be made up for a column. The message names it, and says why.
        TerminalError: polyfactory is not installed.
    """
    check_count(table, count)
    referred: dict[str, Referred] = {}
    recipes = dict(parents or {})
    for each in _in_order(recipes):
        known = recipes[each]
        if isinstance(known, int):
            check_count(each, known)
            referred[table_of(each).fullname] = Recipe(each, known, seed, referred, {})
        else:
            referred[table_of(each).fullname] = HeldRows(each, known)
    return Recipe(table, count, seed, referred, fixed).rows()


def check_count(table: type[SQLModel], count: object) -> None:
    """Refuse what is no number of rows.

    Raises:
        DeclarationError: it is none.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        name = table_of(table).fullname
        raise DeclarationError(f"{name}: {count!r} is no number of rows", table=name)


def _in_order(tables: Iterable[type[SQLModel]]) -> list[type[SQLModel]]:
    """Each after those that it refers to, as far as there is no circle."""
    left = {table_of(table).fullname: table for table in tables}
    ordered: list[type[SQLModel]] = []

    def take(name: str) -> None:
        table = left.pop(name, None)
        if table is not None:
            for key in sorted(key.target_fullname.rpartition(".")[0] for key in table_of(table).foreign_keys):
                take(key)
            ordered.append(table)

    for name in list(left):
        take(name)
    return ordered
