"""How the rows of a table are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import repeat
from typing import Any

from sqlalchemy import Column
from sqlmodel import SQLModel

from ..base.models import BronzeTableMixin, ReferenceTableMixin
from ..base.tables import is_generated, table_of
from ..errors import DeclarationError
from .domains import Domain
from .draws import drawing
from .grouping import Grouping
from .groups import BLOCK
from .parents import Parents, one_by_one

__all__ = ["MadeRow", "Recipe", "is_left_out"]

MadeRow = dict[str, Any]
"""A row: values by the names of columns."""


class Recipe:
    """The rows of a table: any number of times the same, and each row for itself.

    Args:
        table: the class.
        count: how many rows.
        seed: other seeds make other rows.
        parents: what foreign keys refer to.
        fixed: values by column, or callables of the row so far and of a `Random`.

    Raises:
        DeclarationError: rows that the table would take cannot be made up.
    """

    def __init__(
        self, table: type[SQLModel], count: int, seed: int, parents: Parents, fixed: Mapping[str, Any]
    ) -> None:
        self.table = table
        self.count = count
        self._name = table_of(table).fullname
        self._salt = f"{seed} {self._name}"
        self._check_fixed(fixed)
        self._callables: dict[str, Callable[..., Any]] = {
            name: value for name, value in fixed.items() if callable(value)
        }
        self._constants = {name: value for name, value in fixed.items() if not callable(value)}
        made = [c for c in table_of(table).columns if c.name in fixed or not is_left_out(table, c)]
        self._wanted = {column.name: column for column in made}
        self._grouping = Grouping(table, count, self._wanted, self._salt, parents, fixed)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rows have, in the order in which they have them."""
        return (*(name for name in self._wanted if name not in self._callables), *self._callables)

    def rows(self) -> Iterator[MadeRow]:
        """The rows, one after another."""
        names = [name for name in self._wanted if name not in self._callables]
        draws = {name: drawing(f"{self._salt} {name}") for name in self._callables}
        for start in range(0, self.count, BLOCK):
            stop = min(start + BLOCK, self.count)
            columns = self._block(start, stop)
            for values in (
                zip(*(columns[name] for name in names), strict=True) if names else repeat((), stop - start)
            ):
                row = dict(zip(names, values, strict=True))
                for name, call in self._callables.items():
                    row[name] = call(row, draws[name])
                yield row

    def key(self, columns: tuple[str, ...]) -> Domain | None:
        """What the rows have in these columns, of any row without making those before it."""
        if not set(columns) <= self._wanted.keys():
            return None
        if set(columns) & self._callables.keys():
            # Nobody but the callable knows, and it may draw from what came before.
            made = cache(lambda: [one_by_one([row[name] for name in columns]) for row in self.rows()])
            return Domain(self.count, lambda row: made()[row])
        if len(columns) == 1:
            return Domain(self.count, self._grouping.value_of(columns[0]))
        values = [self._grouping.value_of(name) for name in columns]
        return Domain(self.count, lambda row: tuple(value(row) for value in values))

    def _block(self, start: int, stop: int) -> dict[str, Any]:
        """The values of some rows, by column."""
        columns: dict[str, Any] = {
            name: repeat(value, stop - start) for name, value in self._constants.items()
        }
        for group in dict.fromkeys(self._grouping.groups.values()):
            values = group.values(start, stop)
            if len(group.columns) == 1:
                columns[group.columns[0]] = values
                continue
            nothing = (None,) * len(group.columns)
            columns |= zip(
                group.columns, zip(*(each or nothing for each in values), strict=True), strict=True
            )
        return columns

    def _check_fixed(self, fixed: Mapping[str, Any]) -> None:
        unknown = [name for name in fixed if name not in table_of(self.table).columns]
        if unknown:
            raise DeclarationError(
                f"{self._name} has no column {unknown[0]!r} to give a value for",
                hint=f"its columns: {', '.join(table_of(self.table).columns.keys())}",
                table=self._name,
                column=unknown[0],
            )


def is_left_out(table: type[SQLModel], column: Column[Any]) -> bool:
    """Whether rows come without a column.

    The database or a load fills it, or it says since when a row is out of use.
    """
    if issubclass(table, BronzeTableMixin) and column.name in BronzeTableMixin.model_fields:
        return True
    if issubclass(table, ReferenceTableMixin) and column.name in ReferenceTableMixin.model_fields:
        return True
    # A default of Python's is for whoever leaves the column out; a sequence counts in the database.
    by_python = column.default is not None and not column.default.is_sequence
    return is_generated(table, column) and not by_python
