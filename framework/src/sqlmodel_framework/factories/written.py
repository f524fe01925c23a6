"""Keys that only the database knows, read back once their rows are there."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import select

from ..base.tables import table_of
from ..engines.registry import engine_for
from ..errors import TerminalError
from ..targets.target import Target
from .domains import Domain
from .parents import one_by_one
from .recipe import Recipe

__all__ = ["WithWrittenKeys"]

_AT_ONCE = 10_000


class WithWrittenKeys:
    """The rows of a recipe, with the keys that a target made for them.

    Args:
        recipe: how the rows are made.
        target: where they are, as soon as a key is asked for.
    """

    def __init__(self, recipe: Recipe, target: Target | None) -> None:
        self._recipe = recipe
        self._target = target

    def key(self, columns: tuple[str, ...]) -> Domain | None:
        """As `Referred`."""
        made = self._recipe.key(columns)
        if made is not None:
            return made
        written = _Written(self._recipe, columns, self._target)
        return Domain(self._recipe.count, lambda number: written.keys[number % len(written.keys)])


class _Written:
    """Keys of a table, at most as many as it was given rows."""

    def __init__(self, recipe: Recipe, columns: tuple[str, ...], target: Target | None) -> None:
        self._recipe = recipe
        self._columns = columns
        self._target = target

    @cached_property
    def keys(self) -> Sequence[Any]:
        """The keys, in their order, so that the same rows refer to the same ones again."""
        table = table_of(self._recipe.table)
        if self._target is None:
            raise TerminalError(f"without a target, nobody knows the keys of {table.fullname}")
        wanted = [table.columns[name] for name in self._columns]
        newest = select(*wanted).order_by(*(column.desc() for column in wanted)).limit(self._recipe.count)
        with engine_for(self._target).transaction() as connection:
            found = connection.execute(newest, execution_options={"yield_per": _AT_ONCE})
            keys = (one_by_one(row) for row in found)
            # Eight bytes each, where they are numbers, as they mostly are.
            whole = len(wanted) == 1 and table.columns[self._columns[0]].type.python_type is int
            held: Sequence[Any] = array("q", keys) if whole else list(keys)
        if not held:
            raise TerminalError(
                f"{table.fullname} is empty, and rows are to refer to it", table=table.fullname
            )
        return held
